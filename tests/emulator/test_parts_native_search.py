"""The native API: finding shipments, and the media types in which they are shown."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from emulator_client import NATIVE_SHIPMENTS_PATH, ORDERS_PATH, SPLIT_SHIPMENTS, NativeCaller

from airflow_provider_oms.emulator.testing import EmulatorProcess

FIRST, SECOND = SPLIT_SHIPMENTS


@pytest.fixture
def split(split_order: EmulatorProcess, native: NativeCaller) -> NativeCaller:
    return native


def numbers(answer: requests.Response) -> list[int]:
    return [one["shipmentNumber"] for one in answer.json()["_embedded"]["shipments"]]


class TestFinding:
    def test_an_orders_shipments_are_found(self, split: NativeCaller) -> None:
        found = split.find_shipments(f"orderId=={split.tenant.native_id(8)}")
        assert numbers(found) == [FIRST, SECOND]
        assert found.json()["page"] == {
            "number": 0,
            "size": 20,
            "totalElements": 2,
            "totalPages": 1,
        }

    def test_the_documented_filter_leaves_out_what_is_not_open(self, split: NativeCaller) -> None:
        shipments = [{"items": {"1": 3}}, {"items": {"1": 1}, "type": "Transfer"}]
        split.tenant.load_orders(
            [{"orderID": 9, "parts": {"lines": [3], "shipments": shipments}}],
        )
        order_id = split.tenant.native_id(9)
        text = f"orderId=={order_id};shipmentStatus!=REASSIGNED;shipmentStatus!=CANCELED"
        assert len(numbers(split.find_shipments(text))) == 2
        assert numbers(split.find_shipments(f"{text};shipmentType!=Transfer")) == [100_000_901]
        split.cancel_shipment(100_000_901)
        assert numbers(split.find_shipments(text)) == [100_000_902]

    def test_pages_begin_at_zero(self, split: NativeCaller) -> None:
        text = f"orderId=={split.tenant.native_id(8)}"
        second = split.find_shipments(text, page=1, pageSize=1)
        assert numbers(second) == [SECOND]
        assert second.json()["page"]["totalPages"] == 2
        last = split.find_shipments(text, pageSize=1, sort="-shipmentNumber")
        assert numbers(last) == [SECOND]

    def test_they_are_found_by_other_fields(self, split: NativeCaller) -> None:
        assert numbers(split.find_shipments("orderNumber==8;shipmentStatus=='ready'")) == [
            FIRST,
            SECOND,
        ]
        assert numbers(split.find_shipments(f"shipmentNumber=={SECOND}")) == [SECOND]
        assert numbers(split.find_shipments(f"shipmentNumber!={SECOND};orderNumber==8")) == [FIRST]
        elsewhere = f"orderId!={split.tenant.native_id(8)}"
        assert len(numbers(split.find_shipments(elsewhere))) == 1
        assert split.find_shipments("").json()["page"]["totalElements"] == 3

    def test_an_empty_page_may_lack_its_list(self, split: NativeCaller) -> None:
        for text in ("shipmentNumber==5", "orderId==x", f"orderId=={'0' * 32}"):
            assert set(split.find_shipments(text).json()) == {"page", "_links"}
        split.tenant.settings(native_empty_page="empty")
        assert numbers(split.find_shipments("shipmentNumber==5")) == []

    @pytest.mark.parametrize(
        "text",
        ["orderId", "orderId=x", "orderId eq x", "a==b", "orderId==a,orderId==b", "orderId=in=(a)"],
    )
    def test_a_filter_that_can_not_be_read_is_refused(self, split: NativeCaller, text: str) -> None:
        assert split.find_shipments(text).status_code == 400

    @pytest.mark.parametrize(
        "parameters", [{"page": -1}, {"pageSize": 0}, {"pageSize": "x"}, {"sort": "name"}]
    )
    def test_a_page_that_makes_no_sense_is_refused(
        self, split: NativeCaller, parameters: dict[str, Any]
    ) -> None:
        assert split.find_shipments("", **parameters).status_code == 400

    def test_it_follows_the_switches_of_searches(self, split: NativeCaller) -> None:
        text = f"orderId=={split.tenant.native_id(8)};shipmentStatus!=CANCELED"
        assert split.find_shipments(text, pageSize=500).json()["page"]["size"] == 200
        split.tenant.settings(native_large_page=400)
        assert split.find_shipments(text, pageSize=500).status_code == 400
        split.tenant.settings(search_lag=300)
        split.cancel_shipment(FIRST)
        assert numbers(split.find_shipments(text)) == [FIRST, SECOND]
        assert numbers(split.find_shipments(text, bypassSearchIndex="true")) == [SECOND]
        split.tenant.settings(search_status=404)
        assert split.find_shipments(text).status_code == 404


class TestXml:
    @pytest.mark.parametrize(
        ("accept", "kind"),
        [
            ("*/*", "application/xml"),
            ("application/json", "application/json"),
            ("application/hal+json", "application/json"),
            ("text/html, application/json;q=0.9", "application/json"),
        ],
    )
    def test_who_does_not_ask_for_json_may_get_xml(
        self, split: NativeCaller, accept: str, kind: str
    ) -> None:
        assert split.shipment(FIRST).headers["Content-Type"] == "application/json"
        split.tenant.settings(native_shipments_as_xml=True)
        answer = split.shipment(FIRST, Accept=accept)
        assert answer.headers["Content-Type"] == kind
        assert (answer.content[:1] == b"<") == (kind == "application/xml")
        page = split.call("GET", NATIVE_SHIPMENTS_PATH, headers={**split.headers, "Accept": accept})
        assert page.headers["Content-Type"] == kind
        # The order service has no XML.
        order = split.call("GET", f"{ORDERS_PATH}/{split.id}", headers={**split.headers})
        assert order.headers["Content-Type"] == "application/json"
