"""Airflow's web UI in headless Chromium, as a person with a mouse and a keyboard uses it.

Each action of a person has a method here; the tests state the expected view.
"""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Locator, Page, Response, ViewportSize, sync_playwright

from demo.standalone import ADMIN, AirflowApi

_MILLISECONDS = 30_000
_SIZE = 1280, 760
_TALL = 1280, 3200
_COLORS = 24
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # Nothing leaves this machine.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str | None:
    """Return the path of the Chromium that this machine has, or ``None``."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


def _size(size: tuple[int, int]) -> ViewportSize:
    return {"width": size[0], "height": size[1]}


@contextmanager
def open_browser(chromium: str) -> Iterator[Page]:
    """Give an empty page of a browser that knows nothing of any other.

    :param chromium: the browser's path.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        page = browser.new_page(viewport=_size(_SIZE))
        page.set_default_timeout(_MILLISECONDS)
        yield page
        browser.close()


class WebUi:
    """Use Airflow's web UI.

    :param page: the browser's page.
    :param api: the Airflow that it shows.
    :param pictures: the folder that screenshots go to.
    """

    def __init__(self, page: Page, api: AirflowApi, pictures: Path) -> None:
        self.page = page
        #: Every text that the server sent to the browser.
        self.received: list[str] = []
        self._api = api
        self._pictures = pictures
        page.on("response", self._keep)

    def _keep(self, response: Response) -> None:
        if "json" in response.headers.get("content-type", ""):
            self.received.append(response.text())

    def log_in(self, user: str = ADMIN) -> None:
        """Log in.

        :param user: as whom.
        """
        self.page.goto(self._api.address)
        self.page.get_by_label("Username").fill(user)
        self.page.get_by_label("Password").fill(self._api.password_of(user))
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("link", name="Dags").first.wait_for()

    def go(self, path: str) -> None:
        """Go to a page of the UI.

        :param path: the path after the address.
        """
        self.page.goto(f"{self._api.address}{path}")

    def shoot(self, name: str, part: Locator | None = None, *, colors: int = _COLORS) -> None:
        """Keep a small picture.

        :param name: its name, without the suffix.
        :param part: the element to show, all of it; by default the content of the window.
        :param colors: how many colors it may have.
        """
        self.page.mouse.move(0, 0)
        if part is not None:
            # Content scrolled out of the window would stay white.
            self.page.set_viewport_size(_size(_TALL))
        taken = (part or self.page).screenshot(animations="disabled")
        self.page.set_viewport_size(_size(_SIZE))
        picture = Image.open(io.BytesIO(taken))
        self._pictures.mkdir(parents=True, exist_ok=True)
        small = picture.convert("RGB").quantize(colors)
        small.save(self._pictures / f"{name}.png", optimize=True)

    # -- forms

    @property
    def dialog(self) -> Locator:
        """Return the dialog that is open."""
        return self.page.get_by_role("dialog")

    def field(self, label: str) -> Locator:
        """Return what to type into, or to choose from, under a label of the open dialog.

        :param label: the label.
        """
        labeled = re.compile(rf"^{re.escape(label)}\W*$")
        group = self.dialog.get_by_role("group").filter(has=self.page.get_by_text(labeled))
        text, number = group.get_by_role("textbox"), group.get_by_role("spinbutton")
        return text.or_(number).or_(group.get_by_role("combobox"))

    def fill(self, values: Mapping[str, str]) -> None:
        """Fill in fields of the open dialog.

        :param values: what to type or to choose, by label.
        """
        for label, value in values.items():
            field = self.field(label)
            field.wait_for()
            if field.get_attribute("role") == "combobox":
                field.click()
                self.page.get_by_role("option", name=value, exact=True).click()
            else:
                field.fill(value)

    # -- connections

    def add_connection(self, conn_id: str, kind: str, fields: Mapping[str, str]) -> None:
        """Open the form of a new connection and fill it in.

        :param conn_id: the id.
        :param kind: the type, as people call it.
        :param fields: what to type, by label.
        """
        self.go("/connections")
        self.page.get_by_role("button", name="Add Connection").click()
        self.fill({"Connection ID": conn_id, "Connection Type": kind})
        self._fill_connection(fields)

    def edit_connection(self, conn_id: str, fields: Mapping[str, str]) -> None:
        """Open the form of a connection and change it.

        :param conn_id: the id.
        :param fields: what to type, by label.
        """
        self.go("/connections")
        self._row(conn_id).get_by_role("button", name="Edit Connection").click()
        self._fill_connection(fields)

    def _fill_connection(self, fields: Mapping[str, str]) -> None:
        # Airflow shows the fields of the type once it has fetched them.
        self._opens("Extra Fields").or_(self.field("Tenant ID")).wait_for()
        standard = {label: text for label, text in fields.items() if self.field(label).count()}
        self.fill(standard)
        if len(standard) < len(fields):
            self.open_fields("Extra Fields")
            self.fill({label: fields[label] for label in fields if label not in standard})

    def open_fields(self, group: str) -> None:
        """Open a group of the connection's fields; from Airflow 3.4 on, all are open.

        :param group: its title.
        """
        if self._opens(group).count():
            self._opens(group).click()

    def _opens(self, group: str) -> Locator:
        return self.dialog.get_by_role("button", name=group, exact=True)

    def save_connection(self) -> None:
        """Save the open form."""
        self.dialog.get_by_role("button", name="Save").click()
        self.dialog.wait_for(state="hidden")

    def press_test(self, conn_id: str) -> str:
        """Press a connection's Test button, and return the UI's message.

        :param conn_id: the id.
        """
        self.go("/connections")
        with self.page.expect_response("**/connections/test"):
            self._row(conn_id).get_by_role("button", name="Test Connection").click()
        notice = self.page.get_by_role("status").filter(has_text="Test Connection")
        notice.wait_for()
        return notice.inner_text()

    def _row(self, conn_id: str) -> Locator:
        return self.page.get_by_role("row").filter(has_text=conn_id)

    # -- runs

    def open_trigger_form(self, dag_id: str) -> None:
        """Open the form that starts a run.

        :param dag_id: the DAG.
        """
        self.go(f"/dags/{dag_id}")
        self.page.get_by_role("button", name="Trigger").first.click()
        self.dialog.get_by_role("button", name="Trigger").wait_for()

    def trigger(self) -> str:
        """Press the open form's Trigger button, and return the address of the run's page."""
        with self.page.expect_response("**/dagRuns") as answer:
            self.dialog.get_by_role("button", name="Trigger").click()
        run: dict[str, Any] = json.loads(answer.value.text())
        return f"/dags/{run['dag_id']}/runs/{run['dag_run_id']}"

    def show_task(self, run: str, task_id: str, *, tab: str = "") -> None:
        """Show a task of a run.

        :param run: the address of the run's page.
        :param task_id: the task.
        :param tab: which of its tabs; the log if not given.
        """
        self.go(f"{run}/tasks/{task_id}/{tab}".rstrip("/"))
        self.page.get_by_role("heading", name=task_id).first.wait_for()
