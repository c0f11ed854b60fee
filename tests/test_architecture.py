"""The package keeps its layers: who may import whom, and who may send a cancel."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import airflow_provider_oms

PACKAGE = Path(airflow_provider_oms.__file__).parent
NAME = PACKAGE.name
THIN = ("hooks", "operators", "sensors", "triggers", "links", "plugins")
HOUSE = Path(__file__).resolve().parents[1]
ROOMS = ("bench", "cluster", "demo", "docs", "example_dags", "scripts", "tests")
MODULES = sorted(PACKAGE.rglob("*.py"))
ALL = [*MODULES, *(path for room in ROOMS for path in sorted((HOUSE / room).rglob("*.py")))]


@functools.cache
def nodes_of(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def imports(path: Path) -> Iterator[str]:
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def floor_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def reaches(path: Path, *rooms: str) -> list[str]:
    """Return a module's imports from other layers of the package, or from Airflow."""
    prefixes = tuple(room if room == "airflow" else f"{NAME}.{room}" for room in rooms)
    return [
        name
        for name in imports(path)
        if any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    below = {
        "__init__": (),
        "api": ("api",),
        "cancellation": ("api", "cancellation"),
        "emulator": ("emulator",),
        "verdicts": ("api", "verdicts"),
        "get_provider_info": (),
    }
    if floor_of(path) not in below:
        assert reaches(path, "emulator") == []
        return
    allowed = tuple(f"{NAME}.{room}." for room in below[floor_of(path)])
    within = [name for name in imports(path) if name.split(".")[0] in (NAME, "airflow")]
    outside = [name for name in within if not name.startswith(allowed)]
    assert [name for name in outside if name != f"{NAME}.__version__"] == []


@pytest.mark.parametrize(
    "path", sorted((PACKAGE / "cancellation").glob("*.py")), ids=lambda path: path.name
)
def test_what_cancels_one_order_knows_nothing_of_sets(path: Path) -> None:
    assert reaches(path, "cancellation.bulk") == []


def test_a_module_fits_into_a_head() -> None:
    long = [path for path in ALL if len(path.read_text(encoding="utf-8").splitlines()) > 400]
    assert long == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_where_a_module_says_what_lives_elsewhere_it_names_a_file_that_is_there(path: Path) -> None:
    folders = [each for each in path.parents if each.is_relative_to(PACKAGE)]
    named = re.findall(r"``([\w/]+\.py)``", path.read_text(encoding="utf-8"))
    assert [name for name in named if not any((at / name).is_file() for at in folders)] == []


def test_whatever_a_type_checker_is_told_to_ignore_has_a_reason() -> None:
    unexplained = [
        f"{path}:{number}"
        for path in ALL
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if (ignored := re.search(r"# type: (ignore.*)$", line))
        and not re.fullmatch(r"ignore\[[a-z-]+\]  # \w.*", ignored[1])
    ]
    assert unexplained == []


def callers_of(method: str) -> set[str]:
    return {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        for node in nodes_of(path)
        if isinstance(node, ast.Attribute) and node.attr == method
    }


def test_only_the_runner_sends_a_cancel_and_nothing_that_a_triggerer_runs() -> None:
    senders = callers_of("post_cancel")
    # For a part, the runner gets a client that sends this part.
    assert callers_of("post_part") == {"cancellation/parts/adapter.py"}
    # The client that leaves notes passes the runner's calls on.
    assert senders == {"cancellation/runner.py", "cancellation/notes.py"}
    for path in MODULES:
        if floor_of(path) == "triggers":
            assert reaches(path, "cancellation.runner", "hooks") == []


def test_only_the_seam_knows_which_dialects_there_are() -> None:
    # A third one is a separate module beside these, and a line in each of the two that know all.
    dialects = {"translated", "native"}
    knowing = {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        if floor_of(path) != "emulator"
        and path.name.partition("_")[0].removesuffix(".py") not in dialects
        and any(
            name.removeprefix(f"{NAME}.api.").partition(".")[0].partition("_")[0] in dialects
            for name in reaches(path, "api")
        )
    }
    assert knowing == {"api/dialects.py", "api/validation.py"}
