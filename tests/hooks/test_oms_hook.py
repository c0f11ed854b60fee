"""The hook: a connection in each of its forms, and the protected cancellation behind one call."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from hooks_on_sockets import CANCELED, NOT_FOUND, document, to
from raw_server import RawServer, answer

from airflow_provider_oms.api.errors import OmsNotFoundError
from airflow_provider_oms.cancellation.outcomes import Outcome
from airflow_provider_oms.exceptions import OmsCancellationError, OmsInvalidInputError
from airflow_provider_oms.hooks.oms import OmsHook


class TestConnections:
    def test_it_is_looked_up_when_used_and_not_before(self) -> None:
        hook = OmsHook("oms_that_is_not_there")
        with pytest.raises(Exception, match="oms_that_is_not_there"):
            hook.get_conn()

    def test_json_and_uri_configure_the_same_client(self, connect: Callable[..., None]) -> None:
        extra = {"tenant_id": "10001", "deadline": 60, "disposition_reasons": ["fraud"]}
        host, secret = "https://oms.example.com:8443/base", "s3cret/with:odd@chars"
        fields = {"login": "KIBO.1", "password": secret, "host": host}
        auth = "https://home.example.com"
        connect({"conn_type": "oms", **fields, "extra": {**extra, "auth_url": auth}}, "oms_json")
        connect(
            f"oms://KIBO.1:{quote(secret, safe='')}@{quote(host, safe='')}/?tenant_id=10001"
            f"&deadline=60&disposition_reasons=fraud&auth_url={quote(auth, safe='')}",
            "oms_uri",
        )
        assert OmsHook("oms_json").settings == OmsHook("oms_uri").settings
        assert OmsHook("oms_json").settings.api_url == host

    def test_a_uri_without_host_derives_it(self, connect: Callable[..., None]) -> None:
        connect("oms://id:secret@/?tenant_id=10001&environment=sandbox")
        settings = OmsHook().settings
        assert settings.api_url == "https://10001-translation.sandbox.mozu.com"
        assert settings.has_credentials

    @pytest.mark.parametrize(
        ("connection", "named"),
        [
            pytest.param(
                {"conn_type": "oms", "extra": "{not json"},
                "not valid JSON",
                marks=pytest.mark.needs("hooks that see an extra that is no JSON"),
            ),
            ({"conn_type": "oms"}, "tenant_id: is required"),
            ({"conn_type": "oms", "extra": {"tenant": "1"}}, "'tenant'"),
        ],
    )
    def test_wrong_settings_are_named_and_not_retried(
        self, connect: Callable[..., None], connection: dict[str, object], named: str
    ) -> None:
        connect(connection)
        with pytest.raises(OmsInvalidInputError, match=named) as refusal:
            OmsHook().cancel_order(1, "other", "x")
        assert isinstance(refusal.value, AirflowFailException)

    @pytest.mark.parametrize("host", ["http://oms-emulator:8787", "http://127.0.0.1:8787"])
    def test_one_that_sends_unencrypted_to_another_host_is_warned_of_once_in_each_run(
        self,
        connect: Callable[..., None],
        caplog: pytest.LogCaptureFixture,
        capsys: pytest.CaptureFixture[str],
        host: str,
    ) -> None:
        extra = {"tenant_id": "10001", "auth_url": host, "allow_http": True}
        connect({"conn_type": "oms", "host": host, "extra": extra})
        for _ in range(2):
            caplog.clear()
            hook = OmsHook()
            hook.get_conn()
            assert hook.order_url(1) is None
            line = f"Credentials and orders are sent unencrypted to {host},"
            # Airflow 2 writes to both, Airflow 3 to the second.
            warned = max(caplog.text.count(line), capsys.readouterr().out.count(line))
            assert warned == ("127.0.0.1" not in host)

    def test_an_extra_that_is_a_dict_and_a_port_that_is_text_are_taken(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connection = SimpleNamespace(
            host="127.0.0.1",
            port="8443",
            login=None,
            password=None,
            schema=None,
            extra={"tenant_id": 10001, "deadline": "60"},
        )
        monkeypatch.setattr(OmsHook, "get_connection", lambda *_: connection)
        settings = OmsHook().settings
        assert settings.api_url == "https://127.0.0.1:8443"
        assert (settings.tenant_id, settings.deadline) == ("10001", 60)


class TestCancelOrder:
    def test_it_returns_what_became_of_the_order(self, connect: Callable[..., None]) -> None:
        with RawServer([document(CANCELED)]) as server:
            connect(to(server))
            result = OmsHook().cancel_order("1010101", "other", " Rejected ")
        assert result.outcome is Outcome.CANCELED
        assert server.requests[0].endswith(b'"dispositionOtherReason": "Rejected"}')
        assert len(server.requests) == 1

    def test_anything_but_canceled_raises_with_the_result(
        self, connect: Callable[..., None]
    ) -> None:
        with RawServer([NOT_FOUND]) as server:
            connect(to(server))
            with pytest.raises(OmsCancellationError, match="Order 7: not_found") as failure:
                OmsHook().cancel_order(7, "created_by_mistake")
        assert failure.value.result.outcome is Outcome.NOT_FOUND
        assert isinstance(failure.value, AirflowFailException)
        # A read could have refuted it.
        assert [request.split()[0] for request in server.requests] == [b"POST", b"GET"]

    def test_once_the_process_was_told_to_end_no_further_order_is_sent(
        self, connect: Callable[..., None]
    ) -> None:
        # As Airflow 3's own handler, which lets the task's code run on.
        signal.signal(signal.SIGTERM, lambda *_: None)
        with RawServer([document(CANCELED)]) as server:
            connect(to(server))
            first = OmsHook().cancel_order(1010101, "created_by_mistake")
            assert first.outcome is Outcome.CANCELED
            signal.raise_signal(signal.SIGTERM)
            for order_id in (7, 8):
                with pytest.raises(OmsCancellationError, match="told to end") as failure:
                    OmsHook().cancel_order(order_id, "created_by_mistake")
                assert failure.value.result.outcome is Outcome.NOT_ATTEMPTED
            assert len(server.requests) == 1

    @pytest.mark.parametrize("status", [{"code": "SHIPPED"}, "SHIPPED" * 10, 3, ["READY"]])
    def test_a_state_that_cannot_be_read_is_none_that_a_guard_admits(
        self, connect: Callable[..., None], status: object
    ) -> None:
        order = {"orderID": 7, "orderState": "READY", "orderStatus": status}
        with RawServer([document(order)]) as server:
            connect(to(server))
            with pytest.raises(OmsCancellationError, match="not_cancelable"):
                OmsHook().cancel_order(7, "created_by_mistake", only_if_states=["READY"])
        assert [request.split()[0] for request in server.requests] == [b"GET"]

    def test_what_may_still_succeed_may_be_retried(self, connect: Callable[..., None]) -> None:
        with RawServer([answer("429 Too Many Requests", b"", ("Retry-After: 60",))]) as server:
            connect(to(server))
            with pytest.raises(OmsCancellationError, match="not_attempted") as failure:
                OmsHook().cancel_order(7, "created_by_mistake")
        assert not isinstance(failure.value, AirflowFailException)
        assert len(server.requests) == 1

    def test_invalid_input_sends_nothing(self, connect: Callable[..., None]) -> None:
        with RawServer([document(CANCELED)]) as server:
            connect(to(server))
            for arguments in (("0", "other", "x"), (1, "fraud", None), (1, "other", "None")):
                with pytest.raises(OmsInvalidInputError, match="Nothing was sent"):
                    OmsHook().cancel_order(*arguments)
            with pytest.raises(OmsInvalidInputError, match="only_if_states"):
                OmsHook().cancel_order(1, "other", "x", only_if_states="")
            assert server.requests == []

    def test_the_connection_can_admit_more_reasons(self, connect: Callable[..., None]) -> None:
        with RawServer([document(CANCELED)]) as server:
            connect(to(server, disposition_reasons="fraud"))
            OmsHook().cancel_order(1010101, "fraud")
        assert b'"dispositionReason": "fraud"}' in server.requests[0]

    @pytest.mark.parametrize("states", [["READY"], ("READY",), '["READY"]', "READY, PENDING"])
    def test_another_state_than_wished_for_is_not_canceled(
        self, connect: Callable[..., None], states: object
    ) -> None:
        shipped = {"orderID": 7, "orderState": "SHIPPED", "orderStatus": "SHIPPED"}
        with RawServer([document(shipped)]) as server:
            connect(to(server))
            with pytest.raises(OmsCancellationError, match="not_cancelable") as failure:
                OmsHook().cancel_order(7, "created_by_mistake", only_if_states=states)
        assert failure.value.result.order_state == "SHIPPED"
        assert [request.split()[0] for request in server.requests] == [b"GET"]

    def test_an_order_in_doubt_is_read_before_anything_is_sent(
        self, connect: Callable[..., None]
    ) -> None:
        with RawServer([document(CANCELED)]) as server:
            connect(to(server))
            result = OmsHook().cancel_order(1010101, "created_by_mistake", in_doubt=True)
        assert (result.outcome, result.posts) == (Outcome.CANCELED, 0)
        assert [request.split()[0] for request in server.requests] == [b"GET"]

    @pytest.mark.parametrize(
        ("number", "method"),
        [("1", b"POST"), ("2", b"GET"), ("0", b"GET"), ("", b"GET"), ("x", b"GET")],
    )
    def test_only_a_first_attempt_that_is_known_to_be_one_sends_unread(
        self,
        connect: Callable[..., None],
        monkeypatch: pytest.MonkeyPatch,
        number: str,
        method: bytes,
    ) -> None:
        # As in the interpreter of a @task.virtualenv.
        monkeypatch.setenv("AIRFLOW_CTX_TRY_NUMBER", number)
        with RawServer([document(CANCELED)]) as server:
            connect(to(server))
            OmsHook().cancel_order(1010101, "created_by_mistake")
        assert [request.split()[0] for request in server.requests] == [method]

    @pytest.mark.parametrize(
        ("given", "method"),
        [
            ({}, b"GET"),
            ({"in_doubt": True}, b"GET"),
            ({"in_doubt": False}, b"POST"),
            ({"in_doubt": "False"}, b"POST"),
            ({"attempt": 0}, b"GET"),
            ({"attempt": 0, "in_doubt": False}, b"POST"),
            ({"attempt": 1}, b"POST"),
            ({"attempt": "1"}, b"POST"),
            ({"attempt": 1, "in_doubt": True}, b"GET"),
            ({"attempt": "2"}, b"GET"),
            ({"attempt": 2, "in_doubt": False}, b"GET"),
        ],
    )
    def test_without_a_task_the_caller_can_say_which_attempt_it_is(
        self,
        connect: Callable[..., None],
        monkeypatch: pytest.MonkeyPatch,
        given: dict[str, Any],
        method: bytes,
    ) -> None:
        # As in the container of a @task.docker or @task.kubernetes.
        monkeypatch.delenv("AIRFLOW_CTX_TRY_NUMBER")
        with RawServer([document(CANCELED)]) as server:
            connect(to(server))
            OmsHook().cancel_order(1010101, "created_by_mistake", **given)
        assert [request.split()[0] for request in server.requests] == [method]

    @pytest.mark.parametrize("in_doubt", [None, True, False])
    def test_the_log_says_that_an_attempt_without_a_number_reads_first(
        self,
        connect: Callable[..., None],
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        capsys: pytest.CaptureFixture[str],
        in_doubt: bool | None,
    ) -> None:
        monkeypatch.delenv("AIRFLOW_CTX_TRY_NUMBER")
        with RawServer([document(CANCELED)]) as server:
            connect(to(server))
            OmsHook().cancel_order(1010101, "created_by_mistake", in_doubt=in_doubt)
        said = "The attempt number of this task is unknown, so order 1010101 is read"
        assert (said in caplog.text + capsys.readouterr().out) is (in_doubt is None)

    @pytest.mark.parametrize("wrong", [{"attempt": "None"}, {"attempt": True}, {"in_doubt": 2}])
    def test_what_is_no_attempt_and_no_answer_sends_nothing(
        self, connect: Callable[..., None], wrong: dict[str, Any]
    ) -> None:
        with RawServer([document(CANCELED)]) as server:
            connect(to(server))
            with pytest.raises(OmsInvalidInputError, match=f"{next(iter(wrong))} must be"):
                OmsHook().cancel_order(1010101, "created_by_mistake", **wrong)
        assert server.requests == []

    def test_one_line_before_the_first_request_says_where(
        self,
        connect: Callable[..., None],
        caplog: pytest.LogCaptureFixture,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        caplog.set_level(logging.INFO)
        with RawServer([document(CANCELED)]) as server:
            connect(to(server, environment="sandbox"))
            OmsHook().cancel_order(1010101, "created_by_mistake")
            where = f"Canceling order 1010101 at {server.url} (environment sandbox, tenant 10001)"
        # Airflow 2 logs through logging, Airflow 3 through structlog to standard output.
        assert where in caplog.text + capsys.readouterr().out


def test_get_order_reads_one_order(connect: Callable[..., None]) -> None:
    with RawServer([document(CANCELED), NOT_FOUND]) as server:
        connect(to(server))
        hook = OmsHook()
        assert hook.get_order("1010101").order_status == "CANCELED"
        with pytest.raises(OmsNotFoundError):
            hook.get_order(1010101)
        with pytest.raises(OmsInvalidInputError):
            hook.get_order("None")
    assert len(server.requests) == 2


def test_a_child_that_was_forked_while_a_connection_was_looked_up_does_not_wait_for_it(
    connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    connect({"conn_type": "oms", "host": "http://127.0.0.1:9", "extra": {"tenant_id": "1"}})
    is_asked, may_answer = threading.Event(), threading.Event()
    look_up = OmsHook.get_connection

    def look_up_late(_: OmsHook, conn_id: str) -> Any:
        if threading.current_thread() is not threading.main_thread():
            is_asked.set()
            may_answer.wait(30)
        return look_up(conn_id)

    monkeypatch.setattr(OmsHook, "get_connection", look_up_late)
    thread = threading.Thread(target=OmsHook().get_conn)
    thread.start()
    assert is_asked.wait(30)
    child = multiprocessing.get_context("fork").Process(target=OmsHook().get_conn)
    child.start()
    child.join(20)
    is_hanging = child.is_alive()
    child.kill()
    may_answer.set()
    thread.join(30)
    assert not is_hanging
    assert child.exitcode == 0
