"""The *Test* button as the hook answers it: success, and each error."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from airflow.models import Connection
from hooks_on_sockets import CANCELED, CORRELATION, NOT_FOUND, document, refusal, to
from raw_server import RawServer, Script, answer

from airflow_provider_oms.hooks.oms import OmsHook


class TestTestConnection:
    @pytest.mark.parametrize(
        "script",
        [
            NOT_FOUND,
            document({**CANCELED, "orderID": 1}),
            refusal("400 Bad Request", {"code": 5002, "message": "no such order"}),
            refusal("400 Bad Request", {"code": 5013}),
            refusal("400 Bad Request", {"errorCode": "ITEM_NOT_FOUND"}),
            refusal("400 Bad Request", {"message": "order 1 is unknown"}, CORRELATION),
            refusal("409 Conflict", {"message": "order 1 is being imported"}, CORRELATION),
        ],
    )
    def test_an_order_or_the_omss_own_not_found_works(
        self, connect: Callable[..., None], script: Script
    ) -> None:
        with RawServer([script]) as server:
            connect(to(server))
            works, message = OmsHook().test_connection()
        assert works
        assert "10001" in message
        assert [r.split()[:2] for r in server.requests] == [[b"GET", b"/api/v2/order/1"]]

    @pytest.mark.parametrize(
        ("script", "named"),
        [
            (answer("404 Not Found", b"<html></html>"), "probably"),
            (answer("401 Unauthorized", b"{}"), "login"),
            (answer("403 Forbidden", b"{}"), "permissions"),
            (answer("500 Internal Server Error"), "HTTP 500"),
            (answer("302 Found", b"", (CORRELATION, "Location: /login")), "redirects"),
            (refusal("400 Bad Request", {"message": "order 1 is unknown"}), "HTTP 400"),
            (answer("400 Bad Request", b"<html></html>", (CORRELATION,)), "HTTP 400"),
            (
                refusal("400 Bad Request", {"message": "x-vol-tenant is wrong"}, CORRELATION),
                "x-vol-tenant",
            ),
        ],
    )
    def test_anything_else_says_what_is_wrong(
        self, connect: Callable[..., None], script: Script, named: str
    ) -> None:
        with RawServer([script]) as server:
            connect(to(server))
            works, message = OmsHook().test_connection()
        assert not works
        assert named in message

    @pytest.mark.slow
    def test_it_works_the_way_the_button_in_the_web_ui_calls_it(
        self, connect: Callable[..., None]
    ) -> None:
        # Airflow stores the form's input, as a URI, under an id that it makes up.
        typed = {"tenant_id": "10001", "site_id": "", "deadline": "60", "ca_bundle": None}
        with RawServer([NOT_FOUND]) as server:
            connection: Any = Connection(  # noqa: AIR311 - as the web UI builds it from a form
                conn_id="made_up", conn_type="oms", host=server.url, extra=json.dumps(typed)
            )
            connect(connection.get_uri(), "made_up")
            works, message = connection.test_connection()
        assert works, message
        assert message.startswith("It works: the OMS answers at ")

    def test_wrong_settings_say_so(self, connect: Callable[..., None]) -> None:
        connect({"conn_type": "oms"})
        works, message = OmsHook().test_connection()
        assert not works
        assert "tenant_id" in message
