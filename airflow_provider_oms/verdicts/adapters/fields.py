"""The plain adapter: a payload whose verdict is in fields of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.values import kind_of
from airflow_provider_oms.verdicts.adapters.payload import (
    Path,
    Words,
    case_id_of,
    keys_of,
    meanings_of,
    named,
    naming,
    optional,
    order_of,
    required,
    word_among,
    words_of,
)
from airflow_provider_oms.verdicts.adapters.times import Clock
from airflow_provider_oms.verdicts.verdict import Decision, OmsVerdictError, Payload, Verdict

__all__ = ["Fields"]

_Keys = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Fields:
    """Read a verdict from the fields of a payload.

    Without settings, it reads ``{"order_id": 1010101, "verdict": "rejected", "case_id": "F-17"}``.
    Letter case and blanks count in every word. A path is a field's name, with a dot before each
    nested one, or a tuple of names that have dots themselves.

    :param order: the path of the order.
    :param decision: the path of the word that decides.
    :param cancel: the words that mean cancel.
    :param keep: the words that mean keep.
    :param pending: the words of a verdict that is not final.
    :param case_id: the path of the fraud check's own name of the case, which a payload may lack;
        ``None`` if no payload has one.
    :param decided_at: the path of the time of the decision, which no payload may lack then;
        ``None`` if no payload has one.
    :param zone: the name of the time zone of times without one; ``None`` to refuse them.
    :param epoch: ``"seconds"`` or ``"milliseconds"`` since 1970, where times are numbers.
    :param only: by path, the words that a payload must have there to be about an order at all, as
        in ``{"entity.type": ["order"]}``.
    :param without: the paths of fields that a payload about an order lacks, or has as null.
    :raises OmsInputError: when a setting is no such thing, or a word means two things.
    """

    order: Path = "order_id"
    decision: Path = "verdict"
    cancel: Words = ("rejected",)
    keep: Words = ("accepted",)
    pending: Words = ()
    case_id: Path | None = "case_id"
    decided_at: Path | None = None
    zone: str | None = None
    epoch: str | None = None
    only: Mapping[Path, Words] = field(default_factory=dict)
    without: Sequence[Path] = ()

    _paths: dict[str, _Keys] = field(init=False, repr=False)
    _meanings: dict[str, Decision] = field(init=False, repr=False)
    _only: dict[_Keys, list[str]] = field(init=False, repr=False)
    _without: list[_Keys] = field(init=False, repr=False)
    _clock: Clock = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the settings, once for all payloads."""
        given = {"case_id": self.case_id, "decided_at": self.decided_at}
        named_paths = {name: path for name, path in given.items() if path is not None}
        named_paths |= {"order": self.order, "decision": self.decision}
        checked = {
            "_paths": {name: keys_of(name, path) for name, path in named_paths.items()},
            "_meanings": meanings_of(
                cancel=(Decision.CANCEL, self.cancel),
                keep=(Decision.KEEP, self.keep),
                pending=(Decision.PENDING, self.pending),
            ),
            "_only": _conditions_of(self.only),
            "_without": _paths_of(self.without),
            "_clock": Clock.checked(self.zone, self.epoch),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def __call__(self, payload: Payload) -> Verdict:
        """Return the verdict of a payload.

        :param payload: the payload, as JSON was parsed.
        :raises OmsVerdictError: when it is no verdict on an order; its order is named if known.
        """
        self._expect_an_order(payload)
        keys = self._paths["order"]
        order = order_of(named(keys), required(payload, keys))
        try:
            return Verdict(order, self._decision(payload), self._case(payload), self._time(payload))
        except OmsVerdictError as error:
            raise naming(error, order) from None

    def _expect_an_order(self, payload: Payload) -> None:
        for keys, words in self._only.items():
            rule = "one of the words that the adapter's only names"
            word_among(named(keys), required(payload, keys), words, rule)
        for keys in self._without:
            if optional(payload, keys) is not None:
                rule = "left out, because a payload with it is about something else than an order"
                raise OmsVerdictError(named(keys), rule, "a value")

    def _decision(self, payload: Payload) -> Decision:
        keys, meanings = self._paths["decision"], self._meanings
        rule = "one of the words that the adapter's cancel, keep and pending name"
        return meanings[word_among(named(keys), required(payload, keys), meanings, rule)]

    def _case(self, payload: Payload) -> str | None:
        keys = self._paths.get("case_id")
        return None if keys is None else case_id_of(optional(payload, keys))

    def _time(self, payload: Payload) -> datetime | None:
        keys = self._paths.get("decided_at")
        return None if keys is None else self._clock.read(named(keys), required(payload, keys))


def _conditions_of(only: Any) -> dict[_Keys, list[str]]:
    if not isinstance(only, Mapping):
        raise OmsInputError("only", "a dict of paths and words", kind_of(only))
    return {keys_of("only", path): words_of("only", words) for path, words in only.items()}


def _paths_of(without: Any) -> list[_Keys]:
    if not isinstance(without, Sequence) or isinstance(without, str | bytes):
        raise OmsInputError("without", "a list of paths", kind_of(without))
    return [keys_of("without", path) for path in without]
