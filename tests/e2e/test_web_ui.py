"""A person's steps in Airflow's web UI: connect, test, trigger, approve, look."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from playwright.sync_api import expect
from raw_server import RawServer
from standalone import Standalone
from web_ui import WebUi

from airflow_provider_oms.emulator.testing import EmulatorProcess
from demo.processes import free_port

CONNECTION = "oms_default"
ORDER = 1010101
REVIEWED = {1010102: 0.97, 1010103: 0.91}
_SECONDS = 60_000

# All of Airflow has to start for the first one.
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="session")
def good(tenant: EmulatorProcess) -> Mapping[str, str]:
    """Return a person's input into the form, by label."""
    host, _, port = tenant.url.rpartition(":")
    return {
        "Base Address": host,
        "Port": port,
        "Client ID": tenant.client_id,
        "Client Secret": tenant.client_secret,
        "Tenant ID": tenant.tenant,
        "Environment": "sandbox",
        "Token Address": tenant.url,
        "Settle Time (s)": "1",
        # The emulator shows an order to any client.
        "Admin Address": f"{tenant.url}/_emulator/orders/{{order_id}}",
    }


@pytest.fixture(scope="session")
def connected(ui: WebUi, good: Mapping[str, str]) -> str:
    """Create the connection in the form, and return its id."""
    ui.add_connection(CONNECTION, "Kibo OMS", good)
    ui.shoot("connection-extra-fields", ui.dialog)
    ui.open_fields("Standard Fields")
    ui.shoot("connection-standard-fields", ui.dialog)
    ui.save_connection()
    return CONNECTION


@pytest.fixture
def restored(ui: WebUi, connected: str, good: Mapping[str, str]) -> str:
    """Type everything again, whatever an earlier test has made of the connection."""
    ui.edit_connection(connected, good)
    ui.save_connection()
    return connected


def says(ui: WebUi, connection: str, **changes: str) -> str:
    """Change the connection in the form, press Test, and return the UI's message."""
    if changes:
        ui.edit_connection(connection, {name.replace("_", " "): changes[name] for name in changes})
        ui.save_connection()
    return ui.press_test(connection)


class TestTheForm:
    def test_it_has_what_the_connection_needs_and_nothing_else(
        self, ui: WebUi, connected: str
    ) -> None:
        ui.edit_connection(connected, {"Tenant ID": "10001"})
        labels = ui.dialog.get_by_role("group").all_inner_texts()
        shown = {text.strip().partition("\n")[0].strip(" *") for text in labels}
        assert {"Environment", "Settle Time (s)", "Deadline (s)", "CA Bundle"} <= shown
        assert "Schema" not in shown

    def test_the_environment_is_chosen_from_a_list(self, ui: WebUi, connected: str) -> None:
        ui.edit_connection(connected, {"Tenant ID": "10001"})
        ui.field("Environment").click()
        assert ui.page.get_by_role("option").all_inner_texts() == ["production", "sandbox"]

    def test_the_secret_does_not_come_back(
        self, ui: WebUi, connected: str, tenant: EmulatorProcess
    ) -> None:
        ui.edit_connection(connected, {})
        expect(ui.field("Client Secret")).to_have_value("***")
        expect(ui.field("Client Secret")).to_have_attribute("type", "password")
        assert any(f'"{connected}"' in text for text in ui.received)
        assert not any(tenant.client_secret in text for text in ui.received)


class TestTheTestButton:
    def test_it_works(self, ui: WebUi, restored: str, tenant: EmulatorProcess) -> None:
        said = says(ui, restored)
        ui.shoot("connection-works")
        assert f"It works: the OMS answers at {tenant.url} (environment sandbox" in said

    def test_a_wrong_secret(self, ui: WebUi, restored: str) -> None:
        said = says(ui, restored, Client_Secret="not the secret")
        ui.shoot("connection-wrong-secret")
        assert "refuses the client id or its secret: correct Client ID (login) and" in said

    def test_a_wrong_tenant(self, ui: WebUi, restored: str) -> None:
        said = says(ui, restored, Tenant_ID="20002")
        assert "into tenant 20002: correct the Tenant ID (tenant_id)" in said

    def test_a_tenant_without_translated_apis(
        self, ui: WebUi, restored: str, other_site: RawServer
    ) -> None:
        said = says(ui, restored, Port=str(other_site.port))
        assert "probably has no translated APIs, which Kibo's support can enable" in said

    def test_a_host_that_is_not_reached(self, ui: WebUi, restored: str) -> None:
        port = free_port()
        said = says(ui, restored, Port=str(port))
        assert f"127.0.0.1:{port} cannot be reached (connection refused)" in said

    def test_a_certificate_that_is_refused(
        self, ui: WebUi, restored: str, untrusted: RawServer
    ) -> None:
        said = says(ui, restored, Base_Address="https://127.0.0.1", Port=str(untrusted.port))
        assert f"The TLS certificate of 127.0.0.1:{untrusted.port} was refused" in said
        assert untrusted.requests == []


def test_an_order_is_canceled_with_the_form_and_its_link_leads_to_it(
    ui: WebUi, restored: str, tenant: EmulatorProcess
) -> None:
    tenant.load_orders([{"orderID": ORDER}, {"orderID": ORDER + 1000}])
    ui.open_trigger_form("cancel_order")
    expect(ui.dialog.get_by_role("button", name="Trigger")).to_be_disabled()
    ui.fill({"Order": str(ORDER), "Reason": "other", "Explanation": "Customer changed mind"})
    ui.shoot("cancel-order-form", ui.dialog)
    run = ui.trigger()
    ui.show_task(run, "cancel")
    expect(ui.page.get_by_text("Success", exact=True)).to_be_visible(timeout=_SECONDS)
    ui.show_task(run, "cancel")
    log = ui.page.get_by_text(f"Order {ORDER} is CANCELED: canceled, after our cancel")
    expect(log).to_be_visible()
    ui.shoot("cancel-order-log")
    ui.show_task(run, "cancel", tab="details")
    with ui.page.expect_popup() as opened:
        ui.page.get_by_role("link", name="Order in Kibo").click()
    shown = opened.value
    shown.wait_for_load_state()
    expect(shown.locator("body")).to_contain_text('"orderState":"CANCELED"')
    shown.close()
    assert tenant.order(ORDER)["cancels"] == 1
    assert tenant.order(ORDER)["dispositionOtherReason"] == "Customer changed mind"
    assert tenant.requests(order_id=ORDER + 1000) == []


def test_what_a_person_approves_is_canceled(
    ui: WebUi, restored: str, tenant: EmulatorProcess, airflow: Standalone
) -> None:
    tenant.load_orders([{"orderID": order_id} for order_id in (*REVIEWED, 1010104)])
    flagged: list[dict[str, Any]] = [
        {"order_id": order_id, "case_id": f"F-{order_id % 100}", "score": score}
        for order_id, score in REVIEWED.items()
    ]
    dag_id = "cancel_after_approval"
    approve = airflow.trigger(dag_id, {"flagged": flagged}, task_id="approve")
    approve.question()
    ui.go("/required_actions")
    ui.page.get_by_role("link", name="Cancel 2 orders that the fraud check flagged?").click()
    rows = ui.page.get_by_role("row").filter(has_text=re.compile("F-"))
    expect(rows).to_have_text([re.compile(str(order_id)) for order_id in REVIEWED])
    ui.shoot("approval")
    assert [tenant.order(order_id)["cancels"] for order_id in REVIEWED] == [0, 0]
    ui.page.get_by_role("button", name="Approve").click()
    ui.show_task(f"/dags/{dag_id}/runs/{approve.run_id}", "cancel")
    expect(ui.page.get_by_text("Success", exact=True)).to_be_visible(timeout=_SECONDS)
    assert {tenant.order(order_id)["orderState"] for order_id in REVIEWED} == {"CANCELED"}
    assert tenant.order(1010104)["cancels"] == 0
