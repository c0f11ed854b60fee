"""The page about the emulator: its tables are the emulator's own, its connection leads to one."""

from __future__ import annotations

import json
import re
import shlex
from contextlib import closing
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]  # its stubs are not worth a dependency
from fastapi import FastAPI
from pages import blocks, rows, text_of

from airflow_provider_oms.emulator.__main__ import command_line
from airflow_provider_oms.emulator.api import build_api
from airflow_provider_oms.emulator.control import build_control
from airflow_provider_oms.emulator.native.api import build_native_api
from airflow_provider_oms.emulator.settings import Settings
from airflow_provider_oms.emulator.store import Store
from airflow_provider_oms.emulator.tenant import Identity, Tenant
from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.hooks.oms import OmsHook
from scripts import emulator_tables

PAGE = text_of("docs/emulator.md")


def test_its_tables_are_up_to_date() -> None:
    assert emulator_tables.page(PAGE) == PAGE, "run `make docs-parts` and look at the changes"


def test_a_table_that_is_not_up_to_date_is_found() -> None:
    stale = PAGE.replace("| `--port PORT` | `8787` |", "| `--port PORT` | `8080` |")
    assert stale != PAGE
    assert emulator_tables.page(stale) == PAGE


def test_what_a_field_may_be_is_said_word_for_word_where_there_is_one_word() -> None:
    (row,) = [
        row
        for row in rows(PAGE, "| kind | what happens | parameters (default) |")
        if row[0] == "`status`"
    ]
    assert '`"empty"` or `"order"` or an object' in row[2]


def documented_under(heading: str) -> set[tuple[str, str]]:
    """Return the calls in a table of the page, each with its method."""
    documented = set()
    for calls, _ in rows(PAGE, heading):
        methods = []
        # `GET`, `PUT /path` are two calls of one path.
        for call in re.findall(r"`([^`]+)`", calls):
            method, _, path = call.partition(" ")
            methods.append(method)
            if path:
                documented |= {(each, path) for each in methods}
                methods.clear()
    return documented


def built(application: FastAPI) -> set[tuple[str, str]]:
    """Return the calls that an application takes, each with its method."""
    return {
        (method, route.path)  # type: ignore[attr-defined]  # all of them are calls
        for route in application.routes
        for method in route.methods  # type: ignore[attr-defined]  # as above
    }


def test_it_has_every_call_of_the_control_api() -> None:
    application = build_control(None)  # type: ignore[arg-type]  # it is never called
    assert documented_under("| call | effect |") == built(application)


def test_it_has_every_native_call(tmp_path: Path) -> None:
    identity = Identity("10001", "id", "secret", open_access=False)
    with closing(Store(str(tmp_path / "tenant.db"))) as store:
        application = build_native_api(Tenant(identity, Settings(), store))
    assert documented_under("| native call | effect |") == built(application)


def test_its_native_order_is_one_that_the_emulator_takes(emulator: EmulatorProcess) -> None:
    (commands,) = [block for _, block in blocks(PAGE, "bash") if '"native": {' in block]
    load, _, show = commands.partition(" http://127.0.0.1:8787/_emulator/orders\n")
    (orders,) = [word for word in shlex.split(load) if word.startswith("[")]
    assert emulator.load_orders(json.loads(orders)) == 1
    known = emulator.order(show.strip().rpartition("/")[2])
    assert (known["orderState"], known["native"]["orderNumber"]) == ("PAYMENT_HOLD", 1042)


def test_its_order_with_parts_is_one_that_the_emulator_takes(emulator: EmulatorProcess) -> None:
    (commands,) = [block for _, block in blocks(PAGE, "bash") if '"parts": {' in block]
    (orders,) = [word for word in shlex.split(commands) if word.startswith("[")]
    emulator.load_orders(json.loads(orders))
    parts = emulator.parts(8)
    first, second = parts["shipments"].values()
    assert [set(one["items"]) for one in (first, second)] == [{"1"}, {"1", "2"}]
    emulator.load_orders([{"orderID": 8, "parts": {}}])
    ordered = [one["ordered"] for one in emulator.parts(8)["lines"].values()]
    told = {name: default for _, name, default in rows(PAGE, "| what | field | default |")}
    assert told["`lines`"] == f"a line of {ordered[0]} and a line of {ordered[1]}"
    line = parts["lines"][1]
    assert line["id"] == f"{line['orderItemID']:032x}"
    assert told["`orderItemID`, `id`"].startswith(f"{line['orderItemID']} for line 1 of order 8;")
    assert told["`number`"].startswith(f"{first['number']} for the first one of order 8")


def test_its_translated_calls_about_parts_are_there(tmp_path: Path) -> None:
    identity = Identity("10001", "id", "secret", open_access=False)
    with closing(Store(str(tmp_path / "tenant.db"))) as store:
        application = build_api(Tenant(identity, Settings(), store))
    paths = {path.partition("{")[0] for _, path in built(application)}
    told = {
        path.partition("{")[0].partition("?")[0]
        for _, translated, _ in rows(PAGE, "| part | translated | native |")
        for path in re.findall(r"(?:GET|POST) (/[^`]+)`", translated)
    }
    assert told == {
        path for path in paths if path.startswith(("/api/v2/orderItem", "/api/v2/ship"))
    }


@pytest.mark.parametrize(
    ("conn_id", "order_key", "field"),
    [("oms_local", None, "orderID"), ("oms_local_native", "number", "orderNumber")],
    ids=["translated", "native"],
)
def test_its_connection_is_the_emulators_own(
    emulator: EmulatorProcess,
    conn_id: str,
    order_key: str | None,
    field: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variable = f"AIRFLOW_CONN_{conn_id.upper()}="
    (export,) = [block for _, block in blocks(PAGE, "bash") if variable in block]
    _, word = shlex.split(export)
    name, _, value = word.partition("=")
    emulator.load_orders([{"orderID": 1010101}])
    assert json.loads(value)["password"] == emulator.client_secret
    monkeypatch.setenv(name, value.replace("http://127.0.0.1:8787", emulator.url))
    hook = OmsHook(conn_id)
    assert hook.test_connection()[0]
    assert hook.get_order(1010101, order_key).raw[field] == 1010101


def test_its_recipe_for_containers_leads_from_one_to_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ((_, content),) = blocks(PAGE, "yaml")
    services = yaml.safe_load(content)["services"]
    (name, emulator), (_, worker) = services.items()
    assert emulator["entrypoint"] == ["python", "-m", "airflow_provider_oms.emulator"]
    arguments = command_line().parse_args(emulator["command"])
    assert arguments.allow_remote
    ((variable, connection),) = worker["environment"].items()
    monkeypatch.setenv(variable, connection)
    settings = OmsHook("oms_local").settings
    assert settings.api_url == settings.token_base_url == f"http://{name}:{arguments.port}"
    assert str(settings.client_id) == arguments.client_id
    assert settings.client_secret is not None
    assert settings.client_secret.get_secret_value() == arguments.client_secret
    assert settings.tenant_id == str(arguments.tenant)
    assert settings.warning is not None


def test_its_fault_is_one_that_the_emulator_takes(emulator: EmulatorProcess) -> None:
    (command,) = [block for _, block in blocks(PAGE, "bash") if "_emulator/faults" in block]
    (rules,) = [word for word in shlex.split(command) if word.startswith("[")]
    for rule in json.loads(rules):
        emulator.set_faults([{**rule.pop("fault"), **rule}])
    assert [rule["fault"]["kind"] for rule in emulator.faults()] == ["drop"]
