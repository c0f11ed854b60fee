"""The Orders page in a browser: how a person gets there, and its content."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from features import has
from playwright.sync_api import Locator
from standalone import TaskInRun
from web_ui import WebUi

_COLORS = """
(page) => {
  const style = getComputedStyle(page);
  const ground = document.createElement("div");
  ground.style.color = "var(--oms-ground)";
  page.append(ground);
  const colors = [style.color, getComputedStyle(ground).color];
  ground.remove();
  const canvas = document.createElement("canvas").getContext("2d");
  return colors.map((color) => {
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  });
}
"""
_SCROLL = """
async (box, steps) => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const times = [];
  let before = await frame();
  for (let step = 1; step <= steps; step += 1) {
    box.scrollTop = ((box.scrollHeight - box.clientHeight) * step) / steps;
    const now = await frame();
    times.push(now - before);
    before = now;
  }
  await frame();
  times.sort((one, other) => one - other);
  return { median: times[Math.floor(steps / 2)], longest: times[steps - 1] };
}
"""


class OrdersView:
    """Use the Orders page.

    :param ui: the web UI that it is in.
    """

    def __init__(self, ui: WebUi) -> None:
        self._ui = ui
        self._page = ui.page

    def open(self, task: TaskInRun, map_index: int = -1) -> None:
        """Go to the table of a task's orders.

        :param task: the task.
        :param map_index: of a mapped task.
        """
        if has("tabs of a plugin"):
            mapped = f"/mapped/{map_index}" if map_index >= 0 else ""
            path = f"/dags/{task.dag_id}/runs/{task.run_id}/tasks/{task.task_id}{mapped}"
            self._ui.go(f"{path}/plugin/oms-orders")
        else:
            query = {"dag_id": task.dag_id, "run_id": task.run_id, "task_id": task.task_id}
            self._ui.go(f"/plugin/oms-orders?{urlencode(query | {'map_index': map_index})}")
        self._page.get_by_role("heading", name="Orders").first.wait_for()

    def open_by_hand(self, task: TaskInRun) -> None:
        """Go from a task's page to the table as a person does.

        :param task: the task.
        """
        run = f"/dags/{task.dag_id}/runs/{task.run_id}"
        if has("tabs of a plugin"):
            self._ui.show_task(run, task.task_id)
            self._page.get_by_role("link", name="Orders", exact=True).click()
        else:
            self._ui.show_task(run, task.task_id, tab="details")
            self._page.get_by_role("link", name="Orders", exact=True).click()
        self._page.get_by_role("heading", name="Orders").first.wait_for()

    @property
    def bar(self) -> Locator:
        """Return the bar with the counts."""
        return self._page.locator(".oms-bar")

    @property
    def grid(self) -> Locator:
        """Return the table."""
        return self._page.get_by_role("grid", name="Orders")

    @property
    def status(self) -> Locator:
        """Return how many orders are listed."""
        return self._page.get_by_role("search").get_by_role("status")

    def search(self, text: str) -> None:
        """Type into the field for a search.

        :param text: the text.
        """
        self._page.get_by_label("Search", exact=True).fill(text)

    def details(self, order_id: int) -> Locator:
        """Return the part that shows all that is known of an order.

        :param order_id: the order.
        """
        return self._page.get_by_role("region", name=f"Order {order_id}")

    def rows(self) -> list[dict[str, str]]:
        """Return the rows that are drawn, by column."""
        titles = [text.strip(" ▲▼↕") for text in self.grid.locator("thead th").all_inner_texts()]
        found = []
        for row in self.grid.locator("tbody tr[aria-rowindex]").all():
            cells = [text.strip() for text in row.locator("th, td").all_inner_texts()]
            found.append(dict(zip(titles, cells, strict=True)))
        return found

    def csv(self) -> list[dict[str, str]]:
        """Download the CSV, and return its rows."""
        with self._page.expect_download() as download:
            self._page.get_by_role("button", name="Download CSV").click()
        with Path(download.value.path()).open(encoding="utf-8", newline="") as lines:
            return list(csv.DictReader(lines))

    def colors(self) -> dict[str, list[int]]:
        """Return red, green and blue of the text and of its background."""
        text, ground = self._page.locator(".oms-page").evaluate(_COLORS)
        return {"text": text, "ground": ground}

    def scroll_through(self, *, steps: int) -> dict[str, Any]:
        """Scroll to the end of the table, and return how long a frame took, in milliseconds.

        :param steps: in how many frames.
        """
        times: dict[str, Any] = self._page.locator(".oms-box").evaluate(_SCROLL, steps)
        return times

    def last_row_index(self) -> int:
        """Return the number of the last row that is drawn."""
        row = self.grid.locator("tbody tr[aria-rowindex]").last
        return int(str(row.get_attribute("aria-rowindex")))
