"""Parts of an order over real sockets: both dialects, each fault, with a journal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from part_tasks import FIRST, FIRST_SHIPMENT, SECOND, SECOND_SHIPMENT, Store, Task, failure

from airflow_provider_oms.cancellation.outcomes import Outcome
from airflow_provider_oms.hooks.oms import OmsHook

pytestmark = pytest.mark.slow

ACTED: dict[str, dict[str, Any]] = {
    "the connection drops": {"kind": "drop", "when": "after"},
    "500": {"kind": "status", "status": 500, "acts": True},
    "503": {"kind": "status", "status": 503, "acts": True},
    "success that does not show yet": {"kind": "late", "seconds": 0.5},
    "success with an empty body": {"kind": "answer", "body": "empty"},
}
NOT_ACTED: dict[str, dict[str, Any]] = {
    "the connection drops": {"kind": "drop", "when": "before"},
    "502": {"kind": "status", "status": 502},
    "429": {"kind": "status", "status": 429},
    "412": {"kind": "status", "status": 412},
}


class TestItems:
    def test_a_whole_line_of_a_translated_tenant(self, translated: Task) -> None:
        result = translated.items([SECOND], send_notifications=True)
        assert result.outcome is Outcome.CANCELED
        assert translated.open == {1: 3, 2: 0}
        (sent,) = translated.tenant.requests(call="cancel_items")
        assert json.loads(sent["body"]) == {
            "orderItemID": SECOND,
            "dispositionReason": "no_inventory",
            "rectifyOrder": True,
            "sendCancellationEmails": True,
            "cancelChildItems": False,
        }
        (part,) = result.as_dict()["parts"]
        assert part["lines"] == [{"line": SECOND, "quantity": 2}]
        assert (part["outcome"], part["confirmed_by"]) == ("canceled", "answer")

    def test_a_quantity_that_is_spread_over_two_shipments(self, native: Task) -> None:
        result = native.items(
            [{"line": 1, "quantity": 3, "reason": "Damaged", "other_reason": "Box"}, 2],
            allow_whole_order=True,
        )
        assert result.outcome is Outcome.CANCELED
        assert native.open == {1: 0, 2: 0}
        bodies = [json.loads(one["body"]) for one in native.tenant.requests(call="cancel_items")]
        assert [[(i["lineId"], i["quantity"]) for i in body["items"]] for body in bodies] == [
            [(1, 2)],
            [(1, 1), (2, 2)],
        ]
        assert bodies[0]["items"][0]["canceledReason"] == {
            "reasonCode": "Damaged",
            "moreInfo": "Box",
        }
        assert (bodies[0]["sendNotifications"], bodies[0]["blockAssignment"]) == (False, False)
        assert [part.shipment for part in result.parts] == [FIRST_SHIPMENT, SECOND_SHIPMENT]

    def test_an_item_of_the_order_names_a_line_too(self, native: Task) -> None:
        item = native.tenant.parts(8)["lines"][2]["id"]
        assert (
            native.items([{"line": item.upper(), "keep_quantity": 1}]).outcome is Outcome.CANCELED
        )
        assert native.open == {1: 3, 2: 1}

    def test_what_is_canceled_already_is_not_sent(self, task: Task) -> None:
        line = 2 if task.is_native else SECOND
        task.items([line])
        task.store = Store()
        assert task.items([line]).outcome is Outcome.ALREADY_CANCELED
        assert task.line(2)["cancels"] == 1

    def test_what_is_planned_is_shown_by_a_dry_run_that_sends_nothing(self, task: Task) -> None:
        result = task.items([2 if task.is_native else SECOND], dry_run=True)
        assert (result.outcome, task.open) == (Outcome.WOULD_CANCEL, {1: 3, 2: 2})
        assert result.parts[0].lines[0][1] == 2
        assert task.store == {}

    def test_the_last_open_line_needs_a_word(self, task: Task) -> None:
        lines = [1, 2] if task.is_native else [FIRST, SECOND]
        result = failure(lambda: task.items(lines))
        assert (result.outcome, task.open) == (Outcome.NOT_CANCELABLE, {1: 3, 2: 2})
        task.store = Store()
        assert task.items(lines, allow_whole_order=True).outcome is Outcome.CANCELED

    def test_it_needs_one_where_the_others_cannot_be_searched(self, translated: Task) -> None:
        translated.tenant.settings(item_search_status=404)
        result = failure(lambda: translated.items([SECOND]))
        assert "cannot be read on this tenant" in result.describe()
        assert translated.items([SECOND], allow_whole_order=True).outcome is Outcome.CANCELED

    def test_a_line_of_another_order_is_refused(self, task: Task) -> None:
        other = task.tenant.parts(9)["lines"][1]
        name = other["id"] if task.is_native else other["orderItemID"]
        result = failure(lambda: task.items([name]))
        assert (result.outcome, result.may_be_retried) == (Outcome.NOT_FOUND, False)
        assert task.tenant.parts(9)["lines"][1]["canceled"] == 0

    def test_a_line_that_has_left_is_refused_and_the_others_too(self, native: Task) -> None:
        native.tenant.change_shipment(SECOND_SHIPMENT, "FULFILLED")
        result = failure(lambda: native.items([2, {"line": 1, "quantity": 1}]))
        assert [part.outcome.value for part in result.parts] == ["not_cancelable", "not_attempted"]
        assert native.line(1)["cancels"] == 0

    def test_a_guard_is_held(self, task: Task) -> None:
        line = 2 if task.is_native else SECOND
        result = failure(lambda: task.items([line], only_if_states=["PAYMENT_HOLD"]))
        assert result.outcome is Outcome.NOT_CANCELABLE
        assert "only_if_states does not name" in result.describe()
        assert task.line(2)["cancels"] == 0

    def test_on_a_tenant_whose_if_match_fails_nothing_more_is_sent(self, native: Task) -> None:
        native.tenant.add_fault("status", call="cancel_items", status=412)
        native.connect(deadline=4)
        result = failure(lambda: native.items([{"line": 2, "quantity": 1}]))
        assert (result.outcome, native.line(2)["canceled"]) == (Outcome.NOT_ATTEMPTED, 0)


class TestTenantsThatDiffer:
    @pytest.mark.parametrize("left", ["drop", "keep", "unchanged"])
    def test_what_a_shipment_shows_of_lines_that_are_canceled(
        self, native: Task, left: str
    ) -> None:
        native.tenant.settings(native_items_left=left)
        for attempt, (items, is_open) in enumerate(
            [([{"line": 1, "quantity": 1}], 2), ([{"line": 1, "keep_quantity": 1}], 1), ([1], 0)]
        ):
            native.store = Store()
            assert native.items(items).outcome is Outcome.CANCELED, attempt
            assert native.open == {1: is_open, 2: 2}

    @pytest.mark.parametrize("items", ["cancel", "leave"])
    def test_what_a_shipment_shows_that_is_canceled_as_a_whole(
        self, native: Task, items: str
    ) -> None:
        native.tenant.settings(native_whole_shipment_items=items)
        assert native.shipment(FIRST_SHIPMENT).outcome is Outcome.CANCELED
        native.store = Store()
        assert native.items([1]).outcome is Outcome.CANCELED
        assert native.open == {1: 0, 2: 2}

    @pytest.mark.parametrize(
        "settings",
        [
            {"native_if_match": "ignore"},
            {"native_shipment_success": 201},
            {"native_shipments_as_xml": True},
        ],
    )
    def test_answers_that_may_be(self, native: Task, settings: dict[str, Any]) -> None:
        native.tenant.settings(**settings)
        assert native.items([{"line": 1, "quantity": 3}]).outcome is Outcome.CANCELED
        assert native.open == {1: 0, 2: 2}


class TestFaults:
    @pytest.mark.parametrize("fault", ACTED)
    def test_one_after_acting_is_found_by_a_read(self, task: Task, fault: str) -> None:
        task.tenant.add_fault(**ACTED[fault], call="cancel_items", times=1)
        result = task.items([{"line": 2, "quantity": 1}] if task.is_native else [SECOND])
        assert result.outcome is Outcome.CANCELED
        line = task.line(2)
        assert (line["canceled"], line["cancels"]) == (1 if task.is_native else 2, 1)

    @pytest.mark.parametrize("fault", NOT_ACTED)
    def test_one_before_acting_is_sent_again(self, task: Task, fault: str) -> None:
        if fault == "412" and not task.is_native:
            pytest.skip("a translated tenant knows no If-Match")
        task.tenant.add_fault(call="cancel_items", times=1, **NOT_ACTED[fault])
        result = task.items([{"line": 2, "quantity": 1}] if task.is_native else [SECOND])
        assert result.outcome is Outcome.CANCELED
        line = task.line(2)
        assert (line["canceled"], line["cancels"]) == (1 if task.is_native else 2, 2)

    @pytest.mark.parametrize("fault", ACTED)
    def test_a_shipment_is_canceled_once(self, task: Task, fault: str) -> None:
        task.tenant.add_fault(call="cancel_shipment", times=1, **ACTED[fault])
        assert task.shipment(FIRST_SHIPMENT).outcome is Outcome.CANCELED
        shipment = task.tenant.parts(8)["shipments"][FIRST_SHIPMENT]
        assert (shipment["status"], shipment["cancels"]) == ("CANCELED", 1)

    def test_somebody_elses_cancel_is_not_taken_for_ours(self, native: Task) -> None:
        """Another client cancels both of a line of which one was to be canceled."""

        class Other(Store):
            """Let the other client act as soon as the intent is on record."""

            def set(self, key: str, value: Any) -> None:
                super().set(key, value)
                if key.endswith("progress") and native.line(2)["canceled"] == 0:
                    OmsHook().cancel_items(
                        native.order_id,
                        [2],
                        "no_inventory",
                        send_notifications=False,
                        attempt=1,
                    )

        native.store = Other()
        result = failure(lambda: native.items([{"line": 2, "quantity": 1}]))
        # Its If-Match, or the quantity that is not open any more, has kept it from acting.
        assert result.outcome is Outcome.NOT_CANCELABLE
        assert native.line(2)["canceled"] == 2
