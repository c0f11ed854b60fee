"""The page about the command line: its commands, options and exit codes are the code's."""

from __future__ import annotations

import argparse
import re
import shlex

import pytest
from pages import blocks, commands, rows, text_of

from airflow_provider_oms.cli import commands as code
from airflow_provider_oms.cli.definition import COMMANDS

PAGE = text_of("docs/command-line.md")
SHOWN = [
    command
    for _, block in blocks(PAGE, "bash")
    for command in commands(block)
    if command.startswith("airflow oms")
]


def options() -> dict[str, str]:
    """Return every option of the commands, with its default."""
    found = {}
    for command in COMMANDS:
        for argument in command.args:
            for flag in argument.flags:
                if flag.startswith("-"):
                    found[flag] = str(argument.kwargs.get("default") or "")
    return found


def test_it_has_every_command() -> None:
    named = [row[0].strip("`").split()[0] for row in rows(PAGE, "| command | shows | Airflow |")]
    assert named == [command.name for command in COMMANDS]


def test_the_table_has_every_option_with_its_default() -> None:
    documented = {}
    for names, default, _ in rows(PAGE, "| option | default | meaning |"):
        for name in re.findall(r"`(--?[a-z-]+)`", names):
            documented[name] = default
    assert set(documented) == set(options())
    for name, default in options().items():
        assert default in documented[name], name


def test_the_exit_codes_are_the_codes() -> None:
    documented = [int(number) for number, _ in rows(PAGE, "| exit code | meaning |")]
    assert documented == [0, code.NEEDS_ATTENTION, code.BAD_ARGUMENTS, code.NOT_ASKED]


@pytest.mark.parametrize("command", SHOWN)
def test_each_command_that_is_shown_is_one(command: str) -> None:
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers(required=True)
    for one in COMMANDS:
        subparser = subparsers.add_parser(one.name)
        for argument in one.args:
            argument.add_to_parser(subparser)
    parser.parse_args(shlex.split(command)[2:])


def test_they_are_all_shown() -> None:
    assert {command.split()[2] for command in SHOWN} == {command.name for command in COMMANDS}


def test_the_operators_are_those_that_the_commands_know() -> None:
    (sentence,) = re.findall(r"by their operator: (.*?)\. A", " ".join(PAGE.split()))
    assert set(re.findall(r"`(\w+)`", sentence)) == {*code._OF_ONE, *code._OF_SETS} - {
        "OmsCancelDecoratedOperator"
    }
