"""A fault that a tenant or a network can show, and the expected result of the order."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from spoken import NATIVE, TRANSLATED, Spoken

from airflow_provider_oms.cancellation.outcomes import Outcome

Fault = dict[str, Any]
#: Seconds that a client waits for a response where one is to come too late.
READ_TIMEOUT = 4


def fault(kind: str, **parameters: Any) -> Fault:
    return {"kind": kind, "times": 1, **parameters}


@dataclass(frozen=True)
class Case:
    """One row: a fault, and the expected result of the order; `native`, where it ends otherwise."""

    title: str
    outcome: Outcome
    calls: str
    faults: tuple[Fault, ...] = ()
    state: str | None = "READY"
    settings: dict[str, Any] = field(default_factory=dict)
    attempt: int = 1
    deadline: float = 8
    only_if: frozenset[str] | None = None
    native: Outcome | None = None
    is_for_native: bool = True
    order: dict[str, Any] = field(default_factory=dict)
    spoken: Spoken = TRANSLATED

    @property
    def times_out(self) -> bool:
        """Return whether a response comes later than the client waits."""
        return any(one.get("seconds", 0) > READ_TIMEOUT for one in self.faults)

    @property
    def shows_late(self) -> bool:
        """Return whether the tenant shows each cancel late."""
        return isinstance(self.settings.get("native_cancel_shows"), float)

    @property
    def cancels(self) -> int:
        return self.calls.split(", ").count(self.spoken.method)

    def on_native(self, spoken: Spoken = NATIVE) -> Case:
        """Return the same for a native tenant."""
        return replace(
            self,
            outcome=self.native or self.outcome,
            calls=self.calls.replace(TRANSLATED.method, spoken.method),
            only_if=self.only_if and frozenset({"Accepted"}),
            spoken=spoken,
        )
