"""Faults: which request meets which misbehavior of the network or of the OMS.

How a fault is acted out is `injection`'s business; here it is only described and chosen.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from airflow_provider_oms.emulator.access_log import Received
from airflow_provider_oms.emulator.calls import CallName, OrderIds
from airflow_provider_oms.emulator.errors import Shape

Seconds = Annotated[float, Field(ge=0, le=3600)]
NativeId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


def _not_framing(name: str) -> str:
    if name.lower() in {"content-length", "transfer-encoding"}:
        raise ValueError("the length of an answer follows from its body")
    return name


HeaderName = Annotated[
    str, StringConstraints(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"), AfterValidator(_not_framing)
]
HeaderValue = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]*$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Drop(_Model):
    """Close the connection before acting, after acting, or in the middle of the answer."""

    kind: Literal["drop"]
    when: Literal["before", "after", "mid_answer"] = "after"


class Hang(_Model):
    """Say nothing for some seconds, then close the connection."""

    kind: Literal["hang"]
    seconds: Seconds = 60
    acts: bool = True


class Slow(_Model):
    """Answer as usual, but some seconds later; act first, or only after that time."""

    kind: Literal["slow"]
    seconds: Seconds
    acts: Literal["first", "last"] = "first"


class Status(_Model):
    """Answer with another status, acted on or not; an object as `body` is sent as it is."""

    kind: Literal["status"]
    status: int = Field(ge=200, le=599)
    acts: bool = False
    body: Shape | Literal["order"] | dict[str, Any] = "platform"
    headers: dict[HeaderName, HeaderValue] = {}


class Throttle(_Model):
    """Refuse to act because of too many requests: 429 with an empty body."""

    kind: Literal["throttle"]
    retry_after: int | None = Field(default=None, ge=0, le=3600)
    as_date: bool = False


class OverLimit(_Model):
    """Refuse to act the way the classic host's gateway does: 403 with its own marks."""

    kind: Literal["over_limit"]


class Unauthorized(_Model):
    """Refuse a token that is valid; `revokes` makes that last until there is a new one."""

    kind: Literal["unauthorized"]
    revokes: bool = True


class Answer200(_Model):
    """Answer with success and something that proves nothing."""

    kind: Literal["answer"]
    body: Literal["empty", "html", "text", "cut_off", "other_order", "earlier_order"]
    acts: bool = True


class Gzip(_Model):
    """Answer as usual, compressed."""

    kind: Literal["gzip"]


class Late(_Model):
    """Take a cancel and show it only after some seconds; the answer is the order as it was."""

    kind: Literal["late"]
    seconds: Seconds
    answer: Literal["order", "drop", "error"] = "order"


class CloseAfter(_Model):
    """Answer as usual, promise to keep the connection, and close it."""

    kind: Literal["close_after"]


Fault = Annotated[
    Drop
    | Hang
    | Slow
    | Status
    | Throttle
    | OverLimit
    | Unauthorized
    | Answer200
    | Gzip
    | Late
    | CloseAfter,
    Field(discriminator="kind"),
]


class Rule(_Model):
    """Which requests meet a fault; the first rule that matches and is not used up applies.

    A script is a list of rules with `times` 1.
    """

    call: Literal[CallName, "any"] = Field(
        default="cancel", description="The calls that it is about, in either dialect."
    )
    order_ids: tuple[int | NativeId, ...] | None = Field(
        default=None, description="The orders that it is about, by id of either dialect; null: any."
    )
    part_ids: tuple[int | NativeId, ...] | None = Field(
        default=None,
        description="The parts of orders that it is about: shipment numbers, and ids of order "
        "items of either dialect; null: any, and calls that name none.",
    )
    share: float = Field(default=1, ge=0, le=1, description="Share of the matching requests.")
    seed: int = Field(
        default=0, description="Which share that is: the same requests of the same orders each run."
    )
    skip: int = Field(default=0, ge=0, description="Matching requests that are left alone first.")
    times: int | None = Field(default=None, ge=0, description="How often at most; null: always.")
    reused: bool = Field(
        default=False,
        description="Only requests on a connection that has served one before, which a pool keeps.",
    )
    fault: Fault

    def matches(self, received: Received) -> bool:
        """Return whether a request is of the kind that this rule is about.

        :param received: the request.
        """
        if self.call not in ("any", received.call.name) or (self.reused and not received.reused):
            return False
        if self.part_ids is not None:
            named = received.call.named
            if named is None or not named.is_one_of(self.part_ids):
                return False
        return self.order_ids is None or received.order.is_one_of(self.order_ids)


RULES: TypeAdapter[list[Rule]] = TypeAdapter(list[Rule])


class _Use:
    """How often a rule has met a request so far."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.met = 0
        self.applied = 0
        self._met_about: Counter[int | str | None] = Counter()

    def takes(self, received: Received) -> bool:
        rule = self.rule
        if (rule.times is not None and self.applied >= rule.times) or not rule.matches(received):
            return False
        self.met += 1
        if self.met <= rule.skip or not self._draw(received.order) < rule.share:
            return False
        self.applied += 1
        return True

    def _draw(self, order: OrderIds) -> float:
        # From the order and not from a running sequence: threads send the same orders in another
        # sequence each time, and the same orders are to be hit.
        order_id = order.native if order.number is None else order.number
        self._met_about[order_id] += 1
        key = f"{self.rule.seed}:{order_id}:{self._met_about[order_id]}"
        return random.Random(key).random()  # noqa: S311 - to be repeatable, not secret


class Faults:
    """The rules in force.

    :param rules: the rules to begin with.
    """

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._uses = [_Use(rule) for rule in rules]

    def choose(self, received: Received) -> Fault | None:
        """Return the fault that a request meets, and count it; None for a normal answer.

        :param received: the request.
        """
        return next((use.rule.fault for use in self._uses if use.takes(received)), None)

    def add(self, rules: Iterable[Rule]) -> None:
        """Put rules behind those that are in force.

        :param rules: the rules.
        """
        self._uses += [_Use(rule) for rule in rules]

    def clear(self) -> int:
        """Lift all rules; return how many there were."""
        count = len(self._uses)
        self._uses = []
        return count

    def summaries(self) -> list[dict[str, Any]]:
        """Return each rule with how often it was `met` and `applied`."""
        return [
            {**use.rule.model_dump(mode="json"), "met": use.met, "applied": use.applied}
            for use in self._uses
        ]
