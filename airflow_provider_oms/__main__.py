"""Run the commands of `airflow oms` on any Airflow, as `python -m airflow_provider_oms`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from airflow_provider_oms.cli.definition import COMMANDS

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command.

    :param arguments: what stands behind the program's name; ``None`` for that of this process.
    """
    parser = argparse.ArgumentParser(prog="python -m airflow_provider_oms", description=__doc__)
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        subparser = subparsers.add_parser(command.name, help=command.help, description=command.help)
        for argument in command.args:
            argument.add_to_parser(subparser)
        subparser.set_defaults(func=command.func)
    given = parser.parse_args(arguments)
    given.func(given)


if __name__ == "__main__":
    main()
