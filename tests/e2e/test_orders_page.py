"""The Orders page in a browser, under a base path: a person's view of each kind of run."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from features import has
from journal_store import Store
from journal_writer import Writer, canceled
from orders_view import OrdersView
from playwright.sync_api import expect
from standalone import Standalone, TaskInRun
from web_ui import WebUi, open_browser

from airflow_provider_oms.emulator.testing import EmulatorProcess
from demo.postgres import Postgres
from demo.processes import free_port
from demo.standalone import settings_for
from demo.workplace import EXAMPLE_DAGS, REPOSITORY, oms_connection

BASE = "/team/airflow"
FIRST = 5_000_001
SIZE = 10_000
SHIPPED = [FIRST + 17, FIRST + 4711, FIRST + 9998]
_SECONDS = 240_000
# Few enough for a small picture, and enough for each outcome's own.
_COLORS = 96

pytestmark = [pytest.mark.timeout(900), pytest.mark.needs("pages of a plugin")]


@pytest.fixture(scope="module")
def served(
    tenant: EmulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Standalone]:
    """Give an Airflow under a base path, with an administrator and a viewer."""
    port = free_port()
    address = f"http://127.0.0.1:{port}{BASE}"
    connection = oms_connection(
        tenant,
        settle_seconds=2,
        read_timeout=60,
        admin_url=f"{tenant.url}/_emulator/orders/{{order_id}}",
    )
    with Postgres("-F") as postgres:
        settings = {
            **settings_for(port),
            "AIRFLOW__API__BASE_URL": address,
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,vera:viewer",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": postgres.address,
            "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
        }
        home = tmp_path_factory.mktemp("airflow")
        with Standalone(home, EXAMPLE_DAGS, {"oms_default": connection}, settings) as standalone:
            yield standalone


@pytest.fixture(scope="module")
def ui(
    served: Standalone, chromium: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WebUi]:
    pictures = tmp_path_factory.mktemp("pictures")
    with open_browser(chromium) as page:
        is_writing = bool(os.environ.get("WRITE_DOCS"))
        ui = WebUi(page, served.api, REPOSITORY / "docs" / "images" if is_writing else pictures)
        ui.log_in()
        yield ui


@pytest.fixture(scope="module")
def view(ui: WebUi) -> OrdersView:
    return OrdersView(ui)


@pytest.fixture(autouse=True)
def no_faults(tenant: EmulatorProcess) -> Iterator[None]:
    yield
    tenant.clear_faults()


def begin(
    served: Standalone,
    tenant: EmulatorProcess,
    directory: Path,
    order_ids: Iterable[int],
    dag_id: str = "cancel_many_orders",
    **conf: Any,
) -> TaskInRun:
    ids = list(order_ids)
    tenant.load_orders(
        [{"orderID": one, **({"orderState": "SHIPPED"} if one in SHIPPED else {})} for one in ids]
    )
    path = directory / "orders.jsonl"
    path.write_text("".join(f"{one}\n" for one in ids), encoding="utf-8")
    return served.trigger(dag_id, {"orders_path": str(path), **conf}, task_id="cancel")


@pytest.fixture(scope="module")
def finished(
    served: Standalone, tenant: EmulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> TaskInRun:
    """Give a task that failed, because three of its 10,000 orders have shipped."""
    ids = range(FIRST, FIRST + SIZE)
    task = begin(served, tenant, tmp_path_factory.mktemp("orders"), ids, dry_run=False)
    assert task.wait_for_end(600)["state"] == "failed"
    return task


class TestAFinishedRun:
    def test_a_click_leads_to_the_orders_that_were_not_canceled_and_why(
        self, ui: WebUi, view: OrdersView, finished: TaskInRun
    ) -> None:
        view.open_by_hand(finished)
        expect(view.bar).to_have_attribute(
            "aria-label", "Orders by outcome: 3 not cancelable, 9,997 canceled"
        )
        expect(view.status).to_have_text("10,000 of 10,000 listed, 3 to look at")
        rows = view.rows()
        assert [row["Order"] for row in rows[:3]] == list(map(str, SHIPPED))
        assert {row["State"] for row in rows[:3]} == {"SHIPPED"}
        assert all(row["Reason"] for row in rows[:3])
        assert rows[3]["Outcome"] == "canceled"
        ui.shoot("orders-page", colors=_COLORS)

    def test_an_order_is_searched_for_and_its_details_lead_to_kibo(
        self, ui: WebUi, view: OrdersView, finished: TaskInRun
    ) -> None:
        view.open(finished)
        view.search(str(SHIPPED[1]))
        expect(view.status).to_have_text("1 of 10,000 listed, 3 to look at")
        view.grid.focus()
        ui.page.keyboard.press("ArrowDown")
        details = view.details(SHIPPED[1])
        expect(details).to_contain_text("SHIPPED")
        expect(details).to_contain_text("Correlation id")
        with ui.page.expect_popup() as opened:
            details.get_by_role("link", name="Open in Kibo").click()
        expect(opened.value.locator("body")).to_contain_text(f'"orderID":{SHIPPED[1]}')
        opened.value.close()
        view.grid.focus()
        ui.page.keyboard.press("Escape")
        expect(details).to_have_count(0)

    def test_the_bar_filters_and_the_csv_has_what_is_shown(
        self, ui: WebUi, view: OrdersView, finished: TaskInRun
    ) -> None:
        view.open(finished)
        assert len(view.csv()) == SIZE
        button = ui.page.get_by_role("button", name="3 not cancelable")
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        found = view.csv()
        assert [row["Order"] for row in found] == list(map(str, SHIPPED))
        assert {row["In doubt"] for row in found} == {"false"}

    def test_the_keyboard_reaches_the_last_row(
        self, ui: WebUi, view: OrdersView, finished: TaskInRun
    ) -> None:
        view.open(finished)
        ui.page.get_by_role("button", name="Order", exact=True).press("Enter")
        expect(ui.page.get_by_role("columnheader", name="Order")).to_have_attribute(
            "aria-sort", "ascending"
        )
        view.grid.focus()
        ui.page.keyboard.press("End")
        expect(view.details(FIRST + SIZE - 1)).to_be_visible()
        chosen = view.grid.locator('[aria-selected="true"]')
        expect(chosen).to_be_in_viewport()
        expect(chosen).to_have_attribute("aria-rowindex", str(SIZE + 1))
        expect(view.grid).to_have_attribute(
            "aria-activedescendant", str(chosen.get_attribute("id"))
        )

    def test_it_is_dark_where_airflow_is(
        self, ui: WebUi, view: OrdersView, finished: TaskInRun
    ) -> None:
        view.open(finished)
        light = view.colors()
        ui.page.evaluate("document.documentElement.classList.replace('light', 'dark')")
        dark = view.colors()
        ui.shoot("orders-page-dark", colors=_COLORS)
        ui.page.evaluate("document.documentElement.classList.replace('dark', 'light')")
        assert min(dark["text"]) > max(dark["ground"])
        assert min(light["ground"]) > max(light["text"])

    def test_a_viewer_sees_what_airflow_lets_a_viewer_see(
        self, served: Standalone, ui: WebUi, finished: TaskInRun
    ) -> None:
        context = ui.page.context.browser
        assert context is not None
        page = context.new_page(viewport={"width": 1280, "height": 760})
        vera = WebUi(page, served.api, Path())
        vera.log_in("vera")
        view = OrdersView(vera)
        view.open(finished)
        expect(view.status).to_have_text("10,000 of 10,000 listed, 3 to look at")
        # As the FAB auth manager answers to a user who may not read XComs.
        page.route("**/xcomEntries/**", lambda route: route.fulfill(status=403, body="{}"))
        view.open(finished)
        expect(page.get_by_text("You may not read this task's XComs")).to_be_visible()
        expect(view.status).to_have_text("10,000 of 10,000 listed, 3 to look at")
        page.route("**/taskInstances/**", lambda route: route.fulfill(status=403, body="{}"))
        view.open(finished)
        expect(page.get_by_role("alert")).to_have_text("Airflow does not let you read this task.")
        page.close()

    def test_an_airflow_without_a_journal_shows_what_it_has(
        self, ui: WebUi, view: OrdersView, finished: TaskInRun
    ) -> None:
        ui.page.route("**/state-store**", lambda route: route.fulfill(status=404, body="{}"))
        try:
            view.open(finished)
            expect(view.status).to_have_text("3 of 3 listed, 3 to look at")
            expect(ui.page.get_by_text("This Airflow keeps no journal")).to_be_visible()
            expect(ui.page.get_by_text("9,997 of the 10,000 orders are counted")).to_be_visible()
        finally:
            ui.page.unroute("**/state-store**")


@pytest.mark.needs("task_state_store")
def test_a_run_is_followed_and_what_is_left_open_is_in_doubt(
    served: Standalone, tenant: EmulatorProcess, tmp_path: Path, ui: WebUi, view: OrdersView
) -> None:
    stuck = FIRST + 20_003
    tenant.add_fault("hang", call="cancel", order_id=stuck, seconds=600)
    tenant.add_fault("slow", seconds=2)
    ids = range(FIRST + 20_000, FIRST + 20_100)
    task = begin(served, tenant, tmp_path, ids, dry_run=False)
    tenant.wait_for_cancel_post(stuck, timeout=150)
    view.open(task)
    expect(view.bar).to_have_attribute("aria-label", re.compile(r"\d+ under way"))
    expect(ui.page.get_by_text("live, read at")).to_be_visible()
    expect(view.bar).to_have_attribute(
        "aria-label", re.compile(r"[1-9]\d canceled"), timeout=_SECONDS
    )
    ui.shoot("orders-page-live", colors=_COLORS)
    task.mark_failed()
    # Airflow no longer takes the results that the task still gets.
    expect(view.bar).to_have_attribute(
        "aria-label", re.compile(r"\d+ no outcome"), timeout=_SECONDS
    )
    assert view.rows()[0]["In doubt"] == "in doubt"
    ui.shoot("orders-page-in-doubt", colors=_COLORS)
    view.search(str(stuck))
    expect(view.status).to_contain_text("1 of ")
    assert view.rows()[0]["Outcome"] == "no outcome"


def test_a_dry_run_is_no_real_one(
    served: Standalone, tenant: EmulatorProcess, tmp_path: Path, ui: WebUi, view: OrdersView
) -> None:
    ids = range(FIRST + 30_000, FIRST + 30_050)
    task = begin(served, tenant, tmp_path, ids, dry_run=True)
    task.wait_for_end()
    view.open(task)
    banner = ui.page.get_by_text("Nothing was canceled.")
    expect(banner).to_contain_text("Dry run")
    expect(view.bar).to_have_attribute("aria-label", "Orders by outcome: 50 would cancel")
    assert len(view.csv()) == 50
    ui.shoot("orders-page-dry-run", colors=_COLORS)


def test_a_mapped_task_is_one_set(
    served: Standalone, tenant: EmulatorProcess, tmp_path: Path, ui: WebUi, view: OrdersView
) -> None:
    ids = [*range(FIRST + 40_000, FIRST + 40_060), SHIPPED[0]]
    task = begin(served, tenant, tmp_path, ids, dag_id="cancel_in_chunks", chunk_size=25)
    task.wait_for_run(600)
    view.open(task, map_index=2)
    expect(view.bar).to_have_attribute(
        "aria-label", "Orders by outcome: 1 not cancelable, 60 canceled"
    )
    rows = view.rows()
    assert rows[0]["Order"] == str(SHIPPED[0])
    assert {row["Map index"] for row in view.csv()} == {"0", "1", "2"}
    expect(ui.page.get_by_text("3 mapped tasks: 2 success, 1 failed")).to_be_visible()


def test_a_single_order_has_a_table_too(
    served: Standalone, tenant: EmulatorProcess, ui: WebUi, view: OrdersView
) -> None:
    order_id = FIRST + 50_000
    tenant.load_orders([{"orderID": order_id}])
    conf = {"order_id": order_id, "disposition_reason": "created_by_mistake"}
    task = served.trigger("cancel_order", conf, task_id="cancel")
    task.wait_for_end()
    view.open(task)
    expect(view.bar).to_have_attribute("aria-label", "Orders by outcome: 1 canceled")
    (row,) = view.rows()
    assert (row["Order"], row["State"]) == (str(order_id), "CANCELED")
    view.grid.focus()
    ui.page.keyboard.press("ArrowDown")
    link = view.details(order_id).get_by_role("link", name="Open in Kibo")
    expect(link).to_have_attribute("href", f"{tenant.url}/_emulator/orders/{order_id}")


@pytest.mark.skipif(has("tabs of a plugin"), reason="there the table is a tab of the task")
def test_without_a_task_the_page_lists_the_last_ones(
    ui: WebUi, view: OrdersView, finished: TaskInRun
) -> None:
    ui.go("/")
    ui.page.get_by_role("button", name="Browse").click()
    ui.page.get_by_role("menuitem", name="Orders").click()
    ui.page.get_by_role("link", name=finished.run_id).click()
    expect(view.status).to_have_text("10,000 of 10,000 listed, 3 to look at")


def test_a_hundred_thousand_rows_scroll(
    served: Standalone,
    tenant: EmulatorProcess,
    tmp_path: Path,
    ui: WebUi,
    view: OrdersView,
    record_property: Callable[[str, object], None],
) -> None:
    # A small task, whose journal is replaced by a large one on the way to the browser.
    task = begin(served, tenant, tmp_path, [FIRST + 60_000], dry_run=False)
    task.wait_for_end()
    store = Store()
    order_ids = range(1, 100_001)
    writer = Writer(store, order_ids=order_ids)
    for first in range(1, 100_001, 1000):
        writer.write([], map(canceled, range(first, first + 1000)))
    entries = [{"key": key, "value": store[key]} for key in sorted(store)]
    body = json.dumps({"task_state_store": entries, "total_entries": len(entries)})
    head = json.dumps({"key": "oms_journal", "value": store["oms_journal"]})
    ui.page.route("**/xcomEntries/**", lambda route: route.fulfill(status=404, body="{}"))
    ui.page.route("**/state-store?**", lambda route: route.fulfill(body=body))
    ui.page.route("**/state-store/oms_journal?**", lambda route: route.fulfill(body=head))
    try:
        view.open(task)
        expect(view.status).to_have_text("100,000 of 100,000 listed")
        frames = view.scroll_through(steps=100)
        record_property("milliseconds of a frame", frames)
        assert view.grid.get_by_role("row").count() < 80
        assert view.last_row_index() == 100_001
        assert frames["median"] < 50, frames
    finally:
        ui.page.unroute_all()
