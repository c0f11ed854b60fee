"""The known mistakes that concern the journal of a set, its leases, and later attempts.

The others that concern a set are in ``known_mistakes_of_sets.py``.
"""

from __future__ import annotations

from scripts.known_mistakes import BULK, BULK_TESTS, NEXT_ATTEMPT, SIMULATION, Mutant

ENGINE = f"{BULK_TESTS}test_engine.py"
ENDS = f"{BULK_TESTS}test_engine_ends.py"
LEASING = f"{BULK_TESTS}test_leasing.py"
RECOVERY = f"{BULK_TESTS}test_recovery.py"
JOURNAL = f"{BULK_TESTS}test_journal.py"
JOURNAL_FAILURES = f"{BULK_TESTS}test_journal_failures.py"

RECORD_MUTANTS = (
    # -- the record
    Mutant(
        "write no intent",
        f"{BULK}journal.py",
        '        changes = dict.fromkeys(opened, f"{_INTENT}{posted_by:.3f}")\n',
        "        changes: dict[OrderId, str] = {}\n",
        (ENGINE, ENDS, JOURNAL, SIMULATION),
    ),
    Mutant(
        "write the intent after the cancel",
        f"{BULK}engine.py",
        "            self._leasing.ask(item)\n\n    def _dispatch",
        "            self._leasing.ask(item)\n"
        "            from airflow_provider_oms.cancellation.bulk.work_item import Lease\n"
        "            item.lease = Lease(math.inf, math.inf)\n"
        "            self._schedule.add_fresh(item)\n\n    def _dispatch",
        (ENGINE, SIMULATION),
    ),
    Mutant(
        "let a lease last for longer than is on record",
        f"{BULK}leasing.py",
        "        return write.asked_at + LEASE_SECONDS if self._is_kept else math.inf\n",
        "        return write.asked_at + 3 * LEASE_SECONDS if self._is_kept else math.inf\n",
        (LEASING, ENGINE, SIMULATION),
    ),
    Mutant(
        "send on a lease that has expired",
        f"{BULK}commands.py",
        "        return now < (self.lease.leave_by if has_begun else self.lease.begin_by)\n",
        "        return True\n",
        (LEASING, ENGINE, SIMULATION),
    ),
    Mutant(
        "let a bound move backwards",
        f"{BULK}journal.py",
        '        return f"{state}:{max(bounds):.3f}"\n',
        '        return f"{state}:{now:.3f}"\n',
        (JOURNAL, SIMULATION),
    ),
    Mutant(
        "forget the intents of a write that failed and may still arrive",
        f"{BULK}journal.py",
        "        self._open |= opened\n        if changes and",
        "        if changes and",
        (JOURNAL, SIMULATION),
    ),
    Mutant(
        "write a page again that a late write may replace",
        f"{BULK}journal.py",
        "            self._write_page(self._store, self._unconfirmed)\n"
        "            self._page = {}\n",
        "            self._unconfirmed = None\n",
        (JOURNAL_FAILURES, SIMULATION),
    ),
    Mutant(
        "read no page that the head does not name",
        f"{BULK}journal.py",
        "        while number < self._pages or beyond < _LOOK_AHEAD:\n",
        "        while number < self._pages:\n",
        (JOURNAL_FAILURES, SIMULATION),
    ),
    Mutant(
        "take over cancellations on another tenant",
        f"{BULK}journal.py",
        '        if head["tenant"] != self._tenant:\n',
        "        if False:\n",
        (JOURNAL_FAILURES, NEXT_ATTEMPT),
        not_simulated="every attempt of a story meets the same tenant",
    ),
    Mutant(
        "trust a journal about another set",
        f"{BULK}journal.py",
        ' and head["orders"] == self._order_set',
        "",
        (JOURNAL_FAILURES, NEXT_ATTEMPT),
        not_simulated="every attempt of a story has the same set",
    ),
    Mutant(
        "go on for ever beside a write that hangs",
        f"{BULK}engine.py",
        "        if self._leasing.note_if_late(now):\n",
        "        if False:\n",
        (ENGINE, SIMULATION),
    ),
    Mutant(
        "count a lease from the end of its write",
        f"{BULK}leasing.py",
        "        begin_by = self._begin_by(write)\n        if now >= begin_by:\n",
        "        begin_by = now + LEASE_SECONDS if self._is_kept else math.inf\n"
        "        if False:\n",
        (LEASING, ENGINE, SIMULATION),
    ),
    Mutant(
        "record a lease without the time that its connection takes",
        f"{BULK}leasing.py",
        "        longest = LEASE_SECONDS + self._leeway\n",
        "        longest = LEASE_SECONDS\n",
        (LEASING, ENGINE, SIMULATION),
    ),
    Mutant(
        "grant the leases of a write that failed",
        f"{BULK}engine.py",
        "        if self._leasing.on_failed(write, error, now):\n"
        "            self._say_that_journal_fails()\n",
        "        self.on_written(write, now)\n",
        (ENGINE, ENDS, SIMULATION),
    ),
    Mutant(
        "send on a lease while the journal cannot be written",
        f"{BULK}sending.py",
        "            lease is None or now >= lease.begin_by or not self._leasing.is_usable\n",
        "            lease is None or now >= lease.begin_by\n",
        (SIMULATION,),
    ),
    Mutant(
        "record each end again and again",
        f"{BULK}leasing.py",
        "        del self._unrecorded[: len(write.ended)]\n",
        "",
        (LEASING, ENGINE, SIMULATION),
    ),
    Mutant(
        "forget the ends of a write that failed",
        f"{BULK}leasing.py",
        "        self._write = None\n"
        "        self._last_write_at = now\n"
        "        self._ask_again(write)\n",
        "        self._write = None\n"
        "        self._last_write_at = now\n"
        "        del self._unrecorded[: len(write.ended)]\n"
        "        self._ask_again(write)\n",
        (LEASING, ENGINE, SIMULATION),
    ),
    Mutant(
        "take an end that is unknown for a refusal",
        f"{BULK}journal.py",
        "        return self.outcome in (None, Outcome.UNKNOWN, Outcome.NOT_CANCELED)\n",
        "        return self.outcome in (None, Outcome.NOT_CANCELED)\n",
        (JOURNAL, SIMULATION),
    ),
    Mutant(
        "write over the page of an earlier attempt",
        f"{BULK}journal.py",
        "            self._pages += not self._page\n",
        "            self._pages = max(self._pages, 1)\n",
        (JOURNAL, JOURNAL_FAILURES, SIMULATION),
    ),
    Mutant(
        "let an older page outvote a newer one",
        f"{BULK}journal.py",
        "                earlier.update((by_text.get(text, text), recorded) for text in texts)\n",
        "                for text in texts:\n"
        "                    earlier.setdefault(by_text.get(text, text), recorded)\n",
        (JOURNAL, JOURNAL_FAILURES, SIMULATION),
    ),
    Mutant(
        "overlook a page that is lost",
        f"{BULK}journal.py",
        "                self.is_whole = False\n                continue\n",
        "                continue\n",
        (JOURNAL_FAILURES, SIMULATION),
    ),
    # -- what earlier attempts have left
    Mutant(
        "post orders that an earlier attempt left in doubt",
        f"{BULK}recovery.py",
        "        if recorded is not None and recorded.is_in_doubt:\n"
        "            return _Kind.IN_DOUBT\n",
        "        if recorded is not None and recorded.is_in_doubt:\n"
        "            return _Kind.NOT_STARTED\n",
        (RECOVERY, ENDS, SIMULATION),
    ),
    Mutant(
        "cut a doubt of the future to the present moment",
        f"{BULK}recovery.py",
        "min(recorded.posted_by - self._wall_now, longest)",
        "min(recorded.posted_by - self._wall_now, 0.0)",
        (RECOVERY, ENDS, SIMULATION),
    ),
    Mutant(
        "take a journal that is lost for one that is whole",
        f"{BULK}recovery.py",
        "        if not self.record.is_whole:\n",
        "        if False:\n",
        (RECOVERY, NEXT_ATTEMPT, SIMULATION),
    ),
    Mutant(
        "believe a lost record at once",
        f"{BULK}recovery.py",
        "(longest if record.is_kept and not record.is_whole else 0.0)",
        "0.0",
        (RECOVERY, SIMULATION),
    ),
    Mutant(
        "look at a doubt of an earlier attempt without settling it",
        f"{BULK}recovery.py",
        "            self._doubt_since(order_id) if kind is _Kind.IN_DOUBT else None,\n",
        "            self._now - self.policy.settle_seconds if kind is _Kind.IN_DOUBT else None,\n",
        (RECOVERY, ENDS, SIMULATION),
    ),
)
