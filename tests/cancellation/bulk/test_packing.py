"""Ids packed into a small text come back as they were, and take as much room as was said."""

from __future__ import annotations

import string
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_oms.cancellation.bulk.packing import longest_packed, pack, unpack

NUMBERS = st.integers(0, 2**63 - 1).map(str)
HEXADECIMAL = st.integers(0, 2**128 - 1).map(lambda number: f"{number:032x}")
TEXTS = st.text(string.printable.replace(",", "") + "äß€", min_size=1, max_size=80)
# What looks like a number or like hexadecimal and is not the same text as its value.
LIKE_NUMBERS = st.sampled_from(["007", "00", "+1", "-1", "1_0", "1.0", "١", "A" * 32, "a" * 31])


@given(
    st.one_of(
        st.lists(NUMBERS, unique=True, max_size=40),
        st.lists(HEXADECIMAL, unique=True, max_size=40),
        st.lists(st.one_of(NUMBERS, HEXADECIMAL, TEXTS, LIKE_NUMBERS), unique=True, max_size=40),
    ).filter(bool)
)
def test_any_ids_come_back_as_they_were(texts: list[str]) -> None:
    packed = pack(texts)
    assert sorted(unpack(packed)) == sorted(texts)
    assert packed.isascii()


@given(
    st.one_of(
        st.lists(NUMBERS, unique=True, min_size=30, max_size=60),
        st.lists(HEXADECIMAL, unique=True, min_size=30, max_size=60),
        st.lists(st.one_of(NUMBERS, HEXADECIMAL, TEXTS), unique=True, min_size=30, max_size=60),
    )
)
def test_they_take_no_more_room_than_was_said(texts: list[str]) -> None:
    # Some bytes are zlib's own, whatever it packs.
    assert len(pack(texts)) <= longest_packed(texts) * len(texts) + 40


@pytest.mark.parametrize(
    ("texts", "room"),
    [
        ([], 10),
        (["9" * 19], 10),
        (["1", "f" * 32], 20),
        (["x" * 40], 52),
        (["€" * 40], 152),
        (["x" * 40, "1", "f" * 32], 52),
    ],
)
def test_the_room_is_that_of_the_id_that_takes_the_most(texts: list[str], room: int) -> None:
    assert longest_packed(texts) == room


@pytest.mark.parametrize(
    ("texts", "kind"),
    [(["1", "20"], "n"), ([f"{1:032x}"], "h"), (["1", f"{1:032x}"], "t"), (["01"], "t")],
)
def test_the_smallest_way_that_keeps_them_is_taken(texts: list[str], kind: str) -> None:
    assert pack(texts)[0] == kind


@pytest.mark.parametrize(
    "packed", ["", "n", "x", "ncut", "h!", pack(["5"])[:-3], "z" + pack(["5"])[1:]]
)
def test_a_damaged_text_is_refused(packed: str) -> None:
    with pytest.raises((ValueError, zlib.error)):
        unpack(packed)
