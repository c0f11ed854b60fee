"""Where a task keeps small values between its attempts, and the error when it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

__all__ = ["JournalError", "Store", "TakenOverError", "store_failures"]


class Store(Protocol):
    """Keep small JSON values between the attempts of one task."""

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, or the default.

        :param key: the key.
        :param default: what to return where there is none.
        """

    def set(self, key: str, value: Any) -> None:
        """Keep a value under a key, in place of an older one.

        :param key: the key.
        :param value: the value.
        """


class TakenOverError(Exception):
    """Report that a newer attempt of the task writes to the store, and this one never can again."""


class JournalError(Exception):
    """Report that the store could not be written: no cancel may be sent on its account.

    :param message: why, in a few words.
    :param is_final: whether it never can be again by this attempt.
    """

    def __init__(self, message: str, *, is_final: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final


@contextmanager
def store_failures() -> Iterator[None]:
    """Turn whatever a store raises into one error: it is not known to hold the values written.

    :raises JournalError: for any exception.
    """
    try:
        yield
    except TakenOverError as error:
        raise JournalError(str(error), is_final=True) from error
    except Exception as error:
        raise JournalError(f"{type(error).__name__}: {error}") from error
