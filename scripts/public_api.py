"""Write docs/reference/public-api.txt: every public name and its signature, one a line.

Public is what docs/reference lists; Sphinx itself tells which names those are. A test compares the
file with the code, so that no public name changes unseen. An argument names another file.
"""

from __future__ import annotations

import enum
import io
import sys
import tempfile
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

REPOSITORY = Path(__file__).resolve().parent.parent
SNAPSHOT = REPOSITORY / "docs" / "reference" / "public-api.txt"
IMPORTABLE = ("class", "exception", "function")


def public_api() -> str:
    """Return the public names with their signatures, sorted by name."""
    found: dict[str, str] = {}

    def take(*event: Any) -> None:
        _, what, name, thing, _, arguments, result = event
        # Autodoc also looks at the classes and functions that a module has only imported.
        if what not in IMPORTABLE or thing.__module__.startswith("airflow_provider_oms."):
            returned = f" -> {result}" if result else ""
            found[name] = entry(what, name, thing, f"{arguments or ''}{returned}")

    with tempfile.TemporaryDirectory() as scratch:
        build = Sphinx(
            srcdir=REPOSITORY / "docs" / "reference",
            confdir=REPOSITORY / "docs",
            outdir=scratch,
            doctreedir=scratch,
            buildername="dummy",
            confoverrides={
                "root_doc": "index",
                "include_patterns": ["**"],
                "autodoc_typehints": "signature",
                "autodoc_typehints_format": "fully-qualified",
            },
            status=None,
            # Links lead out of this folder; `make docs` is what checks them.
            warning=io.StringIO(),
            freshenv=True,
        )
        build.connect("autodoc-process-signature", take)
        build.build()
    return "".join(f"{found[name]}\n" for name in sorted(found))


def entry(what: str, name: str, thing: Any, signature: str) -> str:
    signature = signature.replace("types.Annotated[", "typing.Annotated[")  # before Python 3.14
    if what not in ("class", "exception"):
        return f"{what} {name}{signature}"
    bases = ", ".join(base.__qualname__ for base in thing.__bases__)
    # Python words the signature of an enumeration differently in each version.
    arguments = "" if issubclass(thing, enum.Enum) else signature
    return f"{what} {name}{arguments} of {bases}"


if __name__ == "__main__":
    (Path(sys.argv[1]) if sys.argv[1:] else SNAPSHOT).write_text(public_api(), encoding="utf-8")
