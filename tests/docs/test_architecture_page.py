"""The page about the code's layout: it names every part, and every part named exists."""

from __future__ import annotations

import ast
import re

from cell import package_directory
from pages import REPOSITORY, text_of

PACKAGE = package_directory()
PAGE = text_of("docs/architecture.md")
BULK = PACKAGE / "cancellation" / "bulk"
# Where the page's names are looked for; in its part about a set, they are those of the engine.
PLACES = (PACKAGE, REPOSITORY, BULK)


def functions_of(module: str) -> set[str]:
    """Return the names that a module defines: functions, methods, classes and constants."""
    (path,) = (place / module for place in PLACES if (place / module).exists())
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    return named | {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}


def test_every_part_of_the_package_is_on_the_page() -> None:
    folders = {f"{path.name}/" for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    modules = {path.name for path in PACKAGE.glob("*.py") if path.stem != "__init__"}
    assert len(folders) > 8
    assert folders | modules <= set(re.findall(r"`([\w/.]+)`", PAGE))


def test_every_module_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`((?:\w+/)*\w+\.py)`", PAGE))
    assert len(named) > 12
    named |= set(re.findall(r"`(\w+/)`", PAGE))
    there = {name for name in named if any((place / name).exists() for place in PLACES)}
    assert named == there


def test_each_function_on_the_path_of_a_cancellation_is_defined_in_its_file() -> None:
    one, _, a_set = PAGE.partition("### The path of one order of a set")
    for path, number in ((one, 6), (a_set, 9)):
        steps = re.findall(r"^\d+\. `([\w/]+\.py)`: (?:`(\w+)`)?", path, re.MULTILINE)
        functions = [(module, name) for module, name in steps if name]
        assert len(functions) == number
        for module, name in functions:
            assert name in functions_of(module), module


def test_an_order_of_a_set_passes_nine_files_at_most() -> None:
    _, _, path = PAGE.partition("### The path of one order of a set")
    path = path.partition("\n### ")[0]
    assert 5 < len(set(re.findall(r"`([\w/]+\.py)`", path))) <= 9


def test_each_place_to_look_at_is_there() -> None:
    places = re.findall(r"`(\w+)` in `([\w/]+\.py)`", PAGE)
    assert len(places) > 12
    for name, module in places:
        assert name in functions_of(module), module


def test_one_sentence_says_what_each_file_of_a_set_decides() -> None:
    rows = re.findall(r"^\| `(\w+\.py)` \| \S.* \|$", PAGE, re.MULTILINE)
    assert sorted(row for row in rows if row != "get_provider_info.py") == sorted(
        path.name for path in BULK.glob("*.py") if path.name != "__init__.py"
    )
