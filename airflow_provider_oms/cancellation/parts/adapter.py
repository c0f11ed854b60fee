"""A part of an order, to be canceled by what cancels an order: read, send, and nothing else.

``runner.py`` knows a client by two calls, and by the evidence in their replies. Here both are
about one part, and a read of the whole order is taken for one, too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, fields
from typing import Any, Protocol

from airflow_provider_oms.api.errors import OmsError
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.parts import LineName, OrderParts, PartCancel
from airflow_provider_oms.api.values import CancelRequest, OrderId
from airflow_provider_oms.cancellation.history import NOTHING_HAPPENED, Policy, Reply
from airflow_provider_oms.cancellation.parts.assessment import Found, Standing, assess
from airflow_provider_oms.cancellation.parts.plan import Part, Plan, ends_the_order

__all__ = [
    "OmsPartChangedError",
    "PartCalls",
    "PartPolicy",
    "PlanReader",
    "ShownPart",
    "TakenApart",
]


class PartCalls(Protocol):
    """Name the calls about parts that a client has."""

    def may_share_orders(self, order_ids: Iterable[OrderId]) -> bool:
        """Return whether two of some names may be those of one order."""

    def claim(self, order_id: OrderId, name: OrderId, *, is_dry_run: bool = False) -> None:
        """Note under which name parts of an order are canceled."""

    def get_parts(
        self,
        order_id: OrderId,
        *,
        lines: Collection[LineName] = (),
        shipments: Collection[int] = (),
        is_whole: bool = False,
    ) -> OrderParts:
        """Read an order and some of its parts."""

    def post_part(
        self,
        cancel: PartCancel,
        before: OrderParts,
        *,
        may_send: Callable[[], bool] | None = None,
    ) -> OrderParts:
        """Send one cancel of a part."""


class OmsPartChangedError(OmsError):
    """Report a part that is neither as it was planned nor canceled; it proves nothing."""

    evidence = Evidence.AMBIGUOUS


@dataclass(frozen=True, slots=True)
class ShownPart(Order):
    """Hold the OMS's answer about one part, in the form of an order.

    :param proof: its evidence about the part.
    :param words: the part's state in the OMS, in a few words.
    """

    proof: Evidence = Evidence.OPEN
    words: str = ""

    @property
    def evidence(self) -> Evidence:
        """Return its evidence about the part."""
        return self.proof

    @property
    def statement(self) -> str:
        """Return the part's state in the OMS, in one clause."""
        return self.words

    @classmethod
    def of(cls, shown: OrderParts, proof: Evidence, words: str, obstacle: str = "") -> ShownPart:
        """Return the shown part in the form of an order, with the order's id.

        :param shown: the order as read.
        :param proof: its evidence.
        :param words: the part's state in the OMS.
        :param obstacle: why no cancel may be sent for it; empty where one may.
        """
        values: dict[str, Any] = {f.name: getattr(shown.order, f.name) for f in fields(Order)}
        values |= {
            "raw": {},
            # That the order as a whole can be canceled says nothing of a part.
            "is_cancelable": False if obstacle else None,
            "obstacle": obstacle,
        }
        return cls(**values, proof=proof, words=words)


@dataclass(frozen=True, slots=True)
class PartPolicy(Policy):
    """Hold how long to try a part: as an order, but no cancel is sent against an obstacle.

    A cancel of a quantity that is not there any more could act on another one.
    """

    def objection(self, reply: Reply) -> str:
        """Return why an open part may not be canceled in its present state; empty if it may.

        :param reply: a reply that held the part.
        """
        return reply.obstacle or Policy.objection(self, reply)

    @classmethod
    def like(cls, policy: Policy, **changes: Any) -> PartPolicy:
        """Return the policy of a part.

        :param policy: that of an order.
        :param changes: the fields that differ.
        """
        values = {f.name: getattr(policy, f.name) for f in fields(Policy)}
        # The state after a cancel is believed only in comparison with the state directly before it.
        return cls(**{**values, "look_first": True, **changes})


class TakenApart:
    """Make the calls about one part of a plan.

    :param calls: the client.
    :param part: the part.
    :param name: the order, as the caller has named it.
    :param cancel_of: makes the cancel of the part, given the read directly before.
    :param before_sending: called before a cancel leaves; returns a function that tells if it still
        may.
    :param may_have_acted: whether an earlier attempt may have sent a cancel for the part.
    :param others: the other parts of the plan that are to be canceled; ``None`` where nothing of
        the order need be left open.
    """

    def __init__(
        self,
        calls: PartCalls,
        part: Part,
        name: OrderId,
        cancel_of: Callable[[Part, OrderParts], PartCancel],
        before_sending: Callable[[], Callable[[], bool]],
        *,
        may_have_acted: bool,
        others: Collection[Part] | None,
    ) -> None:
        self._calls = calls
        self._part = part
        self._name = name
        self._cancel_of = cancel_of
        self._before_sending = before_sending
        self._may_have_acted = may_have_acted
        self._others = others
        self._before: OrderParts | None = None

    def get_order(
        self,
        order_id: OrderId,  # noqa: ARG002 - as the runner calls it
        /,
    ) -> ShownPart:
        """Read the part.

        :param order_id: not used; the order is known.
        """
        part = self._part
        shown = self._calls.get_parts(
            self._name,
            lines=[share.line for share in part.shares],
            shipments=[] if part.shipment is None else [part.shipment],
            # The rest of the order, and of a line in other shipments, may have changed.
            is_whole=True,
        )
        if shown.order.order_id != part.order_id:
            # The plan may be an earlier attempt's, and a number may have changed hands since.
            raise OmsPartChangedError(
                f"An earlier attempt began with order {part.order_id}, and now order "
                f"{shown.order.order_id} is found under this name"
            )
        self._before = shown
        return self._shown(shown, is_read=True)

    def post_cancel(
        self,
        request: CancelRequest,  # noqa: ARG002 - as the runner calls it
        /,
        *,
        may_send: Callable[[], bool] | None = None,
    ) -> ShownPart:
        """Send the cancel that brings the part to its target from where it was read last.

        :param request: not used; the order is known.
        :param may_send: asked before it leaves.
        """
        if self._before is None:
            raise AssertionError
        cancel = self._cancel_of(self._part, self._before)
        is_in_time = self._before_sending()

        def may_leave() -> bool:
            return is_in_time() and (may_send is None or may_send())

        try:
            shown = self._calls.post_part(cancel, self._before, may_send=may_leave)
        except OmsError as error:
            self._may_have_acted |= error.evidence not in NOTHING_HAPPENED
            raise
        except BaseException:
            self._may_have_acted = True
            raise
        self._may_have_acted = True
        return self._shown(shown)

    def _shown(self, shown: OrderParts, *, is_read: bool = False) -> ShownPart:
        found = assess(self._part, shown)
        if self._is_anothers(found):
            obstacle = "Another client has canceled as many of it since the task began"
            return ShownPart.of(shown, Evidence.OPEN, found.words, obstacle)
        if found.standing is Standing.CANCELED:
            return ShownPart.of(shown, Evidence.CANCELED, found.words)
        if found.standing is Standing.CHANGED and self._may_have_acted:
            raise OmsPartChangedError(
                f"{found.obstacle}. Another client has changed it, and whether a cancel of this "
                f"task took effect cannot be told. {found.words}"
            )
        obstacle = found.obstacle
        if is_read and not obstacle and self._others is not None:
            obstacle = ends_the_order(self._part, found.left, self._others, shown)
        return ShownPart.of(shown, Evidence.OPEN, found.words, obstacle)

    def _is_anothers(self, found: Found) -> bool:
        """Return whether a visible cancel is not this task's, and differs from its request.

        Where so many more were wanted, those that another client has canceled do not count.
        """
        if self._may_have_acted or found.standing is Standing.CHANGED:
            return False
        return any(share.left is None and share not in found.left for share in self._part.shares)


class PlanReader:
    """Make the read from which a plan is made; an order with parts to cancel counts as open.

    :param calls: the client.
    :param name: the order.
    :param lines: the lines that are meant.
    :param shipments: the shipments that are meant.
    :param plan: makes the plan from a read.
    """

    def __init__(
        self,
        calls: PartCalls,
        name: OrderId,
        lines: Collection[LineName],
        shipments: Collection[int],
        plan: Callable[[OrderParts], Plan],
    ) -> None:
        self._calls = calls
        self._name = name
        self._lines = lines
        self._shipments = shipments
        self._make = plan
        #: The plan of the newest read, and the order as that has shown it.
        self.plan: Plan | None = None
        self.order: Order | None = None

    def get_order(
        self,
        order_id: OrderId,  # noqa: ARG002 - as the runner calls it
        /,
    ) -> ShownPart:
        """Read the order with all that a plan needs.

        :param order_id: not used; the order is known.
        """
        shown = self._calls.get_parts(
            self._name, lines=self._lines, shipments=self._shipments, is_whole=True
        )
        self.order, self.plan = shown.order, self._make(shown)
        is_left = self.plan.parts or self.plan.refusals
        proof = Evidence.OPEN if is_left else Evidence.CANCELED
        return ShownPart.of(shown, proof, shown.order.statement)

    def post_cancel(
        self,
        request: CancelRequest,  # noqa: ARG002 - as the runner calls it
        /,
        *,
        may_send: Callable[[], bool] | None = None,  # noqa: ARG002 - as the runner calls it
    ) -> ShownPart:
        """Refuse: what makes a plan sends nothing.

        :param request: not used.
        :param may_send: not asked.
        """
        raise AssertionError
