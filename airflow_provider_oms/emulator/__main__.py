"""The emulator's command line.

Modules that need the packages of the `emulator` extra are imported late, so that a message can
name missing ones.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from airflow_provider_oms.emulator.parts.samples import make_all
from airflow_provider_oms.emulator.sample_orders import seeded_orders
from airflow_provider_oms.emulator.settings import Settings
from airflow_provider_oms.emulator.store import Store, StoreError
from airflow_provider_oms.emulator.wire import load_json

if TYPE_CHECKING:
    from airflow_provider_oms.emulator.tenant import Tenant

_EXTRA_MISSING: Final = (
    "The OMS emulator needs FastAPI and uvicorn: pip install 'airflow-provider-oms[emulator]'"
)
_HIGHEST_PORT: Final = 65535


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the emulator until a signal ends it.

    :param arguments: the command line without the program's name; None for this process's own.
    """
    parser = command_line()
    options = parser.parse_args(arguments)
    try:
        import fastapi  # noqa: F401, PLC0415 - imported here to name a missing package
        import uvicorn  # noqa: F401, PLC0415 - as above
    except ImportError:
        sys.exit(_EXTRA_MISSING)
    from airflow_provider_oms.emulator import faults, server, tenant  # noqa: PLC0415 - they need it

    settings = _settings(parser, options)
    identity = tenant.Identity(
        options.tenant, options.client_id, options.client_secret, options.open_access
    )
    with ExitStack() as opened:
        try:
            listener = opened.enter_context(
                server.bind(options.host, options.port, allow_remote=options.allow_remote)
            )
            database = opened.enter_context(closing(Store(options.db)))
        except (server.AddressError, StoreError) as error:
            parser.error(str(error))
        served = tenant.Tenant(identity, settings, database)
        try:
            _load(served, options)
            if options.faults is not None:
                served.faults.add(faults.RULES.validate_json(options.faults.read_bytes()))
        except ValidationError as error:
            parser.error(f"argument --faults: {options.faults}: {_problems(error)}")
        except (OSError, ValueError) as error:
            parser.error(str(error))
        line = f"OMS emulator listening on {server.url_of(listener)} (tenant {options.tenant})"
        server.serve(served, listener, lambda: print(line, flush=True))


def command_line() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_oms.emulator",
        description="A local OMS tenant for developing DAGs without touching a real one.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--allow-remote", action="store_true", help="permit a --host that is not loopback")
    add("--port", type=_port, default=8787, help="0 for any free port (default: %(default)s)")
    add("--db", default=":memory:", metavar="FILE", help="SQLite file (default: %(default)s)")
    add("--tenant", type=_tenant, default="10001", help="tenant id (default: %(default)s)")
    add(
        "--client-id",
        default="KIBO_APP.1.0.0.Release",
        help="of the application (default: %(default)s)",
    )
    add("--client-secret", default="emulator-secret", help="its secret (default: %(default)s)")
    add("--open-access", action="store_true", help="accept calls that carry no Authorization")
    add("--orders", type=Path, metavar="FILE", help="JSON Lines of orders to load, if not there")
    add("--seed", type=_count, metavar="N", help="make order 1010101 and N orders from 2000001")
    add(
        "--token-lifetime",
        type=_count,
        metavar="SECONDS",
        help="how long a token lives (default: 3600)",
    )
    add("--faults", type=Path, metavar="FILE", help="JSON list of fault rules to begin with")
    add(
        "--set",
        action="append",
        default=[],
        type=_assignment,
        metavar="NAME=VALUE",
        help="a behavior switch; GET /_emulator/settings lists them all",
    )
    return parser


def _settings(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Settings:
    changes: dict[str, Any] = dict(options.set)
    if options.token_lifetime is not None:
        changes["token_lifetime"] = options.token_lifetime
    try:
        return Settings().changed(changes)
    except ValidationError as error:
        parser.error(f"argument --set: {_problems(error)}")


def _problems(error: ValidationError) -> str:
    """Describe the problems and their places, in one line."""
    found = ((".".join(str(part) for part in one["loc"]), one["msg"]) for one in error.errors())
    return "; ".join(f"{where}: {what}" if where else what for where, what in found)


def _load(tenant: Tenant, options: argparse.Namespace) -> None:
    """Load the orders asked for; a restart leaves those that are there already as they are."""
    numbers = tenant.settings.native_order_numbers
    if options.orders is not None:
        lines = _order_lines(options.orders)
        tenant.orders.load(lines, replace=False, numbers=numbers)
    if options.seed is not None:
        tenant.orders.load(seeded_orders(options.seed), replace=False)


def _order_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                given = load_json(line)
                if not isinstance(given, dict):
                    raise ValueError("an order must be a JSON object")  # noqa: TRY004, TRY301 - told below, with its line
                make_all(given, 0)  # to name the line where that fails
                yield given
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: {error}") from error


def _port(text: str) -> int:
    port = _count(text)
    if port > _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"must be from 0 to {_HIGHEST_PORT}")
    return port


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError("must be a whole number from 0")
    return int(text)


def _tenant(text: str) -> str:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError("a tenant id is a number")
    return text


def _assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError("must look like NAME=VALUE")
    try:
        return name, load_json(value)
    except ValueError:
        return name, value


if __name__ == "__main__":
    main()
