"""`python -m demo.ui start|stop`: the demo's set-up in Airflow's web UI, left running.

What is started is found again by its session, so that nothing else can be ended by mistake.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import psutil
import requests

from demo.data import create_verdicts, demo_orders
from demo.workplace import (
    DAG_ID,
    DemoError,
    Workplace,
    last_lines,
    step,
    stop_on_sigterm,
)

Found = TypeVar("Found")

PLACE = Workplace(".demo-ui")
STATE = PLACE.directory / "running.json"
DAGS_WITHOUT_SCHEDULE = ("cancel_order", "cancel_order_in_python")
_LISTENING = re.compile(r"OMS emulator listening on (\S+) \(tenant (\d+)\)")
# Twice what a cold start takes on a small machine.
_PATIENCE_WITH_AIRFLOW = 180.0
_PATIENCE_WITH_THE_EMULATOR = 30.0
_PATIENCE_WITH_THE_ENDING = 15.0
_CLIENT = ("KIBO_APP.1.0.0.Release", "emulator-secret")
_FAREWELL = """
Airflow    {airflow}     log in as {user} with the password {password}
Local OMS  {oms}/_emulator/orders     what became of every order

Trigger the DAG {dag} and let the dialog unpause it: it cancels what a fraud check rejected.
Trigger cancel_order to cancel one order, 1010101 for example, by hand.
Under Admin, Connections, oms_default leads to the local OMS.

make demo-ui-stop ends both."""


def start() -> None:
    """Start the emulator and Airflow, unless they run already, and say how to use them."""
    known = _known()
    if known is not None:
        print("It runs already.")
        print(_FAREWELL.format(**known["shown"]))
        return
    PLACE.wipe()
    try:
        shown = _start()
    except BaseException:
        stop()
        raise
    print(_FAREWELL.format(**shown))


def stop() -> None:
    """End everything that `start` left running; do nothing when that is nothing."""
    found = _processes()
    for process in found:
        _quietly(process.terminate)
    _, stubborn = psutil.wait_procs(found, timeout=_PATIENCE_WITH_THE_ENDING)
    # Airflow's parts start others while they end, so look again.
    for process in {*stubborn, *_processes()}:
        _quietly(process.kill)
    psutil.wait_procs(stubborn, timeout=_PATIENCE_WITH_THE_ENDING)
    left = _processes()
    if left:
        raise DemoError(f"Still running: {', '.join(str(process.pid) for process in left)}")
    STATE.unlink(missing_ok=True)
    print(f"Ended {len(found)} processes." if found else "Nothing was running.")


def _start() -> dict[str, str]:
    with step("Start a local OMS and a table of fraud verdicts"):
        oms, tenant = _start_emulator()
    with step("Start Airflow with its web UI (a minute, the first time)"):
        airflow = _start_airflow()
        password = _first_password()
    shown = {
        "airflow": airflow,
        "user": "admin",
        "password": password,
        "oms": oms,
        "dag": DAG_ID,
    }
    with step("Set up connections"):
        _set_up(
            airflow,
            password,
            PLACE.connections(oms_url=oms, tenant=tenant, login=_CLIENT[0], password=_CLIENT[1]),
        )
    _remember(shown=shown)
    return shown


def _start_emulator() -> tuple[str, str]:
    """Start the emulator with the demo's orders, and return its address and its tenant."""
    orders = demo_orders()
    create_verdicts(PLACE.verdicts, orders)
    given = PLACE.directory / "orders.jsonl"
    lines = [json.dumps(order.as_loaded()) for order in orders]
    given.write_text("\n".join(lines), encoding="utf-8")
    command = [sys.executable, "-m", "airflow_provider_oms.emulator"]
    command += ["--port", str(_free_port(8787)), "--db", str(PLACE.orders)]
    command += ["--orders", str(given), "--client-id", _CLIENT[0], "--client-secret", _CLIENT[1]]
    log = PLACE.directory / "emulator.log"
    process = _launch(command, dict(os.environ), log)

    def listening() -> re.Match[str] | None:
        return _LISTENING.search(log.read_text(encoding="utf-8"))

    found = _wait_for(listening, process, log, "the emulator", _PATIENCE_WITH_THE_EMULATOR)
    return found[1], found[2]


def _start_airflow() -> str:
    """Start all of Airflow, wait until it is healthy, and return the address of its UI."""
    port = _free_port(8080)
    address = f"http://localhost:{port}"
    environment = PLACE.environment() | {
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        # Another Airflow on this machine may have taken the usual ones.
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(_free_port(8793)),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(_free_port(8794)),
    }
    log = PLACE.directory / "airflow.log"
    process = _launch([sys.executable, "-m", "airflow", "standalone"], environment, log)

    def healthy() -> str | None:
        try:
            answer = requests.get(f"{address}/api/v2/monitor/health", timeout=5)
            parts = answer.json()
        except (requests.RequestException, ValueError):
            return None
        needed = ("metadatabase", "scheduler", "dag_processor", "triggerer")
        return address if all(parts[name]["status"] == "healthy" for name in needed) else None

    return _wait_for(healthy, process, log, "Airflow", _PATIENCE_WITH_AIRFLOW)


def _first_password() -> str:
    generated = PLACE.airflow_home / "simple_auth_manager_passwords.json.generated"
    return str(json.loads(generated.read_text(encoding="utf-8"))["admin"])


def _set_up(airflow: str, password: str, connections: dict[str, dict[str, str]]) -> None:
    """Store the connections where the UI shows them, and let DAGs without schedule be triggered."""
    with requests.Session() as session:
        login = {"username": "admin", "password": password}
        token = _asked(session, "POST", f"{airflow}/auth/token", login)["access_token"]
        session.headers["Authorization"] = f"Bearer {token}"
        for conn_id, fields in connections.items():
            body = {"connection_id": conn_id, **fields}
            _asked(session, "POST", f"{airflow}/api/v2/connections", body)
        for dag_id in DAGS_WITHOUT_SCHEDULE:
            _asked(session, "PATCH", f"{airflow}/api/v2/dags/{dag_id}", {"is_paused": False})


def _asked(session: requests.Session, method: str, url: str, body: dict[str, Any]) -> Any:
    """Return what Airflow answers; a DAG that it has not read yet is waited for."""
    until = time.monotonic() + _PATIENCE_WITH_THE_EMULATOR
    while True:
        answer = session.request(method, url, json=body, timeout=30)
        if answer.ok:
            return answer.json()
        if answer.status_code != requests.codes.not_found or time.monotonic() > until:
            raise DemoError(f"Airflow refused {method} {url}: {answer.status_code} {answer.text}")
        time.sleep(1)


def _launch(command: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own, and remember that session before anything else."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=PLACE.directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _remember(session={"id": process.pid, "since": psutil.Process(process.pid).create_time()})
    return process


def _wait_for(
    look: Callable[[], Found | None],
    process: subprocess.Popen[bytes],
    log: Path,
    name: str,
    limit: float,
) -> Found:
    """Return what `look` finds once that is true, showing that time goes by."""
    started = time.monotonic()
    told = 0.0
    while True:
        found = look()
        if found is not None:
            return found
        elapsed = time.monotonic() - started
        if process.poll() is not None or elapsed > limit:
            ended = "ended" if process.poll() is not None else f"did not come up in {limit:.0f} s"
            raise DemoError(f"{last_lines(log)}\n\n{name} {ended}; {PLACE.shown(log)} says why.")
        if elapsed - told >= 10:  # noqa: PLR2004 - seconds between two signs of life
            print(f"  {elapsed:4.0f} s", flush=True)
            told = elapsed
        time.sleep(0.5)


def _free_port(preferred: int) -> int:
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DemoError("No port is free on this machine.")


def _remember(*, session: dict[str, float] | None = None, shown: Any = None) -> None:
    state = json.loads(STATE.read_text(encoding="utf-8")) if STATE.exists() else {"sessions": []}
    if session is not None:
        state["sessions"].append(session)
    if shown is not None:
        state["shown"] = shown
    STATE.write_text(json.dumps(state), encoding="utf-8")


def _known() -> dict[str, Any] | None:
    """Return what an earlier start left running as a whole; end what is left of a broken one."""
    if not STATE.exists():
        return None
    state: dict[str, Any] = json.loads(STATE.read_text(encoding="utf-8"))
    alive = {os.getsid(process.pid) for process in _processes()}
    if "shown" in state and {session["id"] for session in state["sessions"]} <= alive:
        return state
    stop()
    return None


def _processes() -> list[psutil.Process]:
    """Return every living process of the sessions that `start` began."""
    if not STATE.exists():
        return []
    sessions = json.loads(STATE.read_text(encoding="utf-8"))["sessions"]
    ours = {session["id"] for session in sessions if _is_still_ours(session)}
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) in ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, ProcessLookupError, PermissionError):
            continue  # it ended meanwhile, or belongs to another user
    return found


def _is_still_ours(session: dict[str, float]) -> bool:
    """Tell whether a session's number still means the session that `start` began."""
    if session["since"] < psutil.boot_time():
        return False
    try:
        leader = psutil.Process(int(session["id"]))
    except psutil.NoSuchProcess:
        return True  # its members may have outlived it, and keep its number from being used again
    return bool(abs(leader.create_time() - session["since"]) < 1)


def _quietly(end: Callable[[], None]) -> None:
    try:
        end()
    except psutil.NoSuchProcess:
        return


def main() -> int:
    """Start or stop; say in one line why, should it not work."""
    parser = argparse.ArgumentParser(prog="python -m demo.ui", description=__doc__)
    parser.add_argument("what", choices=["start", "stop"])
    what = parser.parse_args().what
    stop_on_sigterm()
    try:
        start() if what == "start" else stop()
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; nothing is left running.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
