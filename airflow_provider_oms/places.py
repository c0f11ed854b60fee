"""Where files are: any storage that Airflow's ``ObjectStoragePath`` reaches, and its failures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_oms.api.errors import OmsError

__all__ = [
    "LOCAL",
    "OmsFileError",
    "failures_of",
    "is_pattern",
    "is_same",
    "may_be_read",
    "place_of",
    "places_of",
]

LOCAL = ("", "file", "local")


class OmsFileError(OmsError, OSError):
    """Report a file that cannot be read or written right now; a retry may succeed."""


@contextmanager
def failures_of(what: str) -> Iterator[None]:
    """Turn whatever a storage raises into one error.

    :param what: the file, and the operation that failed.
    :raises OmsFileError: for any error that is not this package's.
    """
    # A storage may raise any exception, not only an OSError.
    try:
        yield
    except OmsError:
        raise
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise OmsFileError(f"{what} ({why})") from error


def place_of(path: str) -> ObjectStoragePath:
    """Return where a path leads.

    :param path: as a caller gave it; ``~`` is the user's home.
    """
    # As a shell does it, which is where most paths come from: "~" would become a folder.
    return ObjectStoragePath(os.path.expanduser(path))  # noqa: PTH111 - a URI is no Path


def is_pattern(path: str) -> bool:
    """Return whether a path may stand for several files.

    :param path: as a caller gave it.
    """
    return "*" in path or "[" in path


def places_of(path: str) -> list[tuple[ObjectStoragePath, str]]:
    """Return the files that a path or a pattern names, by name.

    :param path: a path, or a pattern with ``*`` or ``[…]`` in the last part or before it.
    :return: storage and path in it, of each.
    :raises OmsFileError: when a pattern names none.
    """
    place = place_of(path)
    if not is_pattern(path) or place.fs.exists(place.path):
        return [(place, place.path)]
    found = sorted(place.fs.glob(place.path))
    if not found:
        raise OmsFileError(f"{path} matches no file")
    return [(place, each) for each in found]


def is_same(one: ObjectStoragePath, other: ObjectStoragePath) -> bool:
    """Return whether two paths name the same file, though the connection in them may differ.

    :param one: a path.
    :param other: another one.
    """
    if type(one.fs) is not type(other.fs):
        return False
    if one.protocol not in LOCAL:
        return bool(one.path == other.path)
    here, there = Path(one.path), Path(other.path)
    if here.exists() and there.exists():
        # Also through a link, or in another letter case where that does not count.
        return here.samefile(there)
    return here.resolve() == there.resolve()


def may_be_read(place: ObjectStoragePath, orders: ObjectStoragePath) -> bool:
    """Return whether a file is, or may match, what orders are read from.

    :param place: the file, which need not be there.
    :param orders: a path, or a pattern.
    """
    if is_same(place, orders):
        return True
    if type(place.fs) is not type(orders.fs) or not is_pattern(orders.path):
        return False
    names = (place.path, orders.path)
    if place.protocol in LOCAL:
        names = (os.path.realpath(place.path), os.path.realpath(orders.path))
    # Here * goes beyond a folder's name, which errs on the safe side; **/ may be no folder at all.
    return fnmatchcase(names[0], names[1].replace("**/", "*"))
