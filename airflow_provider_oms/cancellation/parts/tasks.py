"""The task to cancel parts of one order, made of the wanted parts and the given options.

The arguments of the hook and those of a set of orders come to the same here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.part_calls import PartDialect
from airflow_provider_oms.api.parts import Flags, PartKind
from airflow_provider_oms.api.values import OrderId, kind_of, validate_flag
from airflow_provider_oms.cancellation.bulk.json_text import read_json
from airflow_provider_oms.cancellation.parts.plan import plan_items, plan_shipments
from airflow_provider_oms.cancellation.parts.run import PartsTask
from airflow_provider_oms.cancellation.parts.wanted import Wanted

__all__ = ["PartOptions"]

_NAMES = (*(one.name for one in fields(Flags)), "allow_whole_order", "allow_order_edit")
_RULE = f"a dict, or its JSON text, with some of {', '.join(_NAMES)}"


@dataclass(frozen=True, slots=True)
class PartOptions:
    """Hold the options of a cancellation of parts.

    :param flags: the arguments of each cancel.
    :param allow_whole_order: whether nothing else of the order need be open.
    :param allow_order_edit: whether the order itself may be edited where it has no shipments.
    """

    flags: Flags
    allow_whole_order: bool = False
    allow_order_edit: bool = False

    @classmethod
    def checked(
        cls,
        *,
        send_notifications: Any = None,
        rectify_order: Any = True,
        cancel_child_items: Any = False,
        block_assignment: Any = False,
        allow_whole_order: Any = False,
        allow_order_edit: Any = False,
    ) -> PartOptions:
        """Return the options of a caller, checked.

        :param send_notifications: a flag, or ``None`` where it is not said.
        :param rectify_order: a flag.
        :param cancel_child_items: a flag.
        :param block_assignment: a flag.
        :param allow_whole_order: a flag.
        :param allow_order_edit: a flag.
        :raises OmsInputError: for the first value that is no flag.
        """
        flags = Flags(
            None
            if send_notifications is None
            else validate_flag("send_notifications", send_notifications),
            validate_flag("rectify_order", rectify_order),
            validate_flag("cancel_child_items", cancel_child_items),
            validate_flag("block_assignment", block_assignment),
        )
        return cls(
            flags,
            validate_flag("allow_whole_order", allow_whole_order),
            validate_flag("allow_order_edit", allow_order_edit),
        )

    @classmethod
    def of_set(cls, value: Any) -> PartOptions | None:
        """Return the options of a set of orders, checked; ``None`` for none.

        :param value: a dict of the arguments of :meth:`checked`, its JSON text, or ``None``.
        :raises OmsInputError: when it is anything else.
        """
        given = value
        if isinstance(given, str):
            try:
                given = read_json(given)
            except ValueError:
                raise OmsInputError("part_options", _RULE, kind_of(value)) from None
        if given is None:
            return None
        if not isinstance(given, Mapping) or not set(given) <= set(_NAMES):
            raise OmsInputError("part_options", _RULE, kind_of(given))
        return cls.checked(**given)

    def check(self, dialect: PartDialect, kind: PartKind) -> None:
        """Refuse options that no call about parts of a kind can carry.

        :param dialect: the tenant's.
        :param kind: ``LINE`` or ``SHIPMENT``.
        :raises OmsInputError: for the first value that breaks a rule.
        """
        dialect.check_flags(kind, self.flags)
        if self.flags.cancel_child_items and not self.allow_whole_order:
            # Nothing tells which lines are children, so they would count as the rest of the order.
            rule = "false, or given together with allow_whole_order=True"
            raise OmsInputError("cancel_child_items", rule, "true")

    def for_shipments(self, dialect: PartDialect) -> PartOptions:
        """Return the options of shipments in a set that may have lines, too.

        :param dialect: the tenant's.
        """
        told = self.flags.send_notifications if dialect.shipment_cancels_tell_shopper else None
        flags = Flags(told, block_assignment=self.flags.block_assignment)
        return replace(self, flags=flags)

    def task(
        self,
        dialect: PartDialect,
        order_id: OrderId,
        wanted: tuple[Wanted, ...],
        *,
        is_shipment: bool = False,
    ) -> PartsTask:
        """Return the task for an order.

        :param dialect: the tenant's.
        :param order_id: the order, as the tenant's dialect has checked it.
        :param wanted: the lines, or the shipments.
        :param is_shipment: whether they are shipments.
        """
        plan: Any
        if is_shipment:
            plan = partial(plan_shipments, wanted=wanted, allow_whole_order=self.allow_whole_order)
        else:
            plan = partial(
                plan_items,
                wanted=wanted,
                whole_lines_only=dialect.whole_lines_only,
                allow_whole_order=self.allow_whole_order,
                allow_order_edit=self.allow_order_edit,
            )
        is_relative = not dialect.whole_lines_only and any(
            one.quantity is not None for one in wanted
        )
        return PartsTask(
            order_id,
            wanted,
            plan,
            self.flags,
            is_shipment=is_shipment,
            is_relative=is_relative,
            allow_whole_order=self.allow_whole_order,
        )
