"""The real engine and journal over a scripted tenant, in virtual time: nothing waits for real."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.validation import CancelRequest
from airflow_provider_oms.cancellation.bulk.journal import Journal
from airflow_provider_oms.cancellation.bulk.limits import Limits
from airflow_provider_oms.cancellation.bulk.order_set import OrderSet
from airflow_provider_oms.cancellation.history import Action, Policy, Reply
from tests.simulation.attempt import Attempt
from tests.simulation.checks import Checks
from tests.simulation.store import Store, Values
from tests.simulation.world import Clock, Found, Order, Post, Tenant

LOST = Reply(Evidence.AMBIGUOUS, "no response")
UNSENT = Reply(Evidence.NEVER_SENT, "connection refused")
UNAVAILABLE = Reply(Evidence.AMBIGUOUS, "503", http_status=503)
FORBIDDEN = Reply(Evidence.FORBIDDEN, "no permission", http_status=403)
UNAUTHENTICATED = Reply(Evidence.UNAUTHENTICATED, "token refused", http_status=401)
NOT_FOUND = Reply(Evidence.NOT_FOUND, "no such order", http_status=404)
REFUSED = Reply(Evidence.REFUSED, "invalid", http_status=400)
SHIPPED = Reply(Evidence.CONFLICT, "shipped", http_status=409)

POLICY = Policy(settle_seconds=3.0, deadline=60.0)
READS_FIRST = Policy(settle_seconds=3.0, deadline=60.0, only_if_states=frozenset({"READY"}))


def throttled(retry_after: float | None = None) -> Reply:
    """Return a 429.

    :param retry_after: seconds that it asks to wait.
    """
    return Reply(Evidence.THROTTLED, "slow down", http_status=429, retry_after=retry_after)


@dataclass(frozen=True)
class Seen:
    """One call, as the tenant saw it."""

    action: Action
    order_id: Order
    at: float
    answered_at: float


class ScriptedTenant(Tenant):
    """Answer as a test sets; by default, act at once and answer with success.

    The test sets its own behavior: `on_read` and `on_post` return the reply to a call, or ``None``;
    `acts` returns whether a cancel with a reply of the test's was nevertheless acted on.
    """

    def __init__(self, clock: Clock, order_ids: list[Order], log: Callable[[str], object]) -> None:
        super().__init__(clock, random.Random(1), order_ids, 0.0, log)  # noqa: S311 - a test's
        self.on_read: Callable[[Order], Reply | None] = lambda _: None
        self.on_post: Callable[[Order], Reply | None] = lambda _: None
        self.acts: Callable[[Order], bool] = lambda _: False
        #: Seconds that a cancel waits for its token, and then for its connection.
        self.before_it_leaves: Callable[[], tuple[float, float]] = lambda: (0.0, 0.0)
        self.write_seconds: Callable[[], float] = lambda: 0.01
        #: The result of a search, or why it fails; ``None`` for the same as the reads.
        self.on_find: Callable[[Sequence[Order]], Found | None] = lambda _: None
        self.searches: list[tuple[Order, ...]] = []
        self.latency = 0.05
        self.latency_of: dict[Order, float] = {}
        self.seen: list[Seen] = []
        #: When requests came that a limit let through, and that it turned away.
        self.taken_at: list[float] = []
        self.turned_away_at: list[float] = []

    def read(self, order_id: Order) -> tuple[Reply, float]:
        self._note(Action.READ, order_id)
        reply = self.on_read(order_id)
        return reply or self._order(order_id), self._seconds(order_id)

    def find(self, order_ids: Sequence[Order]) -> tuple[Found, float]:
        self.searches.append(tuple(order_ids))
        found = self.on_find(order_ids)
        if found is None:
            found = {one: self._order(one) for one in order_ids if one in self.states}
        return found, self.latency

    def post(self, order_id: Order, attempt: int) -> tuple[Reply, float]:
        self._note(Action.POST, order_id)
        reply = self.on_post(order_id)
        post = Post(order_id, attempt, self._clock.now)
        self.posts.append(post)
        if (reply is None or self.acts(order_id)) and self.states[order_id] == "READY":
            post.acted_at = post.shows_at = self._clock.now
            self.canceled_at.setdefault(order_id, self._clock.now)
        return reply or self._order(order_id), self._seconds(order_id)

    def seconds_to_leave(self, leeway: float) -> tuple[float, float]:
        return self.before_it_leaves()

    def seconds_to_write(self) -> float:
        return self.write_seconds()

    def _note(self, action: Action, order_id: Order) -> None:
        now = self._clock.now
        self.seen.append(Seen(action, order_id, now, now + self._seconds(order_id)))

    def _seconds(self, order_id: Order) -> float:
        return self.latency_of.get(order_id, self.latency)

    def times(self, action: Action, *order_ids: Order) -> list[float]:
        """Return when calls came: all of one kind, or those about some orders."""
        return [
            call.at
            for call in self.seen
            if call.action is action and (not order_ids or call.order_id in order_ids)
        ]

    @property
    def most_at_once(self) -> int:
        """Return how many calls were in flight at a time."""
        return max(sum(o.at <= call.at < o.answered_at for o in self.seen) for call in self.seen)

    @property
    def posted(self) -> list[Order]:
        """Return the order of each cancel that came."""
        return [post.order_id for post in self.posts]


class World:
    """A tenant, a store and a clock for the attempts of one task.

    Each attempt is checked as the simulation checks it: no cancel without an intent on record or
    after its lease, none for an order that was acted on, none in a pause, each order ends once.

    :param orders: how many, or which.
    :param policy: how long to try and how to read.
    :param is_kept: whether the task has a journal.
    """

    def __init__(
        self, orders: int | Iterable[Order] = 20, policy: Policy = POLICY, *, is_kept: bool = True
    ) -> None:
        ids: list[Order] = [*(range(1, orders + 1) if isinstance(orders, int) else orders)]
        requests: dict[Any, Any] = {id_: CancelRequest(id_, "created_by_mistake") for id_ in ids}
        self.order_ids = ids
        self.orders = OrderSet(requests)
        self.policy = policy
        self.clock = Clock()
        self.lines: list[str] = []
        self.values = Values() if is_kept else None
        #: Tells of each value how its write fails; `simulation.world.Store` says how it may.
        self.store_failure: Callable[[], str | None] = lambda: None
        self.tenant = ScriptedTenant(self.clock, ids, self._tell)
        self._checks = Checks(self.clock, self.tenant, ids, is_kept=is_kept, log=self._tell)

    def _tell(self, line: str) -> None:
        self.lines.append(f"{self.clock.now:10.3f}  {line}")

    def _next_store_failure(self) -> str | None:
        # A test may say otherwise while an attempt runs.
        return self.store_failure()

    def start(
        self, number: int = 1, *, workers: int = 4, leeway: float = 1.0, **limits: Any
    ) -> Attempt:
        """Begin an attempt.

        :param number: which attempt of the task it is.
        :param workers: how many calls it may have in flight.
        :param leeway: seconds that a cancel takes at most to leave once it has begun.
        :param limits: the other fields of ``Limits``.
        """
        store = None
        if self.values is not None:
            self.values.newest_attempt = number
            store = Store(
                self.values,
                number,
                self._next_store_failure,
                lambda act: self.clock.after(5.0, act),
            )
        return Attempt(
            number,
            self.clock,
            self.tenant,
            store,
            self.orders,
            self.policy,
            Limits(workers, **limits),
            leeway=leeway,
            skew=0.0,
            draw=random.Random(number),  # noqa: S311 - a test's
            checks=self._checks,
            log=self._tell,
        )

    def in_doubt(self) -> set[Order]:
        """Return the orders that a next attempt would take for ones in doubt."""
        assert self.values is not None
        store = Store(self.values, 0, lambda: None, lambda _: None)
        found = Journal(store, now=0.0, attempt=2, tenant="t", order_ids=self.order_ids).earlier
        return {order_id for order_id in found if found[order_id].is_in_doubt}

    def finish(self, attempt: Attempt, *, within: float = 3600.0) -> Attempt:
        """Let an attempt run to its end, and return it.

        :param attempt: the attempt.
        :param within: seconds of virtual time that it may take.
        """
        until = self.clock.now + within
        while not attempt.is_done:
            assert self.clock.step(), "it waits for nothing"
            assert self.clock.now <= until, f"it has not ended after {within} s"
        return attempt

    def run(self, number: int = 1, **limits: Any) -> Attempt:
        """Begin an attempt, let it run to its end, and return it.

        :param number: which attempt of the task it is.
        :param limits: as for :meth:`start`.
        """
        return self.finish(self.start(number, **limits))


def outcomes(attempt: Attempt) -> Counter[str]:
    """Return how the orders of an attempt ended."""
    counts = attempt.engine.tally.counts
    return Counter({outcome.value: count for outcome, count in counts.items()})


def why(attempt: Attempt) -> str:
    """Return why an attempt stopped before its end; empty if it did not."""
    return attempt.engine.breaker.stopped or ""
