"""The known mistakes that concern a set of orders; the others are in ``known_mistakes.py``.

A mistake that the simulation catches names its test as well. It does not catch what is not in its
world: another tenant, a changed set, threads, a file's lines. Nor does it hold promises of comfort,
such as how old a read may be, how many requests a refusal takes, or how fast a run is.
"""

from __future__ import annotations

from scripts.known_mistakes import Mutant

BULK = "cancellation/bulk/"
_TESTS = "tests/cancellation/bulk/"
ENGINE = f"{_TESTS}test_engine.py"
STOPS = f"{_TESTS}test_engine_stops.py"
ENDS = f"{_TESTS}test_engine_ends.py"
DRIVER = f"{_TESTS}test_driver.py"
BREAKER = f"{_TESTS}test_circuit_breaker.py"
LEASING = f"{_TESTS}test_leasing.py"
RECOVERY = f"{_TESTS}test_recovery.py"
JOURNAL = f"{_TESTS}test_journal.py"
JOURNAL_FAILURES = f"{_TESTS}test_journal_failures.py"
ENTRIES = f"{_TESTS}test_csv_entries.py"
INPUT = "tests/operators/bulk/test_bulk_input.py"
NEXT_ATTEMPT = "tests/operators/bulk/test_bulk_next_attempt.py"
SIMULATION = "tests/simulation/test_simulation.py"

SET_MUTANTS = (
    # -- what is on record
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
        "            self._leasing.ask(item, now)\n\n    def _dispatch",
        "            self._leasing.ask(item, now)\n"
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
        "forget the intents of a write that failed and may arrive all the same",
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
        "take over what was canceled on another tenant",
        f"{BULK}journal.py",
        '        if head["tenant"] != self._tenant:\n',
        "        if False:\n",
        (JOURNAL_FAILURES, NEXT_ATTEMPT),
    ),
    Mutant(
        "trust a journal about another set",
        f"{BULK}journal.py",
        ' and head["orders"] == self._order_set',
        "",
        (JOURNAL_FAILURES, NEXT_ATTEMPT),
    ),
    Mutant(
        "go on for ever beside a write that hangs",
        f"{BULK}engine.py",
        "        if self._leasing.note_if_late(now):\n",
        "        if False:\n",
        (ENGINE, SIMULATION),
    ),
    # -- what earlier attempts have left
    Mutant(
        "post what an earlier attempt left in doubt",
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
    # -- what leaves when
    Mutant(
        "send a cancel before the first answer",
        f"{BULK}circuit_breaker.py",
        "        return not self._refusals[Action.READ].is_proven\n",
        "        return False\n",
        (BREAKER, STOPS, SIMULATION),
    ),
    Mutant(
        "heed Retry-After for one order only",
        f"{BULK}engine.py",
        "        if pause and pause <= self._recovery.policy.deadline:\n",
        "        if False:\n",
        (ENGINE, SIMULATION),
    ),
    Mutant(
        "post on a read that a pause has made old",
        f"{BULK}engine.py",
        "        return item.read_is_stale or self._schedule.limiter.paused_at >= last.as_of\n",
        "        return item.read_is_stale\n",
        (ENGINE, SIMULATION),
    ),
    Mutant(
        "post on a read that a slow store has made old",
        f"{BULK}engine.py",
        "        return item.read_is_stale or self._schedule.limiter.paused_at >= last.as_of\n",
        "        return self._schedule.limiter.paused_at >= last.as_of\n",
        (ENGINE,),
    ),
    Mutant(
        "let an order that waits occupy a worker",
        f"{BULK}engine.py",
        "        while len(in_flight) < capacity:\n",
        "        while len(in_flight) + self._schedule.waiting < capacity:\n",
        (ENGINE, SIMULATION),
    ),
    Mutant(
        "have one call in flight at a time",
        f"{BULK}engine.py",
        "        while len(in_flight) < capacity:\n",
        "        while not in_flight and len(in_flight) < capacity:\n",
        (ENGINE, SIMULATION),
    ),
    Mutant(
        "have as many calls in flight as there is work",
        f"{BULK}engine.py",
        "        while len(in_flight) < capacity:\n",
        "        while capacity:\n",
        (ENGINE, SIMULATION),
    ),
    Mutant(
        "ask for leases for ever at a low rate",
        f"{BULK}engine.py",
        "            if item.has_slot:\n                self._schedule.add_ready(item)\n",
        "            if False:\n                self._schedule.add_ready(item)\n",
        (ENGINE, SIMULATION),
    ),
    Mutant(
        "ask to be woken again and again",
        f"{BULK}engine.py",
        "        return max(now, min(due, self.breaker.settle_by))\n",
        "        return now\n",
        (SIMULATION,),
    ),
    # -- what stops it
    Mutant(
        "go on when the run ought to stop",
        f"{BULK}circuit_breaker.py",
        "        if self.stopped is None:\n            self.stopped = why\n",
        "        if self.stopped is not None:\n            self.stopped = why\n",
        (BREAKER, STOPS, SIMULATION),
    ),
    Mutant(
        "let cancels begin after the run has stopped",
        f"{BULK}engine.py",
        "        if self.breaker.stopped is not None:\n            if is_post:\n",
        "        if self.breaker.stopped is not None:\n            if False:\n",
        (ENDS, SIMULATION),
    ),
    Mutant(
        "take the refusal of one order for that of the connection",
        f"{BULK}circuit_breaker.py",
        "        if len(self._ended_parts) >= queued.strata:\n",
        "        if self._ended_parts:\n",
        (BREAKER, STOPS, SIMULATION),
    ),
    Mutant(
        "let a first read that fails end the run",
        f"{BULK}circuit_breaker.py",
        "_FIRST_ANSWER_WITHIN = 20.0\n",
        "_FIRST_ANSWER_WITHIN = 0.5\n",
        (BREAKER, STOPS, SIMULATION),
    ),
    Mutant(
        "try many orders of one part while a refusal is under suspicion",
        f"{BULK}intake.py",
        "self._queued.take_outside(suspects | self._on_trial)",
        "self._queued.take_outside(suspects)",
        (STOPS,),
    ),
    Mutant(
        "send until the owner hears that the task is to end",
        f"{BULK}driver.py",
        "            is_over = self._sends_no_more or self._is_stopping()\n",
        "            is_over = self._sends_no_more\n",
        (DRIVER,),
    ),
    # -- how it ends
    Mutant(
        "take a cancel that is in flight at the end for one that was never sent",
        f"{BULK}engine.py",
        "when_interrupted(item.history, item.calling, now, why)",
        "when_interrupted(item.history, None, now, why)",
        (ENDS, DRIVER, SIMULATION),
    ),
    Mutant(
        "leave out what is in flight at the end",
        f"{BULK}engine.py",
        "        left = [*self._schedule.in_flight, *self._schedule.take_all()]\n",
        "        left = [*self._schedule.take_all()]\n",
        (ENDS, DRIVER, SIMULATION),
    ),
    Mutant(
        "note an end twice",
        f"{BULK}engine.py",
        "        if item.state is not ItemState.IN_FLIGHT or item.history is None:\n",
        "        if item.history is None:\n",
        (ENDS, DRIVER, SIMULATION),
    ),
    Mutant(
        "let a fault in the journal's thread end that thread alone",
        f"{BULK}driver.py",
        "                self._stop_after_fault(fault)\n                return\n",
        "                return\n",
        (DRIVER,),
    ),
    # -- what a set is
    Mutant(
        "make orders of a broken line",
        f"{BULK}csv_entries.py",
        "        return Unusable(_problem_of_width(row, header, line))\n",
        "        row = [*row, *[''] * len(header)][: len(header)]\n",
        (ENTRIES,),
    ),
    Mutant(
        "let a set through that is larger than its cap",
        f"{BULK}order_set.py",
        "    if len(requests) > max_orders:\n",
        "    if len(requests) > 2 * max_orders:\n",
        (INPUT,),
    ),
)
