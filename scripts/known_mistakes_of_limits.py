"""The known mistakes that concern the pace of a run: rates, pauses, limits, a tenant that is away.

The others that concern a set are in ``known_mistakes_of_sets.py``.
"""

from __future__ import annotations

from scripts.known_mistakes import BULK, BULK_TESTS, SIMULATION, Mutant
from scripts.known_mistakes_of_records import ENGINE

BATCHING = f"{BULK_TESTS}test_batching.py"
ADAPTIVE = f"{BULK_TESTS}test_adaptive_limit.py"
BURST = f"{BULK_TESTS}test_burst.py"
HALF_OPEN = f"{BULK_TESTS}test_half_open.py"
LIMITED = f"{BULK_TESTS}test_limited_tenants.py"
MEMORY = f"{BULK_TESTS}test_journal_limits.py"
RANDOM = f"{BULK_TESTS}test_random_refusals.py"
RATE = f"{BULK_TESTS}test_rate_limiter.py"
SCHEDULE = f"{BULK_TESTS}test_schedule.py"

_PACE = "a story says how a run must not be, and not how fast it must be"

LIMIT_MUTANTS = (
    # -- requests rejected at random
    Mutant(
        "take each request that is turned away for a limit",
        f"{BULK}adaptive_limit.py",
        "        if is_random and not self._is_far_too_fast(now, pause):\n",
        "        if False:\n",
        (LIMITED,),
        not_simulated=_PACE,
    ),
    Mutant(
        "take the burst after each pause for a part of the rate",
        f"{BULK}burst.py",
        "        before, self._estimate = self._estimate, (accepted - self._burst) / seconds\n",
        "        before, self._estimate = self._estimate, accepted / seconds\n",
        (BURST, LIMITED),
        not_simulated=_PACE,
    ),
    Mutant(
        "believe a single pair of walls, which may be chance",
        f"{BULK}burst.py",
        "        least = 0.0 if is_confirmed else _UNCONFIRMED * accepted / seconds\n",
        "        least = 0.0\n",
        (BURST,),
        not_simulated=_PACE,
    ),
    Mutant(
        "pause for each 429 of a ramp that is far too fast",
        f"{BULK}adaptive_limit.py",
        "        return is_at_once and too_fast and not self._has_ceiling\n",
        "        return False\n",
        (ADAPTIVE,),
        not_simulated=_PACE,
    ),
    Mutant(
        "pause again and again before what looks like chance",
        f"{BULK}random_refusals.py",
        "        return self._tried_in_vain\n",
        "        return True\n",
        (RANDOM, LIMITED),
        not_simulated=_PACE,
    ),
    Mutant(
        "measure the requests accepted in a second over pauses",
        f"{BULK}adaptive_limit.py",
        "        return max(now, self._paused_until) - self._paused_seconds\n",
        "        return now\n",
        (LIMITED,),
        not_simulated=_PACE,
    ),
    Mutant(
        "take the rest of a second that is used up for chance",
        f"{BULK}random_refusals.py",
        "        is_random = is_refusal and self._responses not in self._refusals\n",
        "        is_random = is_refusal\n",
        (RANDOM, LIMITED),
        not_simulated=_PACE,
    ),
    Mutant(
        "explain any share that is turned away by chance",
        f"{BULK}random_refusals.py",
        "        expected = _JUDGED_OVER * min(share, _LARGEST_SHARE)\n",
        "        expected = _JUDGED_OVER * share\n",
        (RANDOM,),
        not_simulated=_PACE,
    ),
    # -- pauses, and the rate that was given
    Mutant(
        "apply Retry-After to one order only",
        f"{BULK}rate_limiter.py",
        "        if asked and asked <= self._longest_pause:\n",
        "        if False:\n",
        (RATE, ENGINE, SIMULATION),
    ),
    Mutant(
        "let a shorter Retry-After end a longer one",
        f"{BULK}rate_limiter.py",
        "        self.paused_until = max(self.paused_until, moment)\n",
        "        self.paused_until = moment\n",
        (RATE, SIMULATION),
    ),
    Mutant(
        "let a cancel leave during a pause after a read",
        f"{BULK}schedule.py",
        "        if self.limiter.paused_until > now:\n",
        "        if self.limiter.paused_until > now and not self._ready:\n",
        (SCHEDULE, SIMULATION),
    ),
    Mutant(
        "let slots that no request used add up to a burst",
        f"{BULK}rate_limiter.py",
        "        is_used = now <= self._next_slot + _LATE_BY\n",
        "        is_used = self._next_slot > -math.inf\n",
        (RATE, SIMULATION),
    ),
    Mutant(
        "forget the rate that was given when a wall is met",
        f"{BULK}rate_limiter.py",
        "            self._next_slot = max(self._next_slot, begins_at + 1 / ",
        "            self._next_slot = max(begins_at, begins_at + 1 / ",
        (RATE,),
        not_simulated="only one story of some ten thousand meets it",
    ),
    Mutant(
        "let a read take no slot of the rate",
        f"{BULK}sending.py",
        "            self._schedule.limiter.take_slot(now)\n",
        "            if action is Action.POST:\n"
        "                self._schedule.limiter.take_slot(now)\n",
        (ENGINE, SIMULATION),
    ),
    Mutant(
        "let a cancel take no slot of the rate",
        f"{BULK}sending.py",
        "            self._schedule.limiter.take_slot(now)\n",
        "            if action is Action.READ:\n"
        "                self._schedule.limiter.take_slot(now)\n",
        (ENGINE, SIMULATION),
    ),
    # -- the tenant's limit
    Mutant(
        "learn nothing from a 429",
        f"{BULK}rate_limiter.py",
        "        if reply.evidence is Evidence.THROTTLED:\n",
        "        if False:\n",
        (RATE, LIMITED),
        not_simulated=_PACE,
    ),
    Mutant(
        "take a 429 of the token endpoint for the API's",
        f"{BULK}rate_limiter.py",
        "        if adaptive is None or not reply.left:\n",
        "        if adaptive is None:\n",
        (RATE,),
        not_simulated=_PACE,
    ),
    Mutant(
        "slow down for each request that was under way when a wall was met",
        f"{BULK}adaptive_limit.py",
        "        if sent_at <= self._ends_at:\n            return False\n"
        "        self._note_pause(sent_at, in_flight, now, pause)\n        self._random.",
        "        self._random.",
        (ADAPTIVE, LIMITED),
        not_simulated=_PACE,
    ),
    Mutant(
        "let the rate fall to nothing",
        f"{BULK}adaptive_limit.py",
        "        self._ceiling = max(ceiling, _LOWEST_RATE)\n",
        "        self._ceiling = max(ceiling, 1e-9)\n",
        (ADAPTIVE, SIMULATION),
    ),
    Mutant(
        "let the number of requests at a time fall to none",
        f"{BULK}adaptive_limit.py",
        "        self._at_a_time = min(self._max_workers, max(most, int(busy)))\n",
        "        self._at_a_time = 0\n",
        (ADAPTIVE,),
        not_simulated="after some seconds one more is tried, and so it only takes longer",
    ),
    Mutant(
        "never look for more",
        f"{BULK}adaptive_limit.py",
        "            self._at_a_time += 1\n",
        "            self._at_a_time += 0\n",
        (ADAPTIVE,),
        not_simulated=_PACE,
    ),
    Mutant(
        "look for more while the tenant struggles",
        f"{BULK}adaptive_limit.py",
        "        self._grown += max(0.0, now - max(counted_at, self._held_until))\n",
        "        self._grown += now - counted_at\n",
        (ADAPTIVE,),
        not_simulated=_PACE,
    ),
    Mutant(
        "slow down for 5xx that have nothing to do with the rate, for ever",
        f"{BULK}adaptive_limit.py",
        "        if self._vain_walls >= _VAIN_WALLS:\n",
        "        if False:\n",
        (ADAPTIVE, LIMITED),
        not_simulated=_PACE,
    ),
    Mutant(
        "have more requests in flight than the tenant bears",
        f"{BULK}intake.py",
        "        borne = self._adaptive.concurrency(now)\n",
        "        borne = self._adaptive._max_workers\n",
        (LIMITED,),
        not_simulated=_PACE,
    ),
    # -- searches
    Mutant(
        "believe a search before Get Order has shown the same",
        f"{BULK}batching.py",
        "        return self._is_trusted and is_enough and is_confirmed\n",
        "        return is_enough\n",
        (BATCHING,),
        not_simulated="a story's search shows no order as canceled that is open",
    ),
    Mutant(
        "cancel orders that a search has shown open",
        f"{BULK}batching.py",
        "        is_all_that_is_wanted = self._recovery.policy.only_looks\n",
        "        is_all_that_is_wanted = True\n",
        (BATCHING, SIMULATION),
    ),
    Mutant(
        "let a search take no slot of the rate",
        f"{BULK}engine.py",
        "            self.limiter.take_slot(now)\n            finds.append(find)\n",
        "            finds.append(find)\n",
        (BATCHING,),
        not_simulated="a story's search is one of few requests",
    ),
    Mutant(
        "forget the orders of a search that is not awaited",
        f"{BULK}batching.py",
        "            self._queued.put_back(find.taken)\n        self._abandoned",
        "            pass\n        self._abandoned",
        (BATCHING, SIMULATION),
    ),
    Mutant(
        "search during a pause that forbids it",
        f"{BULK}engine.py",
        "        while self._sending.in_flight < capacity and self.limiter.opens_at <= now:\n",
        "        while self._sending.in_flight < capacity:\n",
        (BATCHING, SIMULATION),
    ),
    # -- what outlives the attempt
    Mutant(
        "take over limits learned of another tenant",
        f"{BULK}journal.py",
        "        else:\n            self.learned = ",
        "        if True:\n            self.learned = ",
        (MEMORY,),
        not_simulated="a story has one tenant",
    ),
    Mutant(
        "fail for damaged limits in the record",
        f"{BULK}journal.py",
        "            with suppress(JournalError), store_failures():\n",
        "            with store_failures():\n",
        (MEMORY,),
        not_simulated="few stories have a store that fails just then",
    ),
    # -- a tenant that is away
    Mutant(
        "make as many requests as ever while none is answered",
        f"{BULK}intake.py",
        "        if self._breaker.half_open_since is not None:\n            return 1\n",
        "",
        (LIMITED, SIMULATION),
    ),
    Mutant(
        "never stop though nothing is answered",
        f"{BULK}circuit_breaker.py",
        "        if probes >= len(_PROBE_PAUSES):\n",
        "        if probes >= 10 * len(_PROBE_PAUSES):\n",
        (HALF_OPEN,),
        not_simulated="its orders end at their deadlines nevertheless",
    ),
    Mutant(
        "take the end of an outage for granted because reads are answered",
        f"{BULK}circuit_breaker.py",
        "        self._silent_calls.pop(action, None)\n",
        "        self._silent_calls.clear()\n",
        (HALF_OPEN,),
        not_simulated="it only takes longer until the run stops",
    ),
    Mutant(
        "count requests that were in flight as single requests",
        f"{BULK}circuit_breaker.py",
        "        if event.sent_at < self.half_open_since:\n",
        "        if False:\n",
        (HALF_OPEN, LIMITED),
        not_simulated="it only stops the run too early",
    ),
)
