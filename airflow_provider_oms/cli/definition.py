"""The commands of ``airflow oms``, for Airflow's own command line and for ``__main__.py``.

Airflow imports this module for each of its commands, so it imports nothing of this package.
"""

from __future__ import annotations

from typing import Any

from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand, lazy_load_command

__all__ = ["COMMANDS", "get_oms_cli_commands"]

# Airflow's class has no types.
_Argument: Any = Arg

_HELP = "Look up what happened to orders on Kibo's OMS"

_CONNECTION = _Argument(
    ("--conn-id",), default="oms_default", help="The Airflow connection of type oms"
)
_OUTPUT = _Argument(
    ("-o", "--output"),
    choices=("table", "json", "csv"),
    default="table",
    help="The form of the output",
)
_OF_AIRFLOW = (
    _Argument(
        ("--api-url",),
        help="Where Airflow's REST API is; by default [api] base_url of Airflow's configuration",
    ),
    _Argument(
        ("--api-token",),
        help=(
            "A token for Airflow's REST API; by default AIRFLOW_CLI_TOKEN of the environment, "
            "which other users of this machine cannot see"
        ),
    ),
)
_PERIOD = (
    _Argument(
        ("--since",),
        default="30d",
        help="Leave out tasks that began before: a time such as 2026-11-01, or 12h or 30d ago",
    ),
    _Argument(("--dag-id",), default="~", help="Look at the tasks of this DAG only"),
)

COMMANDS = (
    ActionCommand(
        name="check",
        help="Check that the connection works, as the Test button does",
        func=lazy_load_command("airflow_provider_oms.cli.commands.check"),
        args=(_CONNECTION, _OUTPUT),
    ),
    ActionCommand(
        name="order",
        help="Show the present state of an order, and the tasks that dealt with it",
        func=lazy_load_command("airflow_provider_oms.cli.commands.order"),
        args=(
            _Argument(("order_id",), metavar="ORDER", help="The order"),
            _Argument(
                ("--order-key",), help="Native tenants: what ORDER is: id, number or external_id"
            ),
            *_PERIOD,
            _CONNECTION,
            *_OF_AIRFLOW,
            _OUTPUT,
        ),
    ),
    ActionCommand(
        name="run",
        help="List the orders of a DAG run, those that need attention first",
        func=lazy_load_command("airflow_provider_oms.cli.commands.run"),
        args=(
            _Argument(("dag_id",), metavar="DAG", help="The DAG's id"),
            _Argument(("run_id",), metavar="RUN", help="The run's id"),
            _Argument(("--task-id",), help="Look at this task only"),
            _Argument(
                ("--deviating",),
                action="store_true",
                help="Leave out the orders that ended canceled",
            ),
            *_OF_AIRFLOW,
            _OUTPUT,
        ),
    ),
    ActionCommand(
        name="journal",
        help="List the orders in doubt: a cancel may have been acted on without a proof",
        func=lazy_load_command("airflow_provider_oms.cli.commands.journal"),
        args=(*_PERIOD, *_OF_AIRFLOW, _OUTPUT),
    ),
)


def get_oms_cli_commands() -> list[GroupCommand]:
    """Return what Airflow 3.2 and later add to their command line."""
    return [GroupCommand(name="oms", help=_HELP, subcommands=COMMANDS)]
