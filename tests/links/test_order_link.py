"""The link from a task to its order: where the connection says, and only there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import MagicMock

import pytest
from airflow.providers.common.compat.sdk import DAG, XCom
from features import IS_AIRFLOW_2
from raw_server import RawServer, answer

from airflow_provider_oms.exceptions import OmsCancellationError, OmsInvalidInputError
from airflow_provider_oms.links.oms import OmsOrderLink
from airflow_provider_oms.operators.oms import OmsCancelOrderOperator

CANCELED = {"orderID": 1010101, "orderState": "CANCELED", "orderStatus": "CANCELED"}
TEMPLATE = "https://admin.example.com/t10001/orders?id={order_id}#/edit/{order_id}"
ORDER_PAGE = "https://admin.example.com/t10001/orders?id=1010101#/edit/1010101"
LINK = OmsOrderLink()
Connect = Callable[..., None]


@pytest.fixture
def oms() -> Iterator[RawServer]:
    with RawServer([answer("200 OK", json.dumps(CANCELED).encode())]) as server:
        yield server


@pytest.fixture
def connect(oms: RawServer, monkeypatch: pytest.MonkeyPatch) -> Connect:
    def set_connection(**extra: object) -> None:
        extra = {"tenant_id": "10001", "settle_seconds": 0, "deadline": 2, **extra}
        connection = {"conn_type": "oms", "host": oms.url, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_OMS_DEFAULT", json.dumps(connection))

    return set_connection


def operator(**arguments: Any) -> OmsCancelOrderOperator:
    given = {"order_id": 1010101, "disposition_reason": "created_by_mistake", **arguments}
    return OmsCancelOrderOperator(task_id="cancel", **given)


def context() -> Any:
    return {"ti": MagicMock(try_number=1)}


def stored_and_loaded(dag: DAG) -> Any:
    """Return a DAG as the web server has it."""
    from airflow.serialization import serialized_objects  # noqa: PLC0415 - costs seconds

    # Until Airflow 3.2 the class of the stored value did the storing, too.
    module: Any = serialized_objects
    serialization = getattr(module, "DagSerialization", None) or module.SerializedDAG
    return serialization.from_dict(json.loads(json.dumps(serialization.to_dict(dag))))


def pushed(task_context: Any) -> dict[str, Any]:
    calls = task_context["ti"].xcom_push.call_args_list
    return {call.kwargs["key"]: call.kwargs["value"] for call in calls}


class TestWhereItLeads:
    @pytest.mark.parametrize(
        ("admin_url", "page"),
        [
            (TEMPLATE, ORDER_PAGE),
            ("https://admin.example.com/", "https://admin.example.com/"),
            ("admin.example.com/o/{order_id}", "https://admin.example.com/o/1010101"),
            ("http://127.0.0.1:8080/{order_id}", "http://127.0.0.1:8080/1010101"),
        ],
    )
    def test_an_address_has_the_order_in_its_place_or_stands_as_it_is(
        self, connect: Connect, admin_url: str, page: str
    ) -> None:
        connect(admin_url=admin_url)
        task_context = context()
        operator().execute(task_context)
        assert pushed(task_context)[LINK.xcom_key] == page

    @pytest.mark.parametrize(
        "admin_url",
        [
            "http://admin.example.com/{order_id}",
            "javascript:alert({order_id})",
            "https://user:pw@admin.example.com/{order_id}",
            "https://{order_id}.example.com/",
            "https://admin.example.com/{tenant}/{order_id}",
            "https://admin.example.com/{order_id",
        ],
    )
    def test_an_address_that_no_browser_should_be_sent_to_is_refused(
        self, connect: Connect, admin_url: str
    ) -> None:
        connect(admin_url=admin_url)
        with pytest.raises(OmsInvalidInputError, match="admin_url: ") as refusal:
            operator().execute(context())
        assert "pw" not in str(refusal.value)

    def test_without_an_address_there_is_no_link_and_nothing_in_xcom(
        self, connect: Connect
    ) -> None:
        connect()
        task, task_context = operator(), context()
        task.execute(task_context)
        assert pushed(task_context) == {}
        assert LINK.get_link(task, ti_key=MagicMock()) == ""


class TestWhenItIsThere:
    def test_it_is_there_before_anything_is_sent_and_when_the_task_fails(
        self, connect: Connect, oms: RawServer
    ) -> None:
        connect(admin_url=TEMPLATE)
        oms.script = [answer("404 Not Found", b'{"code": 5002}')]
        task, task_context = operator(), context()
        seen: list[int] = []
        task_context["ti"].xcom_push.side_effect = lambda **_: seen.append(len(oms.requests))
        with pytest.raises(OmsCancellationError):
            task.execute(task_context)
        assert next(iter(pushed(task_context).items())) == (LINK.xcom_key, ORDER_PAGE)
        assert seen[0] == 0
        assert LINK.get_link(task, ti_key=MagicMock()) == ORDER_PAGE

    def test_an_order_that_is_refused_has_no_link(self, connect: Connect, oms: RawServer) -> None:
        connect(admin_url=TEMPLATE)
        task, task_context = operator(order_id="../1"), context()
        with pytest.raises(OmsInvalidInputError, match="order_id"):
            task.execute(task_context)
        assert pushed(task_context) == {}
        assert task.order_url == ""
        assert oms.requests == []

    def test_a_link_that_cannot_be_kept_keeps_nothing_from_being_canceled(
        self, connect: Connect
    ) -> None:
        connect(admin_url=TEMPLATE)
        task_context = context()
        task_context["ti"].xcom_push.side_effect = RuntimeError("no database")
        assert operator().execute(task_context)["outcome"] == "canceled"

    def test_a_task_without_xcom_pushes_no_link(self, connect: Connect) -> None:
        connect(admin_url=TEMPLATE)
        task_context = context()
        operator(do_xcom_push=False).execute(task_context)
        task_context["ti"].xcom_push.assert_not_called()

    def test_the_web_server_of_airflow_2_finds_it_in_xcom(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[str] = []

        def get_value(*, key: str, ti_key: object) -> str:
            asked.append(key)
            return ORDER_PAGE

        monkeypatch.setattr(XCom, "get_value", get_value)
        # Only the stored fields of a DAG are known there.
        stored: Any = object()
        assert LINK.get_link(stored, ti_key=MagicMock()) == ORDER_PAGE
        assert asked == [LINK.xcom_key]


def test_it_survives_the_way_of_a_dag_to_the_web_ui() -> None:
    with DAG(dag_id="linked", schedule=None) as dag:
        operator()
        OmsCancelOrderOperator.partial(
            task_id="mapped", disposition_reason="created_by_mistake"
        ).expand(order_id=[1, 2])
    loaded = stored_and_loaded(dag)
    for task_id in ("cancel", "mapped"):
        (link,) = loaded.get_task(task_id).operator_extra_links
        assert link.name == "Order in Kibo"
        if IS_AIRFLOW_2:
            assert isinstance(link, OmsOrderLink)
        else:
            assert link.xcom_key == LINK.xcom_key
