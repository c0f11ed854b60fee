"""Draw the package's layers, and who imports whom, as a picture for docs/architecture.md.

Parts, modules and arrows are what the files say: a new import changes the picture.
"""

from __future__ import annotations

import argparse
import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

import airflow_provider_oms

REPOSITORY = Path(__file__).resolve().parent.parent
# Where it is installed: in a cell of the matrix it is not in the tree.
PACKAGE = Path(airflow_provider_oms.__file__).parent
PICTURE = REPOSITORY / "docs" / "images" / "layers.svg"

THIN = ("operators", "decorators", "sensors", "triggers", "hooks", "links", "plugins", "cli")
SHARED = "shared"
WIDTH = 960
MARGIN = 16
LINE = 17
LAYERS = {
    "verdicts": "what a fraud check decided, and what is due",
    "cancellation": "what it means to cancel",
    "api": "one call at a time, over HTTP",
}


@dataclass(frozen=True)
class Part:
    """Hold one part of the package.

    :param name: its folder, or what the modules outside any folder are called together.
    :param modules: the names of its modules.
    :param imports: the other parts that it imports from.
    :param uses_airflow: whether any of its modules imports Airflow.
    """

    name: str
    modules: tuple[str, ...]
    imports: tuple[str, ...]
    uses_airflow: bool


def part_of(parts: tuple[str, ...]) -> str:
    """Return the part of a module.

    :param parts: the module's path inside the package, without a suffix.
    """
    known = (*THIN, *LAYERS, "emulator")
    return parts[0] if parts and parts[0] in known else SHARED


def imports_of(path: Path) -> Iterator[tuple[str, ...]]:
    """Yield every module that a file imports, by its parts.

    :param path: the file.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((*node.module.split("."), alias.name) for alias in node.names)


def parts_of_package() -> dict[str, Part]:
    """Return every part of the package by its name."""
    modules: dict[str, list[str]] = defaultdict(list)
    imported: dict[str, set[str]] = defaultdict(set)
    with_airflow: set[str] = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = part_of(parts)
        if path.name != "__init__.py":
            modules[name].append("/".join(parts[1:]) or parts[0])
        for target in imports_of(path):
            if target[0] == "airflow":
                with_airflow.add(name)
            # The package itself holds its version alone, which belongs to no layer.
            elif target[0] == PACKAGE.name and target[1] != "__version__":
                imported[name].add(part_of(target[1:]))
    return {
        name: Part(
            name,
            tuple(sorted(found, key=_in_its_folder)),
            tuple(sorted(imported[name] - {name})),
            name in with_airflow,
        )
        for name, found in modules.items()
    }


def _in_its_folder(module: str) -> tuple[int, str]:
    return module.count("/"), module


class Drawing:
    """Collect the parts of the picture."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def box(self, x: int, y: int, width: int, height: int, fill: str) -> None:
        """Draw a box.

        :param x: its left edge.
        :param y: its upper edge.
        :param width: its width.
        :param height: its height.
        :param fill: its color.
        """
        self._parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="{fill}" '
            f'stroke="#445"/>'
        )

    def text(self, x: int, y: int, text: str, style: str = "") -> None:
        """Write one line.

        :param x: where it begins.
        :param y: its base line.
        :param text: the line.
        :param style: the name of its style.
        """
        self._parts.append(f'<text x="{x}" y="{y}" class="{style}">{escape(text)}</text>')

    def arrow(self, x: int, y: int, length: int) -> None:
        """Draw an arrow that points down.

        :param x: where.
        :param y: where it begins.
        :param length: how long it is.
        """
        self._parts.append(
            f'<path d="M{x} {y}v{length}" stroke="#445" stroke-width="2" '
            f'marker-end="url(#head)" fill="none"/>'
        )

    def svg(self, height: int) -> str:
        """Return the whole picture.

        :param height: its height.
        """
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" role="img" '
            f'aria-label="The layers of the package, and who imports whom">\n'
            "<style>text{font:13px sans-serif;fill:#223}.part{font-weight:bold;font-size:14px}"
            ".small{font-size:11.5px;fill:#556}</style>\n"
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
            'markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#445"/></marker></defs>\n'
            f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>'
        )
        return "\n".join([head, *self._parts, "</svg>", ""])


def draw() -> str:
    """Return the picture as SVG."""
    package = parts_of_package()
    drawing = Drawing()
    y = _draw_thin_layer(drawing, package, MARGIN)
    for name, title in LAYERS.items():
        y = _draw_layer(drawing, package, name, f"{title}: plain Python", y)
    y = _draw_emulator(drawing, package, y)
    return drawing.svg(y)


def _draw_thin_layer(drawing: Drawing, package: dict[str, Part], y: int) -> int:
    top = [package[name] for name in (*THIN, SHARED)]
    columns = 3
    width = (WIDTH - 2 * MARGIN - (columns + 1) * MARGIN) // columns
    most = max(len(_wrapped(part.modules, 45)) for part in top)
    tall = (most + 1) * LINE + 8
    height = 2 * LINE + -(-len(top) // columns) * (tall + MARGIN)
    drawing.box(MARGIN, y, WIDTH - 2 * MARGIN, height, "#eef3fb")
    drawing.text(2 * MARGIN, y + 22, "what Airflow calls: thin, imports Airflow", "part")
    for number, part in enumerate(top):
        left = 2 * MARGIN + number % columns * (width + MARGIN)
        upper = y + 2 * LINE + number // columns * (tall + MARGIN)
        drawing.box(left, upper, width, tall, "#fff")
        title = "shared modules" if part.name == SHARED else f"{part.name}/"
        drawing.text(left + 10, upper + 20, title, "part")
        for line, names in enumerate(_wrapped(part.modules, 45)):
            drawing.text(left + 10, upper + 20 + LINE * (line + 1), names, "small")
        told = [name for name in part.imports if name in (*THIN, SHARED)]
        if told:
            drawing.text(left + 10, upper + tall - 8, f"imports {', '.join(told)}")
    _draw_arrows(drawing, [target for part in top for target in part.imports], y + height)
    return y + height + 2 * LINE


def _wrapped(names: tuple[str, ...], longest: int) -> list[str]:
    lines = [""]
    for name in names:
        longer = f"{lines[-1]}, {name}" if lines[-1] else name
        if len(longer) > longest:
            lines.append(name)
        else:
            lines[-1] = longer
    return lines


def _draw_layer(drawing: Drawing, package: dict[str, Part], name: str, title: str, y: int) -> int:
    part = package[name]
    lines = _wrapped(part.modules, 130)
    height = LINE * (len(lines) + 1) + 22
    drawing.box(MARGIN, y, WIDTH - 2 * MARGIN, height, "#f3f8ee")
    drawing.text(2 * MARGIN, y + 22, f"{name}/: {title}", "part")
    for number, line in enumerate(lines):
        drawing.text(2 * MARGIN, y + 22 + LINE * (number + 1), line, "small")
    if part.uses_airflow:
        drawing.text(2 * MARGIN, y + height - 6, "imports Airflow")
    _draw_arrows(drawing, list(part.imports), y + height)
    return y + height + 2 * LINE


def _draw_arrows(drawing: Drawing, targets: list[str], y: int) -> None:
    below = sorted({target for target in targets if target in (*LAYERS, "emulator")})
    for number, target in enumerate(below):
        x = 4 * MARGIN + 220 * number
        drawing.arrow(x, y, 2 * LINE - 2)
        drawing.text(x + 10, y + LINE + 4, f"imports {target}")


def _draw_emulator(drawing: Drawing, package: dict[str, Part], y: int) -> int:
    part = package["emulator"]
    lines = _wrapped(part.modules, 130)
    height = LINE * (len(lines) + 2) + 22
    drawing.box(MARGIN, y, WIDTH - 2 * MARGIN, height, "#fbf3ea")
    drawing.text(2 * MARGIN, y + 22, "emulator/: a local OMS, for tests", "part")
    for number, line in enumerate(lines):
        drawing.text(2 * MARGIN, y + 22 + LINE * (number + 1), line, "small")
    used_by = [name for name, other in package.items() if part.name in other.imports]
    told = f"imports {', '.join(part.imports) or 'no other part'}"
    told += f"; imported by {', '.join(used_by) or 'none'}"
    drawing.text(2 * MARGIN, y + height - 10, told)
    return y + height + MARGIN


def main() -> None:
    """Write the picture to where the docs show it."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    PICTURE.write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()
