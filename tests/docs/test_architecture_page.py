"""The page about the code's layout: its picture is up to date, what it names is there."""

from __future__ import annotations

import ast
import re

from pages import REPOSITORY, text_of

from scripts import draw_floors
from scripts.draw_floors import PACKAGE

PAGE = text_of("docs/architecture.md")


def test_the_picture_is_drawn_from_the_imports_of_today() -> None:
    drawn = draw_floors.PICTURE.read_text(encoding="utf-8")
    assert draw_floors.draw() == drawn, "run `make docs-parts` and look at what has changed"
    assert f"images/{draw_floors.PICTURE.name}" in PAGE


def test_every_module_of_the_package_is_in_the_picture() -> None:
    shown = [module for room in draw_floors.rooms().values() for module in room.modules]
    assert {module.rpartition("/")[2] for module in shown} == {
        path.stem for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"
    }


def test_every_module_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`((?:\w+/)*\w+\.py)`", PAGE))
    assert len(named) > 12
    named |= set(re.findall(r"`(\w+/)`", PAGE))
    there = {name for name in named if (PACKAGE / name).exists() or (REPOSITORY / name).exists()}
    assert named == there


def test_every_function_that_the_path_of_a_cancellation_takes_is_where_it_says() -> None:
    steps = re.findall(r"^\d+\. `([\w/]+\.py)`: (?:`(\w+)`)?", PAGE, re.MULTILINE)
    functions = [(module, name) for module, name in steps if name]
    assert len(functions) == 5
    for module, name in functions:
        tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))
        defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert name in defined, module
