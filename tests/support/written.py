"""Texts that a test makes, and that are kept in files beside the code."""

from __future__ import annotations

import os
from pathlib import Path


def kept(path: Path, made: str) -> str:
    """Return the text of a file; with ``WRITE_DOCS=1``, write the one that was made there first.

    :param path: the file.
    :param made: the text that should be in it.
    """
    if os.environ.get("WRITE_DOCS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(made, encoding="utf-8")
    return path.read_text(encoding="utf-8")
