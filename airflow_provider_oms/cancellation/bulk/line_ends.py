"""Whether the last line of a file is there as a whole, as far as its end can show that."""

from __future__ import annotations

__all__ = ["CUT_OFF", "FIELD_CUT_OFF", "is_terminated"]

CUT_OFF = (
    "the file ends after this id without a line break, so that the id may be cut off; check that "
    "the file is complete, and end its last line with a line break"
)
FIELD_CUT_OFF = (
    "the file ends after this field without a line break, so that the field may be cut off; check "
    "that the file is complete, and end its last line with a line break"
)


def is_terminated(line: str) -> bool:
    """Return whether a line has its line break, which only the last one of a file can lack.

    :param line: a line, as it is in the file.
    """
    return line.endswith(("\n", "\r"))
