"""`python -m demo.ui start|stop`: the demo's set-up in Airflow's web UI, left running.

What `start` leaves running is found again by its sessions, so that nothing else is ended.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import asdict
from typing import Any

from demo.processes import Session, end, free_port, launch, wait_until
from demo.standalone import ADMIN, AirflowApi, settings_for
from demo.terminal import INTERRUPTED, DemoError, let_signals_interrupt, step
from demo.workplace import AIRFLOW, DAG_ID, EXAMPLE_DAGS, REPOSITORY, Workplace

PLACE = Workplace(REPOSITORY / ".demo-ui")
CLIENT = ("KIBO_APP.1.0.0.Release", "emulator-secret")
# Several times the duration of a first start on a small machine.
SECONDS_FOR_AIRFLOW = 240.0
SECONDS_FOR_THE_EMULATOR = 30.0
SECONDS_FOR_THE_DAGS = 60.0
_LISTENING = re.compile(r"OMS emulator listening on (\S+) \(tenant (\d+)\)")
_FAREWELL = """
Airflow     {airflow}
            log in as {user} with the password {password}
Local OMS   {oms}/_emulator/orders
            the result of every order

Trigger the DAG {dag}: it cancels the orders that a fraud check
rejected. Trigger it again: it finds nothing left to cancel. Its hourly schedule is off here.
Trigger the DAG cancel_order to cancel one order by hand, 3000030 for example.
Under Admin, Connections, oms_default leads to the local OMS; its Test button works.

make demo-ui-stop ends both."""


class Ledger:
    """Hold on disk the processes that a start has left running, and its message to the person.

    :param place: where the demo works.
    """

    def __init__(self, place: Workplace) -> None:
        self._path = place.directory / "running.json"

    def add(self, session: Session) -> None:
        """Remember a session.

        :param session: the session.
        """
        self._write(sessions=[asdict(one) for one in [*self.sessions(), session]])

    def sessions(self) -> list[Session]:
        """Return the sessions that were started and not ended since."""
        return [Session(**fields) for fields in self._read().get("sessions", [])]

    def complete(self, told: dict[str, str]) -> None:
        """Remember that the start succeeded.

        :param told: the message to the person.
        """
        self._write(told=told)

    def told(self) -> dict[str, str] | None:
        """Return the message to the person, if all started processes still run."""
        sessions = self.sessions()
        runs = bool(sessions) and all(session.has_leader() for session in sessions)
        told: dict[str, str] | None = self._read().get("told")
        return told if runs else None

    def close(self) -> None:
        """Forget everything: nothing is running."""
        self._path.unlink(missing_ok=True)

    def _read(self) -> dict[str, Any]:
        if not self._path.exists():
            return {}
        state: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
        return state

    def _write(self, **changes: object) -> None:
        # Renamed into place: a half-written file would hide the running processes.
        draft = self._path.with_suffix(".draft")
        draft.write_text(json.dumps({**self._read(), **changes}), encoding="utf-8")
        draft.replace(self._path)


def start(place: Workplace) -> None:
    """Start the emulator and Airflow, unless they run already, and say how to use them.

    :param place: where to work.
    :raises DemoError: when one of them does not start; nothing is left running then.
    """
    with place.reserved():
        ledger = Ledger(place)
        told = ledger.told()
        if told is not None:
            print("It runs already.")
        else:
            _end_all(ledger)
            place.wipe()
            try:
                told = _start(place, ledger)
            except BaseException:
                _end_all(ledger)
                raise
        print(_FAREWELL.format(**told))


def stop(place: Workplace) -> None:
    """End everything that `start` left running; do nothing when that is nothing.

    :param place: where it worked.
    :raises DemoError: when something cannot be ended.
    """
    if not place.directory.exists():
        print("Nothing was running.")
        return
    with place.reserved():
        ended = _end_all(Ledger(place))
    print(f"Ended {ended} processes; nothing is left running." if ended else "Nothing was running.")


def _end_all(ledger: Ledger) -> int:
    ended = end(ledger.sessions())
    ledger.close()
    return ended


def _start(place: Workplace, ledger: Ledger) -> dict[str, str]:
    with step("Start a local OMS and a table of fraud verdicts"):
        oms, tenant = _start_emulator(place, ledger)
    with step("Start Airflow with its web UI, which takes about a minute"):
        airflow = _start_airflow(place, ledger)
    with step("Store the connections and wait for the DAGs"):
        airflow.log_in()
        login, password = CLIENT
        connections = place.connections(
            oms_url=oms,
            tenant=tenant,
            login=login,
            password=password,
            # So that the link of a task leads to its order.
            admin_url=f"{oms}/_emulator/orders/{{order_id}}",
        )
        for conn_id, fields in connections.items():
            airflow.ask("POST", "/api/v2/connections", {"connection_id": conn_id, **fields})
        files = [path.name for path in EXAMPLE_DAGS.glob("*.py")]
        airflow.wait_for_files(files, patience=SECONDS_FOR_THE_DAGS)
    told = {"airflow": airflow.address, "user": ADMIN, "password": airflow.password}
    told |= {"oms": oms, "dag": DAG_ID}
    ledger.complete(told)
    return told


def _start_emulator(place: Workplace, ledger: Ledger) -> tuple[str, str]:
    """Start the emulator with the demo's orders, and return its address and its tenant."""
    given = place.directory / "orders.jsonl"
    lines = [json.dumps(order.as_loaded()) for order in place.fill()]
    given.write_text("\n".join(lines), encoding="utf-8")
    login, password = CLIENT
    command = [sys.executable, "-m", "airflow_provider_oms.emulator"]
    command += ["--port", str(free_port(8787)), "--db", str(place.orders)]
    command += ["--orders", str(given), "--client-id", login, "--client-secret", password]
    log = place.directory / "emulator.log"
    process = launch(command, place.environment(), place.directory, log, ledger.add)

    def listening() -> re.Match[str] | None:
        return _LISTENING.search(log.read_text(encoding="utf-8"))

    limit = SECONDS_FOR_THE_EMULATOR
    found = wait_until(listening, process, name="The local OMS", log=log, limit=limit)
    return found[1], found[2]


def _start_airflow(place: Workplace, ledger: Ledger) -> AirflowApi:
    """Start all of Airflow, and return its API once every part of it runs."""
    settings = settings_for(free_port(8080)) | {
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        # A run that starts by itself would leave nothing for the one that is triggered by hand.
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
    }
    airflow = AirflowApi(settings["AIRFLOW__API__BASE_URL"], place.airflow_home)
    command = [*AIRFLOW, "standalone"]
    log = place.airflow_log
    environment = place.environment() | settings
    process = launch(command, environment, place.directory, log, ledger.add)
    wait_until(airflow.is_healthy, process, name="Airflow", log=log, limit=SECONDS_FOR_AIRFLOW)
    return airflow


def main() -> int:
    """Start or stop; say in one line why, should it not work."""
    parser = argparse.ArgumentParser(prog="python -m demo.ui", description=__doc__)
    parser.add_argument("what", choices=["start", "stop"])
    what = parser.parse_args().what
    let_signals_interrupt()
    try:
        start(PLACE) if what == "start" else stop(PLACE)
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; nothing is left running.", file=sys.stderr)
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
