"""The sensor: its end, its XComs, and how it defers to its trigger."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)
from raw_server import RawServer, Script, answer, hang_up

from airflow_provider_oms.exceptions import (
    OmsInvalidInputError,
    OmsOrderStateError,
    OmsTriggerEventError,
)
from airflow_provider_oms.links.oms import OmsOrderLink
from airflow_provider_oms.sensors.oms import OmsOrderStateSensor
from airflow_provider_oms.triggers.oms import OmsOrderStateTrigger, WaitingEnded

Play = Callable[..., RawServer]
NOT_FOUND = answer("404 Not Found", b'{"code": 5002, "message": "no such order"}')


def order(state: str, status: str | None = None, order_id: int = 7) -> Script:
    body = {"orderID": order_id, "orderState": state, "orderStatus": status or state}
    return answer("200 OK", json.dumps({**body, "email": "shopper@example.com"}).encode())


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Any:
    opened: list[RawServer] = []

    def serve(*script: Script, **extra: object) -> RawServer:
        server = RawServer(script)
        server.__enter__()
        opened.append(server)
        login = extra.pop("login", None)
        extra = {"tenant_id": "10001", **extra}
        connection: dict[str, Any] = {"conn_type": "oms", "host": server.url, "extra": extra}
        if login is not None:
            connection |= {"login": login, "password": "a secret of some length"}
        monkeypatch.setenv("AIRFLOW_CONN_OMS_DEFAULT", json.dumps(connection))
        return server

    yield serve
    for server in opened:
        server.__exit__()


def sensor(**arguments: Any) -> OmsOrderStateSensor:
    given = {"order_id": 7, "poke_interval": 0.01, "timeout": 60, **arguments}
    return OmsOrderStateSensor(task_id="wait", **given)


def context() -> Any:
    return {"ti": MagicMock(try_number=1)}


def deferral(waiting: OmsOrderStateSensor, task_context: Any = None) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as deferred:
        waiting.execute(task_context or context())
    return deferred.value


class TestInAWorker:
    def test_it_waits_for_canceled_unless_told_otherwise_and_leaves_the_states(
        self, play: Play
    ) -> None:
        server = play(order("READY"), order("READY"), order("CANCELED"))
        left = sensor().execute(context())
        assert left == {"order_id": 7, "order_state": "CANCELED", "order_status": "CANCELED"}
        assert [r.split()[:2] for r in server.requests] == [[b"GET", b"/api/v2/order/7"]] * 3
        # One client for all looks.
        assert server.connections == 1

    def test_a_failure_state_fails_it_for_good(self, play: Play) -> None:
        play(order("READY"), order("SHIPPED"))
        with pytest.raises(OmsOrderStateError, match=r"Order 7 is SHIPPED .*failure_states") as it:
            sensor(failure_states="SHIPPED").execute(context())
        assert isinstance(it.value, AirflowFailException)

    def test_an_unknown_order_fails_it_for_good(self, play: Play) -> None:
        server = play(NOT_FOUND)
        advice = r".*\. Check the order id and the connection's tenant and environment\.$"
        with pytest.raises(
            OmsOrderStateError, match=f"Order 7: The OMS knows no such order{advice}"
        ):
            sensor().execute(context())
        assert len(server.requests) == 1

    @pytest.mark.parametrize(
        ("refusal", "said"),
        [
            (answer("403 Forbidden", b'{"code": 5004}'), "forbids"),
            (answer("401 Unauthorized", b'{"code": 5004}'), "wants an access token"),
            (answer("400 Bad Request", b'{"code": 5003}'), "calls the request invalid"),
            (answer("404 Not Found", b'{"detail": "Not Found"}'), "No OMS answered"),
            (answer("403 Forbidden", b"<html></html>"), "No OMS answered"),
        ],
    )
    def test_a_refused_connection_fails_it_for_good(
        self, play: Play, refusal: Script, said: str
    ) -> None:
        server = play(refusal)
        with pytest.raises(OmsOrderStateError, match=f"Order 7: .*{said}") as failure:
            sensor().execute(context())
        assert isinstance(failure.value, AirflowFailException)
        assert len(server.requests) == 1

    def test_refused_credentials_fail_it_for_good(self, play: Play) -> None:
        server = play(answer("401 Unauthorized", b'{"errorCode": "INVALID"}'), login="KIBO.1")
        with pytest.raises(OmsOrderStateError, match="client secret"):
            sensor().execute(context())
        assert len(server.requests) == 1

    def test_a_refused_token_is_replaced(self, play: Play) -> None:
        token = answer("200 OK", b'{"access_token": "tok-1", "expires_in": 3600}')
        refused = answer("401 Unauthorized", b'{"errorCode": "INVALID_ACCESS_TOKEN"}')
        play(token, refused, token, order("CANCELED"), login="KIBO.1")
        assert sensor().execute(context())["order_state"] == "CANCELED"

    @pytest.mark.parametrize("trouble", [hang_up, answer("502 Bad Gateway")])
    def test_trouble_that_passes_is_waited_out(self, play: Play, trouble: Script) -> None:
        play(trouble, order("CANCELED"))
        assert sensor().execute(context())["order_state"] == "CANCELED"

    @pytest.mark.parametrize("was_up", [False, True])
    def test_a_host_that_refuses_connections_is_looked_at_again(
        self, play: Play, *, was_up: bool
    ) -> None:
        server = play(order("READY"))
        waiting = sensor()
        if was_up:
            assert not waiting.poke(context()).is_done
        server.__exit__()
        for _ in range(3):
            assert not waiting.poke(context()).is_done

    @pytest.mark.slow
    def test_a_retry_after_is_kept_to(self, play: Play) -> None:
        server = play(answer("429 Too Many Requests", b"", ("Retry-After: 1",)), order("CANCELED"))
        began = time.monotonic()
        sensor().execute(context())
        assert time.monotonic() - began > 0.95
        assert len(server.requests) == 2

    def test_it_times_out_as_every_sensor_does(self, play: Play) -> None:
        play(order("READY"))
        with pytest.raises(AirflowSensorTimeout):
            sensor(timeout=0.1).execute(context())

    @pytest.mark.parametrize(
        ("arguments", "named"),
        [
            ({"order_id": "None"}, "order_id"),
            ({"order_id": 1.5}, "order_id"),
            ({"target_states": ""}, "target_states"),
            ({"failure_states": "None"}, "failure_states"),
            ({"failure_states": None}, "failure_states"),
            ({"failure_states": []}, "failure_states"),
            ({"failure_states": ["CANCELLED"]}, "failure_states"),
        ],
    )
    def test_what_is_not_valid_is_refused_before_anything_is_sent(
        self, play: Play, arguments: dict[str, Any], named: str
    ) -> None:
        server = play(order("CANCELED"))
        for deferrable in (False, True):
            with pytest.raises(OmsInvalidInputError, match=named):
                sensor(deferrable=deferrable, **arguments).execute(context())
        assert server.requests == []

    def test_its_arguments_are_templates(self) -> None:
        waiting = sensor(
            order_id="{{ order }}", target_states="{{ states }}", failure_states=["{{ other }}"]
        )
        values: Any = {"order": 7, "states": '["SHIPPED"]', "other": "CANCELED"}
        waiting.render_template_fields(values)
        assert (waiting.order_id, waiting.target_states) == ("7", '["SHIPPED"]')
        assert waiting.failure_states == ["CANCELED"]


class TestDeferral:
    def test_an_order_that_is_there_already_is_not_deferred(self, play: Play) -> None:
        play(order("CANCELED"))
        left = sensor(deferrable=True).execute(context())
        assert left["order_state"] == "CANCELED"

    @pytest.mark.parametrize("first", [order("READY"), answer("503 Service Unavailable")])
    def test_otherwise_it_looks_once_and_leaves_the_rest_to_the_trigger(
        self, play: Play, first: Script
    ) -> None:
        server = play(first)
        waiting = sensor(
            deferrable=True, failure_states=["SHIPPED"], poke_interval=30, timeout=3600
        )
        before = time.time()
        deferred = deferral(waiting)
        assert len(server.requests) == 1
        assert isinstance(deferred.trigger, OmsOrderStateTrigger)
        _, arguments = deferred.trigger.serialize()
        assert before + 3600 <= arguments.pop("give_up_at") <= time.time() + 3600
        assert arguments == {
            "order_id": 7,
            "target_states": ["CANCELED"],
            "failure_states": ["SHIPPED"],
            "oms_conn_id": "oms_default",
            "poll_interval": 30,
        }
        assert deferred.method_name == "execute_complete"
        assert deferred.kwargs == {"order_id": 7}
        # Airflow's own limit must not come before the trigger's.
        assert deferred.timeout is not None
        assert deferred.timeout.total_seconds() > 3600

    def test_the_trigger_never_looks_more_often_than_every_ten_seconds(self, play: Play) -> None:
        play(order("READY"))
        deferred = deferral(sensor(deferrable=True, poke_interval=0.01))
        assert isinstance(deferred.trigger, OmsOrderStateTrigger)
        assert deferred.trigger.poll_interval == 10

    def test_its_first_look_can_fail_it_too(self, play: Play) -> None:
        play(order("SHIPPED"))
        with pytest.raises(OmsOrderStateError):
            sensor(deferrable=True, failure_states=["SHIPPED"]).execute(context())
        with pytest.raises(AirflowSkipException):
            sensor(deferrable=True, failure_states=["SHIPPED"], soft_fail=True).execute(context())


def event(ended: Any, **changes: Any) -> dict[str, Any]:
    given = {"order_state": "CANCELED", "order_status": "CANCELED", "message": "is CANCELED"}
    return {**WaitingEnded(status=ended, order_id=7, **given).model_dump(), **changes}


class TestTheWayBack:
    def test_a_state_reached_is_the_result(self) -> None:
        left = sensor(order_id="7").execute_complete(context(), event("reached"), 7)
        assert left == {"order_id": 7, "order_state": "CANCELED", "order_status": "CANCELED"}

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            ("failed", OmsOrderStateError),
            ("given_up", OmsOrderStateError),
            ("timed_out", AirflowSensorTimeout),
        ],
    )
    def test_any_other_end_fails_the_task_and_no_retry_would_help(
        self, status: str, kind: type[Exception]
    ) -> None:
        with pytest.raises(kind, match="Order 7"):
            sensor().execute_complete(context(), event(status), 7)

    @pytest.mark.parametrize("status", ["failed", "given_up", "timed_out"])
    def test_soft_fail_skips_instead(self, status: str) -> None:
        waiting = sensor(soft_fail=True)
        with pytest.raises(AirflowSkipException):
            waiting.resume_execution(
                "execute_complete", {"event": event(status), "order_id": 7}, context()
            )

    @pytest.mark.parametrize(
        "sent",
        [
            None,
            {},
            True,
            "reached",
            {"status": "success"},
            event("reached", status="canceled"),
            event("reached", order_id="7"),
            event("reached", order_id=8),
            event("reached", token="abc"),
        ],
    )
    def test_an_event_that_is_none_of_its_triggers_is_no_success(self, sent: Any) -> None:
        with pytest.raises(OmsTriggerEventError, match="Order 7") as failure:
            sensor().execute_complete(context(), sent, 7)
        assert not isinstance(failure.value, AirflowFailException)
        assert "abc" not in str(failure.value)
        assert "Nothing was changed" in str(failure.value)


def test_it_links_to_its_order_also_while_it_is_deferred(play: Play) -> None:
    play(order("READY"), admin_url="https://admin.example.com/orders/{order_id}")
    waiting, task_context = sensor(deferrable=True), context()
    deferral(waiting, task_context)
    page = "https://admin.example.com/orders/7"
    task_context["ti"].xcom_push.assert_called_once_with(key="oms_order_link", value=page)
    assert OmsOrderLink().get_link(waiting, ti_key=MagicMock()) == page
    resumed = sensor(deferrable=True)
    # As a version did that did not hand the order over.
    assert resumed.execute_complete(context(), event("reached"))["order_id"] == 7
    assert OmsOrderLink().get_link(resumed, ti_key=MagicMock()) == page
