"""The log of numbered objects: the right to write, and writes whose response was lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from object_store import Objects, ReplacingObjects

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.cancellation import object_log
from airflow_provider_oms.cancellation.store import JournalError, store_failures


class TestOneAttempt:
    def test_it_finds_what_it_has_set(self) -> None:
        log = Objects().open()
        log.set("a", {"x": 1})
        log.set("b", 2)
        log.set("a", 3)
        assert (log.get("a"), log.get("b"), log.get("c"), log.get("c", 7)) == (3, 2, None, 7)

    def test_nothing_is_ever_replaced_or_removed(self) -> None:
        objects = Objects()
        log = objects.open()
        log.set("a", 1)
        before = dict(objects.kept)
        log.set("a", 2)
        assert objects.kept.items() > before.items()
        assert sorted(objects.kept) == [f"0000000{number}.json" for number in (1, 2, 3)]


class TestTheNextAttempt:
    def test_it_finds_the_newest_values_and_reads_few_objects(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        objects = Objects()
        first = objects.open()
        first.set("once", "kept")
        for value in range(50):
            first.set("a", value)
            first.set("b", -value)
        reads: list[str] = []

        def read(name: str) -> bytes | None:
            reads.append(name)
            return objects.kept.get(name)

        monkeypatch.setattr(objects, "read", read)
        second = objects.open(2)
        assert (second.get("a"), second.get("b"), second.get("once")) == (49, -49, "kept")
        assert len(reads) < object_log._INDEX_EVERY + 6
        second.set("a", "newer")
        third = objects.open(3)
        assert (third.get("a"), third.get("b"), third.get("once")) == ("newer", -49, "kept")

    def test_a_record_stays_small_whatever_the_number_of_keys(self) -> None:
        objects = Objects()
        log = objects.open()
        for number in range(1000):
            log.set(f"key {number}", number)
        assert sum(map(len, objects.kept.values())) / 1000 < 500
        assert objects.open(2).get("key 7") == 7

    def test_the_older_one_cannot_write_any_more_and_stops_trying(self) -> None:
        objects = Objects()
        first, second = objects.open(), objects.open(2)
        kept, writes = dict(objects.kept), objects.writes
        for _ in range(2):
            said = "another attempt of this task has taken over"
            with pytest.raises(JournalError, match=said) as failure, store_failures():
                first.set("a", 1)
            assert failure.value.is_final
        assert (objects.kept, objects.writes) == (kept, writes + 1)
        second.set("a", 2)
        assert second.get("a") == 2

    @pytest.mark.parametrize("missing", range(5))
    def test_a_list_that_lags_misleads_nobody(self, missing: int) -> None:
        objects = Objects()
        first = objects.open()
        for value in range(3):
            first.set("a", value)
        objects.unlisted = set(sorted(objects.kept)[len(objects.kept) - missing :])
        assert objects.open(2).get("a") == 2
        with pytest.raises(Exception, match="taken over"):
            first.set("a", 9)

    def test_it_catches_up_with_an_older_one_that_writes_all_the_time(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        objects = Objects()
        first = objects.open()
        create = objects.create
        calls: list[str] = []

        def create_after_a_record_of_the_first(name: str, data: bytes) -> None:
            calls.append("create")
            if calls.count("create") <= 5:
                monkeypatch.setattr(objects, "create", create)
                first.set("a", calls.count("create"))
                monkeypatch.setattr(objects, "create", create_after_a_record_of_the_first)
            create(name, data)

        def read(name: str) -> bytes | None:
            calls.append("read")
            return objects.kept.get(name)

        monkeypatch.setattr(objects, "create", create_after_a_record_of_the_first)
        monkeypatch.setattr(objects, "read", read)
        second = objects.open(2)
        # No read between two tries: the older one would stay ahead.
        assert calls[:8] == ["read"] + ["create"] * 6 + ["read"]
        assert second.get("a") == 5

    def test_a_storage_that_calls_every_name_taken_is_given_up(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        objects = Objects()
        tried: list[str] = []

        def refuse(name: str, data: bytes) -> None:
            tried.append(name)
            raise FileExistsError(name)

        monkeypatch.setattr(objects, "create", refuse)
        with pytest.raises(JournalError, match="1000 objects that the storage does not list are"):
            objects.open()
        assert tried == [f"{number:08d}.json" for number in range(1, 1001)]

    def test_claims_without_a_record_between_them_are_passed_over(self) -> None:
        objects = Objects()
        objects.open().set("a", 1)
        for attempt in (2, 3, 4):
            assert objects.open(attempt).get("a") == 1

    def test_where_a_record_is_lost_that_no_later_one_lists_nothing_is_known(self) -> None:
        objects = Objects()
        log = objects.open()
        log.set("a", 1)
        log.set("b", 2)
        log.set("c", 3)
        del objects.kept["00000003.json"]
        second = objects.open(2)
        assert [second.get(key) for key in "abc"] == [None, None, None]

    def test_other_files_in_the_folder_are_none_of_its_business(self) -> None:
        objects = Objects()
        objects.open().set("a", 1)
        objects.kept |= {".part": b"", "00000009.json.tmp": b"", "notes.txt": b"?"}
        assert objects.open(2).get("a") == 1

    @pytest.mark.parametrize("junk", [b"", b"[]", b'{"version": 2, "key": "a"}', b'"\xff"'])
    def test_an_object_that_is_no_record_is_refused(self, junk: bytes) -> None:
        objects = Objects()
        objects.open()
        objects.kept["00000002.json"] = junk
        with pytest.raises(JournalError, match=r"00000002\.json is no record of a journal"):
            objects.open(2)

    def test_a_record_that_is_lost_has_no_value(self) -> None:
        objects = Objects()
        log = objects.open()
        log.set("a", 1)
        for value in range(50):
            log.set("b", value)
        del objects.kept["00000002.json"]
        second = objects.open(2)
        assert (second.get("a", "lost"), second.get("b")) == ("lost", 49)


class TestAWriteWithoutAResponse:
    def test_one_that_was_taken_is_no_defeat(self) -> None:
        objects = Objects()
        log = objects.open()
        objects.fails = "taken"
        log.set("a", 1)
        log.set("a", 2)
        objects.fails = None
        log.set("b", 3)
        assert (objects.open(2).get("a"), objects.open(3).get("b")) == (2, 3)

    @pytest.mark.parametrize("arrives", [True, False])
    def test_one_that_may_come_later_is_settled_before_the_next(self, arrives: bool) -> None:
        objects = Objects()
        log = objects.open()
        objects.fails = "late"
        with pytest.raises(TimeoutError):
            log.set("a", 1)
        if arrives:
            objects.arrive()
        objects.fails = None
        log.set("a", 2)
        objects.arrive()
        assert objects.open(2).get("a") == 2
        numbers = [json.loads(objects.kept[name]).get("value") for name in sorted(objects.kept)]
        assert numbers[:3] == [None, 1, 2]

    def test_one_that_comes_after_another_attempt_took_over_is_no_success(self) -> None:
        objects = Objects()
        first = objects.open()
        objects.fails = "late"
        with pytest.raises(TimeoutError):
            first.set("a", 1)
        objects.fails = None
        second = objects.open(2)
        objects.arrive()
        assert second.get("a") is None
        with pytest.raises(Exception, match="taken over"):
            first.set("a", 1)

    def test_one_that_comes_before_another_attempt_takes_over_is_found_by_it(self) -> None:
        objects = Objects()
        first = objects.open()
        objects.fails = "late"
        with pytest.raises(TimeoutError):
            first.set("a", 1)
        objects.fails = None
        objects.unlisted = {"00000002.json"}
        objects.arrive()
        second = objects.open(2)
        assert second.get("a") == 1
        # It is on record, as its repetition finds; the next one is refused.
        with pytest.raises(Exception, match="taken over"):
            first.set("b", 2)
        assert second.get("b") is None

    def test_a_claim_that_was_taken_is_a_claim(self) -> None:
        objects = Objects()
        objects.open().set("a", 1)
        objects.fails = "taken"
        second = objects.open(2)
        objects.fails = None
        second.set("b", 2)
        assert len(objects.kept) == 4

    def test_a_claim_that_fails_opens_nothing(self) -> None:
        objects = Objects()
        objects.fails = "gone"
        with pytest.raises(JournalError, match="TimeoutError: gone") as failure:
            objects.open()
        assert not failure.value.is_final

    def test_a_write_that_hangs_is_not_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        objects = Objects()
        log = objects.open()
        hangs, goes_on = threading.Event(), threading.Event()
        put = objects.put

        def wait(name: str, data: bytes) -> None:
            hangs.set()
            assert goes_on.wait(10)
            put(name, data)

        monkeypatch.setattr(objects, "put", wait)
        monkeypatch.setattr(object_log, "_LONGEST_WAIT", 0.01)
        writer = threading.Thread(target=log.set, args=("a", 1))
        writer.start()
        assert hangs.wait(10)
        with pytest.raises(TimeoutError, match="does not come to its end"):
            log.set("b", 2)
        goes_on.set()
        writer.join()
        monkeypatch.undo()
        log.set("b", 2)
        assert (log.get("a"), log.get("b")) == (1, 2)


class TestAStorageThatReplaces:
    def test_it_is_refused_before_anything_depends_on_it(self) -> None:
        with pytest.raises(OmsInputError, match="journal_path must be in S3"):
            ReplacingObjects().open()

    def test_it_is_refused_too_where_the_response_to_the_trial_is_lost(self) -> None:
        objects = ReplacingObjects()
        objects.fails = "taken"
        with pytest.raises(OmsInputError, match="a storage that replaces the object"):
            objects.open()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["begin", "set", "arrive"]),
            st.integers(0, 3),
            st.sampled_from([None, None, None, "gone", "taken", "late"]),
        ),
        max_size=40,
    )
)
def test_whatever_fails_and_however_many_run_on(steps: list[tuple[str, int, str | None]]) -> None:
    """Each write that was confirmed is found by later attempts, and none comes after a claim."""
    objects = Objects()
    logs = [objects.open()]
    confirmed: dict[str, int] = {}
    for value, (what, which, fails) in enumerate(steps):
        objects.fails = fails
        if what == "arrive":
            objects.arrive()
        elif what == "begin":
            _try(lambda: logs.append(objects.open(len(logs) + 1)))
            continue
        else:
            at = min(which, len(logs) - 1)
            log = logs[len(logs) - 1 - at]
            key = f"key {value}"
            if _try(lambda log=log, key=key, value=value: log.set(key, value)):  # type: ignore[misc]  # bound now
                assert at == 0, "an older attempt has written"
                confirmed[key] = value
    objects.fails = None
    last = objects.open(len(logs) + 1)
    assert {key: last.get(key) for key in confirmed} == confirmed


def _try(act: Callable[[], object]) -> bool:
    try:
        act()
    except Exception:  # noqa: BLE001 - whatever the storage raises
        return False
    return True


class TestAnAttemptThatComesTooLate:
    def test_it_does_not_take_over_from_a_younger_one(self) -> None:
        objects = Objects()
        objects.open(1)
        younger = objects.open(2)
        younger.set("a", 1)
        with pytest.raises(JournalError, match="attempt 1 of the task, and attempt 2 has taken"):
            objects.open(1)
        younger.set("a", 2)
        assert objects.open(2).get("a") == 2

    def test_it_sends_nothing_where_the_list_hid_the_younger_one(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        objects = Objects()
        objects.open(2).set("a", 1)
        monkeypatch.setattr(objects, "names", list)
        with pytest.raises(JournalError, match="attempt 2 has taken over"):
            objects.open(1)


def test_an_object_that_is_not_there_yet_may_be_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    objects = Objects()
    monkeypatch.setattr(objects, "read", lambda name: None)
    with pytest.raises(JournalError, match=r"00000001\.json was written, and is not there"):
        objects.open(1)
