"""An emulator in a separate process, for tests and demonstrations.

It needs the standard library only, and talks to the emulator over HTTP like any other client.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlencode

_LISTENING: Final = re.compile(r"OMS emulator listening on (http://(\S+):(\d+)) \(tenant \d+\)\s*")
_CANCEL_PATH: Final = "/api/v2/order/action/cancel"
_SECONDS_TO_STOP: Final = 5


class EmulatorError(RuntimeError):
    """The emulator did not start, or its control API refused a request."""


class EmulatorProcess:
    """Run an emulator for the length of a `with` block.

    :param db: its database; by default a temporary file, so that `restart` keeps the state.
    :param seed: how many orders to make in addition to 1010101; None for none at all.
    :param open_access: whether calls may come without a token.
    :param tenant: the tenant's id.
    :param client_id: the client's id.
    :param client_secret: the client's secret.
    :param settings: behavior switches to start with.
    :param start_timeout: seconds it may take to start.
    """

    def __init__(
        self,
        *,
        db: str | Path | None = None,
        seed: int | None = None,
        open_access: bool = False,
        tenant: str = "10001",
        client_id: str = "KIBO_APP.1.0.0.Release",
        client_secret: str = "emulator-secret",  # noqa: S107 - the emulator's published default
        settings: Mapping[str, Any] | None = None,
        start_timeout: float = 30,
    ) -> None:
        self.tenant = tenant
        self.client_id = client_id
        self.client_secret = client_secret
        self.url = ""
        self._db = None if db is None else str(db)
        self._seed = seed
        self._open_access = open_access
        self._settings = dict(settings or {})
        self._faults: list[dict[str, Any]] = []
        self._start_timeout = start_timeout
        self._host, self._port = "127.0.0.1", 0
        self._scratch: Path | None = None
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the emulator and wait until it accepts connections."""
        if self._process is not None:
            raise EmulatorError("the emulator runs already")
        if self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="oms-emulator-"))
        try:
            self._launch(self._scratch)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the emulator, by force if need be, and remove its temporary database."""
        self._end_process()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None

    def restart(self) -> None:
        """Restart it on the same port, with its state and settings, and its faults reset."""
        if self._process is None:
            raise EmulatorError("the emulator does not run")
        self._end_process()
        self.start()

    def load_orders(self, orders: Iterable[Mapping[str, Any]]) -> int:
        """Load orders, replacing those that are there already; return how many.

        :param orders: at least `orderID` of each; under `native`, the fields of its native twin,
            such as `id`, `orderNumber`, `externalId`, `siteId` or `status`; under `parts`, its
            `lines` and `shipments`, such as `{"lines": [3, 2], "shipments": []}`.
        """
        answer = self._control("POST", "orders", [dict(order) for order in orders])
        return int(answer["loaded"])

    def clear(self) -> None:
        """Make the tenant as new: default switches, and no faults, requests or orders."""
        self.reset_settings()
        self.clear_faults()
        self.clear_requests()
        self.clear_orders()

    def clear_orders(self) -> int:
        """Remove every order; return how many there were."""
        return int(self._control("DELETE", "orders")["deleted"])

    def orders(self) -> dict[int, dict[str, Any]]:
        """Return the result of each order, by its id."""
        return {summary["orderID"]: summary for summary in self._control("GET", "orders")}

    def order(self, order_id: int | str) -> dict[str, Any]:
        """Return the result of one order, and how the two dialects show it: `order`, `native`.

        :param order_id: which order, by its id of either dialect.
        """
        summary: dict[str, Any] = self._control("GET", f"orders/{order_id}")
        return summary

    def parts(self, order_id: int | str) -> dict[str, Any]:
        """Return the result of an order's `lines` and `shipments`, each by its number.

        Of each it tells how much was `ordered`, is `open` and `canceled`, how many `cancels` named
        it, and how many of those canceled something of it (`times_canceled`).

        :param order_id: which order, by its id of either dialect.
        """
        ledger = self._control("GET", f"orders/{order_id}/parts")
        return {
            **ledger,
            "lines": {one["line"]: one for one in ledger["lines"]},
            "shipments": {one["number"]: one for one in ledger["shipments"]},
        }

    def change_shipment(self, number: int, status: str) -> int:
        """Let the OMS itself give a shipment another status, without a call.

        :param number: which shipment.
        :param status: the status, such as `FULFILLED`; `REASSIGNED` moves its open quantities to
            a new shipment, whose number comes back.
        """
        return int(self._control("PATCH", f"shipments/{number}", {"status": status})["number"])

    def native_id(self, order_id: int) -> str:
        """Return the native id of an order.

        :param order_id: which order.
        """
        return str(self.order(order_id)["native"]["id"])

    def cancel_by_system(self, order_id: int | str, *, after: float = 0) -> bool:
        """Let the OMS itself cancel an order, without a call; return whether it was open.

        :param order_id: which order, by its id of either dialect.
        :param after: seconds after which it shows.
        """
        path = f"orders/{order_id}/cancel?after={after}"
        return bool(self._control("POST", path)["canceled"])

    def requests(self, **filters: str | int) -> list[dict[str, Any]]:
        """Return the API requests received, in the order of their arrival.

        :param filters: any of `order_id` (of either dialect), `call` (as `add_fault` has it),
            `method`, `path` (how it begins) and `since`.
        """
        entries: list[dict[str, Any]] = self._control("GET", f"requests?{urlencode(filters)}")
        return entries

    def cancels(self, order_id: int | str) -> int:
        """Return how many cancels were received for an order, in whichever dialect and way.

        :param order_id: which order, by its id of either dialect; it need not exist.
        """
        return len(self.requests(order_id=order_id, call="cancel"))

    def cancel_posts(self, order_id: int) -> int:
        """Return how many translated cancels were received for an order, whatever their answer.

        :param order_id: which order; it need not exist.
        """
        return len(self.requests(order_id=order_id, method="POST", path=_CANCEL_PATH))

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Change behavior switches, for restarts too; return all of them.

        :param changes: new values by name; none to look only.
        """
        settings: dict[str, Any] = self._control("PATCH", "settings", changes)
        self._settings |= changes
        return settings

    def reset_settings(self) -> dict[str, Any]:
        """Give every switch its default again; return all of them."""
        settings: dict[str, Any] = self._control("PUT", "settings", {})
        self._settings.clear()
        return settings

    def add_fault(
        self,
        kind: str,
        *,
        call: str = "cancel",
        order_id: int | str | Iterable[int | str] | None = None,
        part_id: int | str | Iterable[int | str] | None = None,
        share: float = 1,
        seed: int = 0,
        skip: int = 0,
        times: int | None = None,
        reused: bool = False,
        **parameters: Any,
    ) -> None:
        """Let requests meet a fault, until `clear_faults`; rules added earlier come first.

        :param kind: the fault, as `/_emulator/faults` knows it.
        :param call: `cancel`, `get`, `search` or `token`; for parts of orders `cancel_items`,
            `cancel_shipment`, `get_item`, `search_items`, `get_shipment` or `search_shipments`; in
            the native API also `cancel_shipments`, `edit_items`, `actions`, `reasons`, `notes`,
            `tenant` or `events`; or `any`.
        :param order_id: the order, or several, by their ids of either dialect; None for any.
        :param part_id: the part, or several, by shipment numbers or item ids; None for any.
        :param share: share of the matching requests, from 0 to 1.
        :param seed: which share that is.
        :param skip: matching requests that are left alone first.
        :param times: how often at most; None for always.
        :param reused: only on a connection that has served a request before.
        :param parameters: of the fault itself.
        """
        rule = {
            "call": call,
            "order_ids": _listed(order_id),
            "part_ids": _listed(part_id),
            "share": share,
            "seed": seed,
            "skip": skip,
            "times": times,
            "reused": reused,
            "fault": {"kind": kind, **parameters},
        }
        self._control("POST", "faults", [rule])
        self._faults.append(rule)

    def set_faults(self, faults: Iterable[Mapping[str, Any]]) -> None:
        """Let these faults replace those in force; a script, if each has `times` 1.

        :param faults: the arguments of `add_fault` for each.
        """
        self.clear_faults()
        for fault in faults:
            self.add_fault(**fault)

    def faults(self) -> list[dict[str, Any]]:
        """Return the rules in force, with how often each has been `met` and `applied`."""
        rules: list[dict[str, Any]] = self._control("GET", "faults")
        return rules

    def clear_faults(self) -> None:
        """Lift every fault."""
        self._control("DELETE", "faults")
        self._faults.clear()

    def wait_for_cancel_post(
        self, order_id: int | str, timeout: float = 30, *, call: str = "cancel"
    ) -> None:
        """Wait until a cancel for an order has been received, whether or not it is answered.

        :param order_id: which order, by its id of either dialect.
        :param timeout: seconds to wait at most.
        :param call: which cancel, as `add_fault` has it, such as `cancel_items`.
        """
        until = time.monotonic() + timeout
        while not self.requests(order_id=order_id, call=call):
            if time.monotonic() > until:
                raise EmulatorError(f"no {call} for order {order_id} within {timeout} s")
            time.sleep(0.02)

    def clear_requests(self) -> None:
        """Forget the requests received so far."""
        self._control("DELETE", "requests")

    def revoke_tokens(self) -> int:
        """Make every token invalid; return how many access tokens there were."""
        return int(self._control("DELETE", "tokens")["revoked"])

    def _control(self, method: str, path: str, body: Any = None) -> Any:
        if self._process is None:
            raise EmulatorError("the emulator does not run")
        # http.client, unlike urllib.request, knows nothing of proxies.
        connection = http.client.HTTPConnection(self._host, self._port, timeout=30)
        try:
            text = None if body is None else json.dumps(body)
            headers = {"Content-Type": "application/json"}
            connection.request(method, f"/_emulator/{path}", text, headers)
            answer = connection.getresponse()
            content = answer.read().decode()
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise EmulatorError(f"{method} {path}: {answer.status} {content}")
        return json.loads(content)

    def _launch(self, scratch: Path) -> None:
        with (scratch / "stderr").open("w", encoding="utf-8") as errors:
            self._process = subprocess.Popen(  # noqa: S603 - our own command line
                self._command(scratch),
                stdout=subprocess.PIPE,
                stderr=errors,
                env=_environment(),
                text=True,
            )
        line = self._first_line(self._process)
        found = _LISTENING.fullmatch(line)
        if found is None:
            said = (scratch / "stderr").read_text(encoding="utf-8").strip()
            raise EmulatorError(
                f"the emulator did not start: {said or line or 'no answer in time'}"
            )
        self.url, self._host, self._port = found[1], found[2], int(found[3])

    def _command(self, scratch: Path) -> list[str]:
        command = [sys.executable, "-m", "airflow_provider_oms.emulator"]
        command += ["--port", str(self._port), "--db", self._db or str(scratch / "tenant.db")]
        command += ["--tenant", self.tenant, "--client-id", self.client_id]
        command += ["--client-secret", self.client_secret]
        command += ["--open-access"] if self._open_access else []
        command += [] if self._seed is None else ["--seed", str(self._seed)]
        if self._faults:
            rules = scratch / "faults.json"
            rules.write_text(json.dumps(self._faults), encoding="utf-8")
            command += ["--faults", str(rules)]
        for name, value in self._settings.items():
            command += ["--set", f"{name}={json.dumps(value)}"]
        return command

    def _first_line(self, process: subprocess.Popen[str]) -> str:
        lines: list[str] = []
        stream = process.stdout
        if stream is None:
            return ""
        # A thread, because not every platform can wait for a pipe with a timeout.
        reader = threading.Thread(target=lambda: lines.append(stream.readline()), daemon=True)
        reader.start()
        reader.join(self._start_timeout)
        return lines[0] if lines else ""

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _listed(ids: int | str | Iterable[int | str] | None) -> list[int | str] | None:
    if isinstance(ids, int | str):
        return [ids]
    return None if ids is None else list(ids)


def _environment() -> dict[str, str]:
    """Let the emulator's interpreter find the package, even one that is not installed."""
    root = Path(__file__).resolve().parents[2]
    environment = dict(os.environ)
    if root.name not in {"site-packages", "dist-packages"}:
        paths = [str(root), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return environment
