"""The adapter of Kibo itself: the validation results that a native order holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from airflow_provider_oms.api.values import kind_of
from airflow_provider_oms.verdicts.adapters.payload import (
    Path,
    Words,
    case_id_of,
    folded,
    keys_of,
    meanings_of,
    named,
    naming,
    optional,
    order_of,
    required,
    shown,
    word_among,
)
from airflow_provider_oms.verdicts.adapters.times import Clock
from airflow_provider_oms.verdicts.verdict import Decision, OmsVerdictError, Payload, Verdict

__all__ = ["Kibo"]

_RESULTS = "validationResults"
_CLOCK = Clock()
# One result that means cancel outweighs all others, and one that is not final those that mean keep.
_BY_WEIGHT = (Decision.CANCEL, Decision.PENDING, Decision.KEEP)


class _Result(NamedTuple):
    """Hold one result of a fraud check."""

    created: datetime
    decision: Decision
    validator: str | None
    validation_id: str | None


@dataclass(frozen=True, eq=False)
class Kibo:
    """Read the verdict of a native order from its state and its validation results.

    An order under review whose fraud check failed is to be canceled. Of each validator the newest
    result counts; one that means cancel outweighs those of other validators, and one that is not
    final outweighs those that mean keep. An order that is past its review is kept, whatever its
    results say: it was accepted, or it is canceled already.

    No failed check cancels if a later result that says otherwise may be of its validator: one
    without a name, or whose name differs by letter case or blanks alone. Such a payload is refused.

    A payload with results of an unknown type is refused, unless a fraud check has failed: the type
    may be another fraud check's. Kibo also records ``Fail`` for a validator that it could not
    reach.

    A type that differs from one of ``types`` by letter case or blanks alone is always refused.

    The fields and the words of a result are those of Kibo's API description
    (KiboSoftware/kibo-open-api-specs, ``OrderValidationResult``); the states are those of its
    storefront SDK (Mozu/mozu-storefront-sdk).

    :param order: the path of what names the order; ``orderNumber`` for its number.
    :param types: the ``validatorType`` of fraud checks. It is free text, except for ``Fraud``.
    :param other_types: the types of other validators. An order of which only these have a result
        is pending.
    :param cancel: the words of a result that mean cancel.
    :param keep: the words that mean keep.
    :param pending: the words that are not final.
    :param under_review: the states of an order under review.
    :param reviewed: the states after it.
    :param before_review: the states before it, in which nothing is decided.
    :raises OmsInputError: when a setting is no such thing, or a word means two things.
    """

    order: Path = "id"
    types: Words = ("Fraud",)
    other_types: Words = ()
    cancel: Words = ("Fail",)
    keep: Words = ("Pass",)
    pending: Words = ("Review", "Error")
    under_review: Words = ("PendingReview",)
    reviewed: Words = ("Accepted", "Processing", "Completed", "Cancelled")
    before_review: Words = ("Created", "Submitted", "Validated")

    _order: tuple[str, ...] = field(init=False, repr=False)
    _types: dict[str, Decision] = field(init=False, repr=False)
    _meanings: dict[str, Decision] = field(init=False, repr=False)
    _states: dict[str, Decision] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the settings, once for all payloads."""
        checked = {
            "_order": keys_of("order", self.order),
            "_types": meanings_of(
                types=(Decision.CANCEL, self.types),
                other_types=(Decision.PENDING, self.other_types),
            ),
            "_meanings": meanings_of(
                cancel=(Decision.CANCEL, self.cancel),
                keep=(Decision.KEEP, self.keep),
                pending=(Decision.PENDING, self.pending),
            ),
            # Under review the results decide, and only one of them can cancel.
            "_states": meanings_of(
                under_review=(Decision.CANCEL, self.under_review),
                reviewed=(Decision.KEEP, self.reviewed),
                before_review=(Decision.PENDING, self.before_review),
            ),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def __call__(self, payload: Payload) -> Verdict:
        """Return the verdict of an order.

        :param payload: the order, as JSON was parsed, with its state and validation results.
        :raises OmsVerdictError: when that is no verdict; the order is named if known.
        """
        order = order_of(named(self._order), required(payload, self._order))
        try:
            return self._verdict(order, payload)
        except OmsVerdictError as error:
            raise naming(error, order) from None

    def _verdict(self, order: str | int, payload: Payload) -> Verdict:
        rule = "one of the states that the adapter's under_review, reviewed and before_review name"
        state = word_among("status", required(payload, ("status",)), self._states, rule)
        if self._states[state] is not Decision.CANCEL:
            return Verdict(order, self._states[state])
        found, unknown = self._results(payload)
        current = _newest_of_each(found)
        for decision in _BY_WEIGHT:
            results = [result for result in current if result.decision is decision]
            # The unknown type may be that of a fraud check that failed.
            if unknown is not None and decision is not Decision.CANCEL:
                raise unknown
            if results and decision is Decision.CANCEL:
                _expect_clear_names(results, found)
            if results:
                newest = max(results, key=lambda result: result.created)
                return Verdict(order, decision, newest.validation_id)
        return Verdict(order, Decision.PENDING)

    def _results(self, payload: Payload) -> tuple[list[_Result], OmsVerdictError | None]:
        """Return the results of fraud checks, and the error about the type of another one."""
        entries = required(payload, (_RESULTS,))
        if not isinstance(entries, list) or not entries:
            kind = kind_of(entries) if entries != [] else "an empty list"
            raise OmsVerdictError(_RESULTS, "a list of at least one result", kind)
        results: list[_Result] = []
        unknown: OmsVerdictError | None = None
        rule = "one of the types that the adapter's types and other_types name"
        for number, entry in enumerate(entries):
            within = (_RESULTS, str(number))
            try:
                found = required(entry, ("validatorType",), within)
                name = word_among(named((*within, "validatorType")), found, self._types, rule)
            except OmsVerdictError as error:
                # A misspelled type is a fraud check's, whose newest result this may be.
                if self._is_nearly_fraud(entry):
                    raise
                unknown = unknown or error
                continue
            if self._types[name] is Decision.CANCEL:
                results.append(self._result(entry, within))
        return results, unknown

    def _is_nearly_fraud(self, entry: object) -> bool:
        found = optional(entry, ("validatorType",)) if isinstance(entry, Mapping) else None
        return isinstance(found, str) and any(
            folded(name) == folded(found)
            for name, meaning in self._types.items()
            if meaning is Decision.CANCEL
        )

    def _result(self, entry: Payload, within: tuple[str, ...]) -> _Result:
        rule = "one of the words that the adapter's cancel, keep and pending name"
        status = required(entry, ("status",), within)
        word = word_among(named((*within, "status")), status, self._meanings, rule)
        created = required(entry, ("createdDate",), within)
        return _Result(
            _CLOCK.read(named((*within, "createdDate")), created),
            self._meanings[word],
            _validator_in(entry, within),
            case_id_of(entry.get("validationId")),
        )


def _validator_in(entry: Payload, within: tuple[str, ...]) -> str | None:
    name = entry.get("validatorName")
    if name is not None and not isinstance(name, str):
        raise OmsVerdictError(named((*within, "validatorName")), "a text", kind_of(name))
    # A name of which nothing can be seen is none.
    return name if name and folded(name) else None


def _expect_clear_names(failed: Iterable[_Result], results: Iterable[_Result]) -> None:
    """Refuse results of which each failure may have been replaced under another name.

    One that stands however the names are read is enough to cancel.

    :param failed: those that mean cancel, the newest of each name.
    :param results: all results of fraud checks.
    """
    doubt = None
    for failure in failed:
        later = next((one for one in results if _may_replace(one, failure)), None)
        if later is None:
            return
        doubt = doubt or (later.validator, failure.validator)
    if doubt is None:
        return
    name, near = doubt
    kind = "one without a name that may be of the validator of another one"
    if name is not None and near is not None:
        kind = f"{shown(name)}, which differs from {shown(near)} by letter case or blanks alone"
    raise OmsVerdictError(_RESULTS, "results whose validators can be told apart", kind)


def _may_replace(later: _Result, failure: _Result) -> bool:
    if later.decision is Decision.CANCEL or later.created < failure.created:
        return False
    # Of results under the very same name, the newest has been found already.
    name, near = later.validator, failure.validator
    return name != near and (name is None or near is None or folded(name) == folded(near))


def _newest_of_each(results: Iterable[_Result]) -> list[_Result]:
    """Return the newest result of each validator."""
    by_validator: dict[str | None, list[_Result]] = defaultdict(list)
    for result in results:
        by_validator[result.validator].append(result)
    newest = []
    for of_one in by_validator.values():
        at = max(result.created for result in of_one)
        last = [result for result in of_one if result.created == at]
        if len({result.decision for result in last}) > 1:
            kind = "two that differ, of one validator and one time"
            raise OmsVerdictError(_RESULTS, "results of which each validator has a newest", kind)
        newest.append(last[-1])
    return newest
