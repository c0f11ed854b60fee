"""Waiting for a state: the meaning of one look at an order."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from raw_server import RawServer, Script, answer, hang_up

from airflow_provider_oms.api.batch_reads import Proof
from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.errors import (
    OmsError,
    OmsForbiddenError,
    OmsInputError,
    OmsNotFoundError,
    OmsNotSentError,
    OmsRefusedError,
)
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.patience import TokenPatience
from airflow_provider_oms.api.waiting import (
    Match,
    Observation,
    StateCriteria,
    is_unsettled,
    observe,
    observe_in_batch,
    observe_patiently,
    validate_state_criteria,
)

CORRELATION = "x-vol-correlation: 0123456789abcdef0123456789abcdef"
TOKEN = answer("200 OK", b'{"access_token": "tok-1", "expires_in": 3600}')
SHIPPED = answer(
    "200 OK", b'{"orderID": 7, "orderState": "SHIPPED", "orderStatus": "READY", "email": "a@b.c"}'
)


def look(*script: Script, target: str = "SHIPPED", credentials: bool = False) -> Observation:
    with RawServer(script) as server:
        settings = TenantSettings.from_connection(
            name="oms_default",
            host=server.url,
            login="id" if credentials else None,
            password="secret" if credentials else None,
            extra=json.dumps({"tenant_id": "10001"}),
        )
        with OmsClient(settings) as client:
            return observe(client, 7, validate_state_criteria(target))


def order(state: str | None, status: str | None) -> Order:
    return Order(7, state, status, {})


WISH = StateCriteria(frozenset({"SHIPPED"}))


@dataclass
class Reads:
    """A client whose reads have the given results, and then the order; with a clock."""

    script: list[Evidence]
    now: float = 0.0
    at: list[float] = field(default_factory=list)

    def get_order(self, order_id: int | str) -> Order:
        self.at.append(self.now)
        if not self.script:
            return Order(int(order_id), "SHIPPED", None, {})
        error = OmsError("trouble")
        error.evidence = self.script.pop(0)
        raise error

    def patience(self) -> TokenPatience:
        return TokenPatience(clock=lambda: self.now)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class TestStands:
    @pytest.mark.parametrize(
        ("state", "status", "stand"),
        [
            ("SHIPPED", "SHIPPED", Match.REACHED),
            ("shipped", None, Match.REACHED),
            (None, "Shipped", Match.REACHED),
            ("READY", "SHIPPED", Match.REACHED),
            ("READY", "READY", Match.OPEN),
            ("CANCELED", "CANCELED", Match.FAILED),
            ("READY", "Cancelled", Match.FAILED),
            ("SHIPPED", "CANCELED", Match.FAILED),
        ],
    )
    def test_either_field_is_enough_in_any_letter_case_and_failure_comes_first(
        self, state: str | None, status: str | None, stand: Match
    ) -> None:
        wish = StateCriteria(frozenset({"SHIPPED"}), frozenset({"CANCELED"}))
        assert wish.stand_of(order(state, status)) is stand

    @pytest.mark.parametrize("spelling", ["CANCELED", "Cancelled", "canceled"])
    def test_canceled_is_canceled_in_either_spelling(self, spelling: str) -> None:
        for wished in ("CANCELED", "cancelled"):
            assert (
                validate_state_criteria([wished]).stand_of(order(spelling, None)) is Match.REACHED
            )


class TestWishes:
    @pytest.mark.parametrize(
        "states", [["SHIPPED", "CANCELED"], '["SHIPPED", "CANCELED"]', "SHIPPED, CANCELED"]
    )
    def test_states_may_be_given_as_a_list_or_as_templates_render_them(self, states: Any) -> None:
        assert validate_state_criteria(states).target == {"SHIPPED", "CANCELED"}
        assert validate_state_criteria("READY", states).failure == {"SHIPPED", "CANCELED"}

    @pytest.mark.parametrize("states", [None, (), [], "", " ", "None", "A,,B", "[", {}, 7, [7]])
    def test_a_target_that_names_no_state_is_refused(self, states: Any) -> None:
        with pytest.raises(OmsInputError, match="target_states must be at least one order state"):
            validate_state_criteria(states)

    def test_no_failure_state_is_needed(self) -> None:
        assert validate_state_criteria("READY").failure == set()

    @pytest.mark.parametrize("states", ["", "None", "[]", [""], [], ()])
    def test_a_failure_state_that_vanished_in_a_template_is_refused(self, states: Any) -> None:
        with pytest.raises(OmsInputError, match="failure_states must be at least one"):
            validate_state_criteria("READY", states)

    def test_a_state_that_is_wished_for_cannot_be_a_failure(self) -> None:
        with pytest.raises(OmsInputError, match="none of the target_states"):
            validate_state_criteria(["Canceled"], ["CANCELLED"])


class TestLooks:
    def test_it_says_how_the_order_stands_and_no_more_of_it(self) -> None:
        assert look(SHIPPED) == Observation(Match.REACHED, "SHIPPED", "READY")
        assert look(SHIPPED, target="CANCELED").stand is Match.OPEN

    @pytest.mark.parametrize(
        "script",
        [
            hang_up,
            answer("500 Internal Server Error", b"", (CORRELATION,)),
            answer("503 Service Unavailable"),
            answer("409 Conflict", b'{"message": "being imported"}', (CORRELATION,)),
            answer("200 OK", b"<html></html>"),
            answer("200 OK", b'{"orderID": 8, "orderState": "SHIPPED"}'),
        ],
    )
    def test_trouble_that_may_pass_is_waited_out(self, script: Script) -> None:
        seen = look(script)
        assert seen.stand is Match.OPEN
        assert seen.trouble
        assert seen.describe().startswith("could not be looked at: ")

    def test_it_says_how_long_the_oms_asks_to_wait(self) -> None:
        seen = look(answer("429 Too Many Requests", b"", ("Retry-After: 60",)))
        assert seen.retry_after == 60

    @pytest.mark.parametrize(
        ("script", "kind"),
        [
            (answer("404 Not Found", b'{"code": 5002}'), OmsNotFoundError),
            (answer("403 Forbidden", b"{}", (CORRELATION,)), OmsForbiddenError),
            (answer("400 Bad Request", b"{}", (CORRELATION,)), OmsRefusedError),
        ],
    )
    def test_what_waiting_does_not_change_is_raised(
        self, script: Script, kind: type[OmsError]
    ) -> None:
        with pytest.raises(kind, match="Order 7: "):
            look(script)

    @pytest.mark.parametrize(
        "evidence",
        [Evidence.NOT_FOUND, Evidence.REFUSED, Evidence.FORBIDDEN, Evidence.WRONG_SERVER],
    )
    def test_what_is_final_is_raised_and_not_looked_at_again(self, evidence: Evidence) -> None:
        time = Reads([evidence, evidence])
        with pytest.raises(OmsError):
            observe_patiently(time, 7, WISH, patience=time.patience(), sleep=time.sleep)
        assert time.at == [0]

    @pytest.mark.parametrize(
        "evidence",
        [
            Evidence.THROTTLED,
            Evidence.AMBIGUOUS,
            Evidence.NEVER_SENT,
            Evidence.LOCKED,
            Evidence.MISDIRECTED,
            Evidence.CONFLICT,
        ],
    )
    def test_what_passes_is_trouble(self, evidence: Evidence) -> None:
        time = Reads([evidence])
        seen = observe_patiently(time, 7, WISH, patience=time.patience(), sleep=time.sleep)
        assert (seen.stand, seen.trouble) == (Match.OPEN, "trouble")


class TestRefusedTokens:
    @pytest.mark.parametrize("evidence", [Evidence.UNAUTHENTICATED, Evidence.DENIED])
    def test_others_are_tried_for_fifteen_seconds_before_it_is_final(
        self, evidence: Evidence
    ) -> None:
        time = Reads([evidence] * 20)
        with pytest.raises(OmsError, match="trouble"):
            observe_patiently(time, 7, WISH, patience=time.patience(), sleep=time.sleep)
        assert time.at == [0, 0, 1, 3, 7, 15]

    @pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
    def test_one_that_is_taken_ends_it(self, number: int) -> None:
        time = Reads([Evidence.UNAUTHENTICATED] * number)
        seen = observe_patiently(time, 7, WISH, patience=time.patience(), sleep=time.sleep)
        assert seen.stand is Match.REACHED

    def test_a_row_that_ended_gives_the_next_one_its_whole_time(self) -> None:
        time = Reads([])
        patience = time.patience()
        refused = OmsError("refused")
        refused.evidence = Evidence.UNAUTHENTICATED
        assert [patience.pause(refused) for _ in range(3)] == [0, 1, 2]
        patience.reset()
        time.now += 100
        assert [patience.pause(refused) for _ in range(3)] == [0, 1, 2]
        time.now += 14
        assert patience.pause(refused) == 1
        time.now += 1
        assert patience.pause(refused) is None
        assert patience.pause(OmsError("something else")) is None


class TestInABatch:
    NEVER_CANCELED = StateCriteria(frozenset({"SHIPPED"}), frozenset({"CANCELED"}))
    NEVER_SHIPPED = StateCriteria(frozenset({"CANCELED"}), frozenset({"SHIPPED"}))

    @pytest.mark.parametrize("proof", [Proof.CANCELED, Proof.TO_CONFIRM])
    def test_an_order_that_is_on_its_way_needs_no_other_look(self, proof: Proof) -> None:
        seen = observe_in_batch(order("READY", "BACKORDER"), proof, self.NEVER_CANCELED)
        assert seen == Observation(Match.OPEN, "READY", "BACKORDER")

    @pytest.mark.parametrize(
        ("state", "status", "wish", "stand"),
        [
            ("CANCELED", "CANCELED", NEVER_CANCELED, Match.FAILED),
            ("READY", "Cancelled", NEVER_CANCELED, Match.FAILED),
            ("CANCELED", "READY", StateCriteria(frozenset({"canceled"})), Match.REACHED),
        ],
    )
    def test_canceled_is_believed(
        self, state: str, status: str, wish: StateCriteria, stand: Match
    ) -> None:
        seen = observe_in_batch(order(state, status), Proof.CANCELED, wish)
        assert seen == Observation(stand, state, status)

    @pytest.mark.parametrize(
        ("state", "status", "proof", "wish"),
        [
            ("SHIPPED", None, Proof.TO_CONFIRM, NEVER_CANCELED),
            ("CANCELED", None, Proof.TO_CONFIRM, NEVER_CANCELED),
            # The other state ends the waiting, and is not believed.
            ("CANCELED", "SHIPPED", Proof.CANCELED, WISH),
            ("CANCELED", "SHIPPED", Proof.CANCELED, NEVER_SHIPPED),
        ],
    )
    def test_what_else_ends_the_waiting_is_to_be_confirmed(
        self, state: str, status: str | None, proof: Proof, wish: StateCriteria
    ) -> None:
        assert observe_in_batch(order(state, status), proof, wish) is None


@pytest.mark.parametrize(
    ("look", "evidence"),
    [
        (Observation(Match.OPEN, "READY", None), Evidence.OPEN),
        (Observation(Match.OPEN, "Canceled", None), Evidence.CANCELED),
        (Observation(Match.OPEN, "READY", "CANCELED"), Evidence.CANCELED),
        (Observation(Match.OPEN, trouble="it is down"), Evidence.AMBIGUOUS),
    ],
)
def test_a_look_says_what_it_proves(look: Observation, evidence: Evidence) -> None:
    assert look.evidence is evidence


@pytest.mark.parametrize(
    ("error", "was_sent", "is_one"),
    [
        (OmsNotFoundError("no hit", http_status=200), False, True),
        (OmsNotFoundError("no such order", http_status=404), True, False),
        (OmsNotSentError("no connection"), False, False),
    ],
)
def test_only_a_search_without_a_hit_leaves_it_open_whether_there_is_an_order(
    error: OmsError, was_sent: bool, is_one: bool
) -> None:
    error.was_sent = was_sent
    assert is_unsettled(error) is is_one
