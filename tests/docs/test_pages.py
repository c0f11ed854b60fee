"""Every page: its code runs, its commands exist, its links lead somewhere."""

from __future__ import annotations

import ast
import json
import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # its stubs are not worth a dependency
from airflow.cli import cli_parser
from airflow.providers.common.compat.sdk import DAG
from features import IS_AIRFLOW_2, has
from pages import DOCS, PAGES, REPOSITORY, blocks, commands, is_part_of_an_example

from airflow_provider_oms.emulator.__main__ import command_line
from airflow_provider_oms.emulator.control import build_control

MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z][a-z0-9.-]*):", MAKEFILE, re.MULTILINE))
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# What Sphinx alone reads, and checks.
DIRECTIVES = ("{toctree}", "{eval-rst}")
BLOCKS = [
    pytest.param(page, language, content, id=f"{page.relative_to(REPOSITORY)}-{number}-{language}")
    for page in PAGES
    for number, (language, content) in enumerate(blocks(page.read_text(encoding="utf-8")), start=1)
    if language not in DIRECTIVES
]
TESTS = [
    pytest.param(content, id=block.id)
    for block in BLOCKS
    for _, language, content in [block.values]
    if language == "python" and "def test_" in str(content)
]
by_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(REPOSITORY)))


def has_a_test_of_its_own(page: Path) -> bool:
    """Return whether another test reads the page by its name."""
    return any(
        path.name != Path(__file__).name and page.name in path.read_text(encoding="utf-8")
        for path in (REPOSITORY / "tests").rglob("test_*.py")
    )


class NotKnownError(Exception):
    """Nothing here knows how to check it."""


_NEEDS = {
    "AssetWatcher": "asset watchers",
    "approve_above": "a step that waits for a person",
}


def check_python(snippet: str) -> None:
    if "def test_" in snippet:
        ast.parse(snippet)  # run below, as a test
    elif any(word in snippet and not has(feature) for word, feature in _NEEDS.items()):
        ast.parse(snippet)
    elif not is_part_of_an_example(snippet):
        # A block that is no piece of an example is code for a DAG file.
        with DAG(dag_id="of_the_page", schedule=None, params={"order_id": 1}):
            exec(compile(snippet, "a page", "exec"), {})  # noqa: S102 - our own page


AN_AIRFLOW = "https://airflow.example.com"


def check_make(words: list[str]) -> None:
    targets = [word for word in words[1:] if "=" not in word and word not in (";", "&&")]
    assert targets
    assert set(targets) <= TARGETS


def check_python_command(words: list[str]) -> None:
    if words[1:3] == ["-m", "airflow_provider_oms.emulator"]:
        command_line().parse_args(words[3:])
    elif words[1:3] != ["-m", "venv"]:
        raise NotKnownError


def check_pip(words: list[str]) -> None:
    assert words[1] == "install"
    for word in words[2:]:
        if word == "-e":
            continue
        # A clone is a folder of the package's own name.
        name, _, extra = re.split("[<>=]", word.removeprefix("./"))[0].partition("[")
        assert name in (PROJECT["name"], "apache-airflow")
        assert not extra or extra.rstrip("]") in PROJECT["optional-dependencies"]


def check_airflow(words: list[str]) -> None:
    if words[1] == "oms" and not has("commands of providers"):
        return
    if words[1:3] == ["dags", "list-runs"] and IS_AIRFLOW_2:
        return  # the page needs Airflow 3: before, the DAG's id was an option
    cli_parser.get_parser().parse_args(words[1:])


def check_curl(words: list[str]) -> None:
    (address,) = [word for word in words if re.match("https?://", word)]
    if address.startswith(AN_AIRFLOW):
        path = address.removeprefix(AN_AIRFLOW)
        # test_patterns_page.py and test_red_task_page.py hold the calls to what a real one takes.
        assert path.startswith(("/api/v2/dags/cancel_order/", "/api/v2/dags/cancel_many_orders/"))
        return
    known, path = [], address.removeprefix("http://127.0.0.1:8787")
    routes: Any = build_control(None).routes  # type: ignore[arg-type]  # it is never called
    for route in routes:
        pattern = re.sub(r"\{\w+\}", "[0-9a-f]+", route.path)
        known.append(re.fullmatch(pattern, path) is not None)
    assert any(known), path
    for word in words:
        if word.startswith(("[", "{")):
            json.loads(word)


def check_nothing(words: list[str]) -> None:
    """Let the shell's own words pass: a file's name, a variable and its value."""
    assert len(words) > 1


COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "make": check_make,
    "python": check_python_command,
    "python3": check_python_command,
    "pip": check_pip,
    "airflow": check_airflow,
    "curl": check_curl,
    "export": check_nothing,
    "mkdir": check_nothing,
    ".": check_nothing,
}


def check_bash(block: str) -> None:
    for command in commands(block):
        words = shlex.split(command, comments=True)
        while words and re.match(r"[A-Z_]+=", words[0]):
            words.pop(0)  # a variable for this command alone
        if words:
            check = COMMANDS.get(words[0])
            if check is None:
                raise NotKnownError(words[0])
            check(words)


def not_known(block: str) -> None:
    raise NotKnownError(block.splitlines()[0])


CHECKS: dict[str, Callable[[str], Any]] = {
    "python": check_python,
    "bash": check_bash,
    "json": json.loads,
    "yaml": lambda block: list(yaml.safe_load_all(block)),
    "toml": tomllib.loads,
}


@pytest.mark.parametrize(("page", "language", "content"), BLOCKS)
def test_every_block_is_held_to_something(page: Path, language: str, content: str) -> None:
    try:
        CHECKS.get(language, not_known)(content)
    except NotKnownError as unknown:
        if not has_a_test_of_its_own(page):
            pytest.fail(f"no check for {unknown}: add one, or a test that reads {page.name}")


def test_some_block_is_a_test() -> None:
    assert TESTS


@pytest.mark.slow
@pytest.mark.parametrize("content", TESTS)
def test_every_block_that_is_a_test_passes(content: str, tmp_path: Path) -> None:
    (tmp_path / "test_of_the_page.py").write_text(content, encoding="utf-8")
    # In this process, which has read Airflow already, and whose time limit goes on.
    without = [f"-pno:{plugin}" for plugin in ("cacheprovider", "timeout", "xdist")]
    options = ["-q", f"--rootdir={tmp_path}", "--import-mode=importlib", "-c/dev/null"]
    assert pytest.main([*without, *options, str(tmp_path)]) == pytest.ExitCode.OK


@by_page
def test_every_file_that_is_named_as_code_exists(page: Path) -> None:
    named = re.findall(
        r"`((?:example_dags|tests|scripts|demo|docs|bench)/[\w./-]+)`", page.read_text("utf-8")
    )
    assert [name for name in named if not (REPOSITORY / name).exists()] == []


def test_pages_are_found() -> None:
    names = {str(page.relative_to(DOCS)) for page in PAGES if page.is_relative_to(DOCS)}
    assert {"index.md", "quickstart.md", "reference/api.md"} <= names
    assert {param.values[1] for param in BLOCKS} >= {"python", "bash", "json"}
