"""Which request meets which fault: the choosing alone, without HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from emulator_client import CANCEL_PATH, TOKEN_PATH
from pydantic import ValidationError

from airflow_provider_oms.emulator.access_log import Received
from airflow_provider_oms.emulator.faults import RULES, Faults

SEARCH = "/api/v2/order/"
KINDS: dict[str, dict[str, Any]] = {
    "drop": {},
    "hang": {},
    "slow": {"seconds": 1},
    "status": {"status": 503},
    "throttle": {},
    "over_limit": {},
    "unauthorized": {},
    "answer": {"body": "empty"},
    "gzip": {},
    "late": {"seconds": 1},
    "close_after": {},
}


def request(
    method: str = "GET", path: str = f"{SEARCH}5", body: bytes = b"", *, reused: bool = False
) -> Received:
    return Received(method, path, "", (), body, "0" * 32, reused=reused)


def cancel(order_id: int = 5) -> Received:
    return request("POST", CANCEL_PATH, json.dumps({"orderID": order_id}).encode())


def read(order_id: int) -> Received:
    return request(path=f"{SEARCH}{order_id}")


def faults(*rules: dict[str, Any]) -> Faults:
    full = [{"fault": {"kind": "drop"}, "call": "any", **rule} for rule in rules]
    return Faults(RULES.validate_python(full))


def met(rules: Faults, requests: Iterable[Received]) -> list[bool]:
    return [rules.choose(one) is not None for one in requests]


@pytest.mark.parametrize(
    ("received", "call"),
    [
        (cancel(), "cancel"),
        (request("POST", f"{CANCEL_PATH}/"), "cancel"),
        (request(path=f"{SEARCH}5"), "get"),
        (request(path=f"{SEARCH}5/"), "get"),
        (request(path=SEARCH), "search"),
        (request(path=SEARCH.rstrip("/")), "search"),
        (request("POST", TOKEN_PATH), "token"),
        (request("POST", f"{SEARCH}5"), "other"),
        (request("GET", CANCEL_PATH), "other"),
        (request("GET", "/api/v2/customer/5"), "other"),
    ],
)
def test_a_rule_knows_each_call_by_its_name(received: Received, call: str) -> None:
    assert received.call.name == call
    for name in ("cancel", "get", "search", "token"):
        assert met(faults({"call": name}), [received]) == [name == call]
    assert met(faults({"call": "any"}), [received]) == [True]


def test_without_rules_nothing_meets_a_fault() -> None:
    assert met(Faults(), [cancel(), read(5), request("POST", TOKEN_PATH)]) == [False] * 3


def test_a_rule_may_be_about_some_orders() -> None:
    rules = faults({"order_ids": [5, 7]})
    requests = [cancel(5), cancel(6), cancel(7), read(5), read(6), request(path=SEARCH)]
    assert met(rules, requests) == [True, False, True, True, False, False]
    assert met(faults({"order_ids": []}), [cancel(5)]) == [False]


def test_a_rule_skips_the_first_and_ends_after_its_times() -> None:
    rules = faults({"skip": 2, "times": 3})
    assert met(rules, [cancel()] * 7) == [False, False, True, True, True, False, False]
    assert met(faults({"times": 0}), [cancel()]) == [False]


def test_requests_of_another_kind_do_not_count() -> None:
    rules = faults({"call": "cancel", "skip": 1, "times": 1})
    assert met(rules, [cancel(), read(5), cancel(), cancel()]) == [False, False, True, False]


def test_rules_that_apply_once_are_a_script_with_a_normal_end() -> None:
    script = [{"times": 1, "fault": {"kind": kind, **KINDS[kind]}} for kind in KINDS]
    rules = faults(*script)
    chosen = [rules.choose(cancel()) for _ in range(len(KINDS) + 1)]
    assert [fault and fault.kind for fault in chosen] == [*KINDS, None]


def test_the_first_rule_that_fits_applies_and_the_next_one_does_not_count_it() -> None:
    rules = faults({"times": 1}, {"fault": {"kind": "gzip"}, "skip": 1})
    kinds = [fault and fault.kind for fault in (rules.choose(cancel()) for _ in range(3))]
    assert kinds == ["drop", None, "gzip"]
    assert [(one["met"], one["applied"]) for one in rules.summaries()] == [(1, 1), (2, 1)]


def test_a_rule_may_be_about_connections_that_have_served_before() -> None:
    rules = faults({"reused": True})
    assert met(rules, [request(), request(reused=True)]) == [False, True]


class TestShare:
    def hit(self, requests: Iterable[Received], **rule: Any) -> list[int]:
        rules = faults(rule)
        hit = [one.order.number for one in requests if rules.choose(one) is not None]
        return [order_id for order_id in hit if order_id is not None]

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_it_is_about_as_large_as_asked_for(self, share: float) -> None:
        hit = self.hit((cancel(n) for n in range(1, 2001)), share=share)
        assert abs(len(hit) / 2000 - share) < 0.05

    def test_none_and_all_are_exact(self) -> None:
        assert self.hit((cancel(n) for n in range(500)), share=0) == []
        assert len(self.hit((cancel(n) for n in range(500)), share=1)) == 500

    def test_it_is_the_same_in_every_run_and_another_one_for_another_seed(self) -> None:
        first, again, other = (
            self.hit((cancel(n) for n in range(100)), share=0.5, seed=seed) for seed in (1, 1, 2)
        )
        assert first == again
        assert first != other

    def test_it_hits_the_same_orders_whatever_order_threads_send_them_in(self) -> None:
        order_ids = [*range(100), *range(100)]
        expected = self.hit(map(cancel, order_ids), share=0.3)
        assert sorted(self.hit(map(cancel, reversed(order_ids)), share=0.3)) == sorted(expected)

    def test_an_orders_second_request_may_fare_otherwise_than_its_first(self) -> None:
        rules = faults({"share": 0.5})
        fates = {(*met(rules, [cancel(n), cancel(n)]),) for n in range(50)}
        assert fates == {(False, False), (False, True), (True, False), (True, True)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_rule_is_the_same_after_a_way_over_json(kind: str) -> None:
    (rule,) = RULES.validate_python([{"fault": {"kind": kind, **KINDS[kind]}}])
    assert RULES.validate_json(RULES.dump_json([rule])) == [rule]


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"fault": {"kind": "nothing"}},
        {"fault": {}},
        {"call": "nothing"},
        {"share": -0.1},
        {"share": 1.1},
        {"skip": -1},
        {"times": -1},
        {"order_ids": ["x"]},
        {"no_such": 1},
        {"fault": {"kind": "drop", "when": "never"}},
        {"fault": {"kind": "gzip", "seconds": 1}},
        {"fault": {"kind": "slow"}},
        {"fault": {"kind": "slow", "seconds": -1}},
        {"fault": {"kind": "slow", "seconds": "inf"}},
        {"fault": {"kind": "status", "status": 199}},
        {"fault": {"kind": "status", "status": 600}},
        {"fault": {"kind": "throttle", "retry_after": -1}},
        *(
            {"fault": {"kind": "status", "status": 500, "headers": headers}}
            for headers in (
                {"X-A": "1\r\nX-B: 2"},
                {"X-A": "€"},
                {"X A": "1"},
                {"": "1"},
                {"Content-Length": "5"},
                {"transfer-encoding": "chunked"},
            )
        ),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RULES.validate_python([rule and {"fault": {"kind": "drop"}, **rule}])
