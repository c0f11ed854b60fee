"""How Airflow gets the Orders page: where it is shown, and which files are served."""

from __future__ import annotations

import asyncio
import importlib
import tomllib
from pathlib import Path
from typing import Any

import pytest

import airflow_provider_oms
from airflow_provider_oms import version_compat
from airflow_provider_oms.decorators.oms import OmsCancelDecoratedOperator
from airflow_provider_oms.get_provider_info import get_provider_info
from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator, OmsCancelOrderOperator
from airflow_provider_oms.plugins import orders_page

WWW = Path(airflow_provider_oms.__file__).parent / "www"
REPOSITORY = Path(__file__).resolve().parents[2]


def fetch(path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of the plugin's response at a path."""
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }

    async def receive() -> dict[str, Any]:
        # The browser neither sends a body nor goes away.
        return await asyncio.Future()

    async def send(message: Any) -> None:
        sent.append(dict(message))

    asyncio.run(orders_page.StaticFiles()(scope, receive, send))
    start, *bodies = sent
    named = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], named, b"".join(one.get("body", b"") for one in bodies)


class TestWhereItIs:
    @pytest.mark.parametrize(
        ("version", "place"),
        [
            ("2.11.2", ""),
            ("3.0.6", ""),
            ("3.1.0", "page"),
            ("3.3.2", "page"),
            ("3.4.0b2", "tab"),
            ("4.0.0", "tab"),
        ],
    )
    def test_the_version_decides(
        self, monkeypatch: pytest.MonkeyPatch, version: str, place: str
    ) -> None:
        monkeypatch.setattr(version_compat, "AIRFLOW_VERSION", version)
        assert version_compat.orders_page_place() == place

    def test_as_a_tab_it_is_on_tasks_that_cancel_orders_only(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(version_compat, "AIRFLOW_VERSION", "3.4.0")
        app = orders_page._react_app()
        classes = (OmsBulkCancelOrdersOperator, OmsCancelOrderOperator)
        names = [
            *(each.__name__ for each in classes),
            OmsCancelDecoratedOperator.custom_operator_name,
        ]
        assert app["destination"] == "task_instance"
        assert app["applies_to"] == {"operator_name": names}

    def test_as_a_page_it_is_in_the_menu(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(version_compat, "AIRFLOW_VERSION", "3.3.2")
        app = orders_page._react_app()
        assert (app["destination"], app["category"]) == ("nav", "browse")
        assert "applies_to" not in app

    @pytest.mark.parametrize(
        ("base_url", "path"),
        [
            ("", ""),
            ("https://airflow.example", ""),
            ("http://h:8080/team/airflow/", "/team/airflow"),
        ],
    )
    def test_its_files_are_under_the_base_path(
        self, monkeypatch: pytest.MonkeyPatch, base_url: str, path: str
    ) -> None:
        monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
        assert orders_page._react_app()["bundle_url"] == f"{path}/oms/orders.mjs"

    @pytest.mark.needs("pages of a plugin")
    def test_airflow_takes_it(self) -> None:
        plugins = importlib.import_module("airflow.api_fastapi.core_api.datamodels.plugins")
        (app,) = orders_page.OrdersPagePlugin.react_apps
        assert plugins.ReactAppResponse.model_validate(app).url_route == "oms-orders"


class TestTheFiles:
    @pytest.mark.parametrize("path", sorted(WWW.iterdir()), ids=lambda path: path.name)
    def test_each_is_served_as_it_is(self, path: Path) -> None:
        status, headers, body = fetch(f"/{path.name}")
        assert (status, body) == (200, path.read_bytes())
        kind = {".mjs": "javascript", ".css": "text/css"}[path.suffix]
        assert kind in headers["content-type"]

    def test_a_browser_asks_whether_a_file_is_still_the_same(self) -> None:
        _, headers, _ = fetch("/orders.mjs")
        assert headers["cache-control"] == "no-cache"
        status, _, body = fetch("/orders.mjs", **{"if-none-match": headers["etag"]})
        assert (status, body) == (304, b"")

    @pytest.mark.parametrize(
        "path", ["/", "/nothing", "/../__init__.py", "/%2e%2e/__init__.py", "/..%2f__init__.py"]
    )
    def test_nothing_else_is_served(self, path: str) -> None:
        http = importlib.import_module("starlette.exceptions").HTTPException
        with pytest.raises(http) as refusal:
            fetch(path)
        assert refusal.value.status_code == 404

    def test_nothing_can_be_sent_to_it(self) -> None:
        http = importlib.import_module("starlette.exceptions").HTTPException
        with pytest.raises(http) as refusal:
            fetch("/orders.mjs", method="POST")
        assert refusal.value.status_code == 405

    def test_they_ask_nobody_but_this_airflow(self) -> None:
        for path in WWW.iterdir():
            text = path.read_text(encoding="utf-8")
            assert "http://" not in text
            assert "https://" not in text
            assert "innerHTML" not in text


class TestHowItIsFound:
    def test_the_entry_point_and_the_provider_info_name_it(self) -> None:
        project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
        (point,) = project["project"]["entry-points"]["airflow.plugins"].values()
        module, _, name = point.partition(":")
        assert getattr(importlib.import_module(module), name) is orders_page.OrdersPagePlugin
        (plugin,) = get_provider_info()["plugins"]
        assert plugin["plugin-class"] == point.replace(":", ".")
        assert plugin["name"] == orders_page.OrdersPagePlugin.name
