"""The known mistakes that concern a set of orders; the others are in ``known_mistakes.py``.

Each names the test of the simulation, or states why that does not catch it: facts that are not in
its world, such as threads or a file's lines, and promises of comfort, such as how old a read may
be or how many requests a refusal takes.
"""

from __future__ import annotations

from scripts.known_mistakes import BULK, BULK_TESTS, INPUT, SIMULATION, Mutant
from scripts.known_mistakes_of_limits import LIMIT_MUTANTS
from scripts.known_mistakes_of_native import NATIVE_MUTANTS
from scripts.known_mistakes_of_object_logs import OBJECT_LOG_MUTANTS
from scripts.known_mistakes_of_records import ENDS, ENGINE, LEASING, RECORD_MUTANTS, RECOVERY

STOPS = f"{BULK_TESTS}test_engine_stops.py"
DRIVER = f"{BULK_TESTS}test_driver.py"
BREAKER = f"{BULK_TESTS}test_circuit_breaker.py"
ENTRIES = f"{BULK_TESTS}test_csv_entries.py"
SCHEDULE = f"{BULK_TESTS}test_schedule.py"

SET_MUTANTS = (
    *RECORD_MUTANTS,
    *OBJECT_LOG_MUTANTS,
    *LIMIT_MUTANTS,
    *NATIVE_MUTANTS,
    # -- what leaves when
    Mutant(
        "send a cancel before the first answer",
        f"{BULK}circuit_breaker.py",
        "        return not self._reads.is_proven\n",
        "        return False\n",
        (BREAKER, STOPS, SIMULATION),
    ),
    Mutant(
        "post on a read that a pause has made old",
        f"{BULK}next_step.py",
        "    return is_old or limiter.paused_at >= last.as_of\n",
        "    return is_old\n",
        (ENGINE, SIMULATION),
    ),
    Mutant(
        "post on a read that a slow store has made old",
        f"{BULK}next_step.py",
        "    return is_old or limiter.paused_at >= last.as_of\n",
        "    return limiter.paused_at >= last.as_of\n",
        (ENGINE, SIMULATION),
    ),
    Mutant(
        "let an order that waits occupy a worker",
        f"{BULK}engine.py",
        "        while self._sending.in_flight < capacity:\n            item = ",
        "        while self._sending.in_flight + self._schedule.waiting < capacity:\n"
        "            item = ",
        (ENGINE, SIMULATION),
    ),
    Mutant(
        "have one call in flight at a time",
        f"{BULK}engine.py",
        "        while self._sending.in_flight < capacity:\n            item = ",
        "        while self._sending.in_flight < min(1, capacity):\n            item = ",
        (ENGINE, SIMULATION),
    ),
    Mutant(
        "have as many calls in flight as there is work",
        f"{BULK}engine.py",
        "        while self._sending.in_flight < capacity:\n            item = ",
        "        while capacity:\n            item = ",
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
    Mutant(
        "let a cancel leave after its deadline",
        f"{BULK}commands.py",
        "        if self.lease is None or now >= self.deadline_at:\n",
        "        if self.lease is None:\n",
        (LEASING, ENGINE, SIMULATION),
    ),
    Mutant(
        "wake up for orders that a pause holds back",
        f"{BULK}schedule.py",
        "            return max(self._waiting[0][0], self.limiter.opens_at)\n",
        "            return self._waiting[0][0]\n",
        (SIMULATION,),
    ),
    Mutant(
        "keep the place of a call that is over",
        f"{BULK}engine.py",
        "        self._schedule.in_flight.discard(item)\n",
        "",
        (ENGINE, STOPS, ENDS, SIMULATION),
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
        f"{BULK}next_step.py",
        "    if breaker.stopped is not None:\n        if is_post:\n",
        "    if breaker.stopped is not None:\n        if False:\n",
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
        not_simulated="it costs some requests more, and no order; stories have small sets",
    ),
    Mutant(
        "send until the owner hears that the task is to end",
        f"{BULK}driver.py",
        "            is_over = self._sends_no_more or self._is_stopping()\n",
        "            is_over = self._sends_no_more\n",
        (DRIVER,),
        not_simulated="stories have a separate driver, without threads",
    ),
    Mutant(
        "let a later reason prolong the settling",
        f"{BULK}circuit_breaker.py",
        "        self.settle_by = min(self.settle_by, now + settle)\n",
        "        self.settle_by = now + settle\n",
        (BREAKER, STOPS, SIMULATION),
    ),
    Mutant(
        "sleep past the end of settling",
        f"{BULK}engine.py",
        "        return max(now, min(due, self.breaker.settle_by))\n",
        "        return max(now, due)\n",
        (ENGINE, ENDS, SIMULATION),
    ),
    Mutant(
        "ask one order only for a first answer",
        f"{BULK}intake.py",
        "            may_probe = self._probes <= len(self._breaker.suspects)\n",
        "            may_probe = self._probes < 1\n",
        (STOPS, SIMULATION),
    ),
    Mutant(
        "stop one failure too late",
        f"{BULK}circuit_breaker.py",
        "        if failures >= self._limit:\n",
        "        if failures > self._limit:\n",
        (BREAKER, STOPS, SIMULATION),
    ),
    Mutant(
        "let one order that fails hold up the rest for ever",
        f"{BULK}intake.py",
        "        self._again.discard(order_id)\n",
        "        pass\n",
        (STOPS, SIMULATION),
    ),
    Mutant(
        "begin a cancel beside a first one that has no response",
        f"{BULK}intake.py",
        "        return self._first_cancels < _FIRST_CANCELS\n",
        "        return True\n",
        (STOPS,),
        not_simulated="first reads and refusals let more begin, so that no story has a bound",
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
        "leave out requests in flight at the end",
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
        not_simulated="stories have a separate driver, without threads",
    ),
    Mutant(
        "bring an order back that has ended while it was written",
        f"{BULK}engine.py",
        "            if item.state is not ItemState.LEASING:\n                continue\n",
        "",
        (SIMULATION,),
    ),
    Mutant(
        "take an order from the queue twice",
        f"{BULK}recovery.py",
        "        self._taken_ahead.add(index)\n",
        "",
        (RECOVERY, ENDS, SIMULATION),
    ),
    Mutant(
        "leave what waits for a lease out of the end",
        f"{BULK}engine.py",
        "        for item in [*left, *self._leasing.take_all()]:\n",
        "        for item in left:\n",
        (ENGINE, ENDS, SIMULATION),
    ),
    Mutant(
        "leave intents in a write out of the end",
        f"{BULK}leasing.py",
        "        return [*self.take_asking(), *still]\n",
        "        return self.take_asking()\n",
        (LEASING, ENGINE, SIMULATION),
    ),
    # -- the set
    Mutant(
        "make orders of a broken line",
        f"{BULK}csv_entries.py",
        "        return Unusable(_problem_of_width(row, header, lines[-1], delimiter))\n",
        "        row = [*row, *[''] * len(header)][: len(header)]\n",
        (ENTRIES,),
        not_simulated="stories read no files",
    ),
    Mutant(
        "let a set through that is larger than its cap",
        f"{BULK}order_set.py",
        "        if len(requests) + len(parts) > max_orders:\n",
        "        if len(requests) > 2 * max_orders:\n",
        (INPUT,),
        not_simulated="a story's set is checked already",
    ),
)
