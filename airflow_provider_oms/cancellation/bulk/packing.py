"""How many order ids fit into a small text: the format of a journal's page.

An id is any text without a comma. Decimal numbers and hexadecimal ids take less room than others.
"""

from __future__ import annotations

import base64
import itertools
import re
import zlib
from collections.abc import Iterable

__all__ = ["longest_packed", "pack", "unpack"]

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_HEXADECIMAL = re.compile(r"[0-9a-f]{32}", re.ASCII)
# Characters that one id takes at most: base85 writes 4 bytes as 5 characters.
_NUMBER_PACKED, _HEXADECIMAL_PACKED = 10, 20


def longest_packed(texts: Iterable[str]) -> int:
    """Return how many characters one of these ids takes at most.

    :param texts: the ids.
    """
    longest = _NUMBER_PACKED
    for text in texts:
        if not _NUMBER.fullmatch(text):
            is_hexadecimal = _HEXADECIMAL.fullmatch(text) is not None
            room = _HEXADECIMAL_PACKED if is_hexadecimal else 5 * (len(text.encode()) + 2) // 4
            longest = max(longest, room)
    return longest


def pack(texts: Iterable[str]) -> str:
    """Return ids as one short text of ASCII characters.

    :param texts: the ids, each once.
    """
    texts = list(texts)
    if all(map(_NUMBER.fullmatch, texts)):
        numbers = sorted(map(int, texts))
        # Neighbors differ by little, and zlib packs what repeats.
        steps = itertools.chain(numbers[:1], map(int.__sub__, numbers[1:], numbers))
        return "n" + _compress(",".join(map(str, steps)).encode("ascii"))
    if all(map(_HEXADECIMAL.fullmatch, texts)):
        return "h" + _compress(bytes.fromhex("".join(sorted(texts))))
    return "t" + _compress(",".join(sorted(texts)).encode())


def unpack(packed: str) -> list[str]:
    """Return the ids of a packed text.

    :param packed: what :func:`pack` returned.
    :raises ValueError: when it is damaged; zlib's own error when its data are.
    """
    kind, data = packed[:1], zlib.decompress(base64.b85decode(packed[1:]))
    if kind == "n":
        return list(map(str, itertools.accumulate(map(int, data.split(b",")))))
    if kind == "h":
        text = data.hex()
        return [text[at : at + 32] for at in range(0, len(text), 32)]
    if kind == "t":
        return data.decode().split(",")
    raise ValueError("packed in another way")


def _compress(data: bytes) -> str:
    return base64.b85encode(zlib.compress(data, 1)).decode("ascii")
