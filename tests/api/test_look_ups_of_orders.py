"""An order's id, by which a cancel names it, and a tenant's reasons: the look-ups."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from raw_server import RawServer, Script, answer, hang_up
from wire import document, head_and_body

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.errors import OmsError, OmsNotSentError
from airflow_provider_oms.api.evidence import Evidence

ID = "137a94b6402be0000137196800002711"
ORDER = {"id": ID, "status": "Accepted", "tenantId": 10001, "orderNumber": 1042}


def page(*hits: Mapping[str, Any]) -> dict[str, Any]:
    return {"totalCount": len(hits), "items": list(hits)}


def found_by_number(script: list[Script], act: Callable[[OmsClient], object]) -> list[str]:
    """Let a client that is asked about order number 1042 meet a script, and return its requests."""
    with RawServer(script) as server:
        found = TenantSettings.from_connection(
            name="native",
            host=server.url,
            extra=json.dumps({"api": "native", "tenant_id": "10001", "read_timeout": 1}),
        )
        with OmsClient(found) as client:
            act(client)
    heads = [head_and_body(request)[0][0].split(" ") for request in server.requests]
    return [f"{method} {path.partition('?')[0]}" for method, path, _ in heads]


SEARCH, GET = "GET /api/commerce/orders", f"GET /api/commerce/orders/{ID}"
PUT = f"PUT /api/commerce/orders/cancel/{ID}"
NUMBER = "number:1042"


def cancel(client: OmsClient) -> None:
    client.post_cancel(client.dialect.cancel_request(NUMBER, "Fraud"))


def refused(kind: type[OmsError] = OmsError, **facts: Any) -> Callable[[OmsClient], None]:
    def act(client: OmsClient) -> None:
        with pytest.raises(kind) as refusal:
            cancel(client)
        error = refusal.value
        assert error.was_sent is False
        assert {name: getattr(error, name) for name in facts} == facts
        assert str(error).startswith("Order number:1042: ")

    return act


class TestAnId:
    def test_a_cancel_names_what_was_found(self) -> None:
        script = [document(page(ORDER)), document({**ORDER, "status": "Cancelled"})]
        assert found_by_number(script, cancel) == [SEARCH, PUT]

    def test_every_read_after_that_is_by_the_id_because_a_search_may_lag(self) -> None:
        def act(client: OmsClient) -> None:
            for _ in range(2):
                assert client.get_order(NUMBER).order_id == ID
            cancel(client)

        assert found_by_number([document(page(ORDER)), document(ORDER)], act) == [
            SEARCH,
            GET,
            GET,
            PUT,
        ]

    @pytest.mark.parametrize(
        ("script", "evidence"),
        [
            (hang_up, Evidence.NEVER_SENT),
            (lambda *_: None, Evidence.NEVER_SENT),
            (answer("500 Failed"), Evidence.NEVER_SENT),
            (answer("504 Late"), Evidence.NEVER_SENT),
            (answer("200 OK", b"<html>"), Evidence.NEVER_SENT),
            (document({**page(ORDER), "totalCount": 21}), Evidence.NEVER_SENT),
            (document(page({**ORDER, "tenantId": 10002})), Evidence.WRONG_SERVER),
            (document(page()), Evidence.NOT_FOUND),
            (document(page(ORDER, {**ORDER, "id": "f" * 32})), Evidence.REFUSED),
            (document({}, "400 Bad Request"), Evidence.REFUSED),
            (document({}, "409 Conflict"), Evidence.REFUSED),
            (answer("404 Not Found"), Evidence.WRONG_SERVER),
            (document({}, "404 Not Found"), Evidence.REFUSED),
            (document({}, "401 Unauthorized"), Evidence.FORBIDDEN),
            (document({}, "403 Forbidden"), Evidence.FORBIDDEN),
        ],
    )
    def test_a_look_up_that_does_not_find_it_leaves_no_cancel_in_doubt(
        self, script: Script, evidence: Evidence
    ) -> None:
        assert found_by_number([script], refused(evidence=evidence)) == [SEARCH]

    def test_a_pause_that_is_asked_for_is_kept(self) -> None:
        script = answer("429 Too Many", b"", ("Retry-After: 60",))
        act = refused(evidence=Evidence.THROTTLED, retry_after=60)
        assert found_by_number([script], act) == [SEARCH]
        script = answer("503 Unavailable", b"", ("Retry-After: 7",))
        act = refused(evidence=Evidence.NEVER_SENT, retry_after=7)
        assert found_by_number([script], act) == [SEARCH]

    def test_what_failed_is_looked_up_again(self) -> None:
        def act(client: OmsClient) -> None:
            refused()(client)
            cancel(client)

        script = [answer("503 Unavailable"), document(page(ORDER)), document(ORDER)]
        assert found_by_number(script, act) == [SEARCH, SEARCH, PUT]

    def test_after_it_a_cancel_that_may_no_longer_leave_does_not(self) -> None:
        def act(client: OmsClient) -> None:
            request = client.dialect.cancel_request(NUMBER, "Fraud")
            with pytest.raises(OmsNotSentError):
                client.post_cancel(request, may_send=lambda: False)

        assert found_by_number([document(page(ORDER))], act) == [SEARCH]


class TestReasons:
    def test_each_is_listed_with_whether_it_needs_more(self) -> None:
        items = [
            {"reasonCode": "Other", "name": "Other", "needsMoreInfo": True},
            {"reasonCode": "Fraud", "needsMoreInfo": False},
            {"reasonCode": "NoInventory"},
            {"reasonCode": 7},
            {"name": "x"},
            None,
            "Other",
        ]

        def act(client: OmsClient) -> None:
            assert client.list_reasons() == {"Other": True, "Fraud": False, "NoInventory": False}

        assert found_by_number([document({"items": items})], act) == [
            "GET /api/commerce/orders/cancel/reasons"
        ]

    @pytest.mark.parametrize(
        "script", [document({}), document([]), document({"items": None}), answer("503 No"), hang_up]
    )
    def test_a_list_that_cannot_be_read_is_none(self, script: Script) -> None:
        def act(client: OmsClient) -> None:
            with pytest.raises(OmsError):
                client.list_reasons()

        found_by_number([script], act)
