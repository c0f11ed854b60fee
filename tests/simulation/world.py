"""A tenant and a clock in virtual time: the world that the attempts of a story meet.

The world follows what ``docs/guarantees.md`` demands of a tenant, and is otherwise as bad as its
seed makes it.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from airflow_provider_oms.api.errors import (
    OmsError,
    OmsNoResponseError,
    OmsSearchError,
    OmsThrottledError,
)
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.cancellation.history import Action, Reply

Order = int | str
Found = dict[Order, Reply] | OmsError


class Clock:
    """Run due events, in the sequence of their times; nothing waits for real."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._turns = itertools.count()

    def at(self, moment: float, act: Callable[[], object]) -> None:
        heapq.heappush(self._due, (max(moment, self.now), next(self._turns), act))

    def after(self, seconds: float, act: Callable[[], object]) -> None:
        self.at(self.now + seconds, act)

    def run(self, until: float) -> None:
        """Run all that is due before a moment."""
        while self._due and self._due[0][0] <= until:
            self.now, _, act = heapq.heappop(self._due)
            act()
        self.now = max(self.now, until)

    @property
    def next_at(self) -> float:
        """Return when the next thing is due."""
        return self._due[0][0]

    def step(self) -> bool:
        """Run the next due event; return whether there was one."""
        if not self._due:
            return False
        self.now, _, act = heapq.heappop(self._due)
        act()
        return True


@dataclass
class Weather:
    """Hold how often what goes wrong.

    :param kinds: faults of a call, by how often each happens.
    :param share: the share of calls that meet a fault.
    :param latency: seconds that a call takes at most.
    :param slow_token: the share of cancels whose token takes up to five seconds.
    :param rate: requests in a second that the tenant takes; ``None`` for any number.
    :param at_a_time: requests at a time that it takes; ``None`` for any number.
    :param is_503: whether it turns the others away with a 503, and not with a 429.
    :param retry_after: what such a response names; ``None`` for nothing.
    :param search: how the tenant's search is: ``"good"``, ``"missing"``, ``"failing"``, behind what
        reads show (``"lagging"``), or without some of the orders (``"gaps"``).
    :param store_fails: the share of writes that fail.
    :param store_seconds: seconds that a write takes at most.
    """

    kinds: dict[str, int] = field(default_factory=dict)
    share: float = 0.0
    latency: float = 0.05
    slow_token: float = 0.0
    rate: float | None = None
    at_a_time: int | None = None
    is_503: bool = False
    retry_after: float | None = None
    search: str = "good"
    store_fails: float = 0.0
    store_seconds: float = 0.02


FINE = Weather()
# Shares of the cancels on a native tenant: taken and not carried out, as where a payment cannot be
# voided, and carried out a while after the response.
_NATIVE_FAILS = 0.05
_NATIVE_IS_LATE = 0.4


@dataclass
class Post:
    """Hold one cancel as the tenant saw it.

    :param order_id: the order.
    :param attempt: the attempt that sent it.
    :param left_at: when it left.
    :param acted_at: when the tenant acted on it; ``None`` if it did not.
    :param shows_at: from when a read shows it.
    """

    order_id: Order
    attempt: int
    left_at: float
    acted_at: float | None = None
    shows_at: float = 0.0


class Tenant:
    """Hold orders, act on cancels, and answer; late, wrongly or not at all, but never falsely.

    :param clock: the story's clock.
    :param draw: the story's chance.
    :param order_ids: the orders that are there.
    :param promise: seconds within which a cancel that was acted on shows in a read.
    :param log: receives the timeline.
    :param native: the chance of a native tenant, which takes cancels before it acts, and may fail
        to; ``None`` for a translated one.
    """

    def __init__(
        self,
        clock: Clock,
        draw: random.Random,
        order_ids: list[Order],
        promise: float,
        log: Callable[[str], object],
        native: random.Random | None = None,
    ) -> None:
        self._clock = clock
        self._draw = draw
        self._native = native
        self._promise = promise
        self._log = log
        self.weather = FINE
        self.states: dict[Order, str] = dict.fromkeys(order_ids, "READY")
        # The tenant's answer about these to every request, while the weather lasts.
        self.cursed: dict[Order, Evidence] = {}
        # Calls that the tenant lets no one make.
        self.closed: dict[Action, Evidence] = {}
        self.canceled_at: dict[Order, float] = {}
        self.posts: list[Post] = []
        self._posts_of: dict[Order, list[Post]] = defaultdict(list)
        self._indexed = 0
        self.faults = 0
        self._calls: deque[float] = deque()
        self._busy_until: list[float] = []

    # -- queries of the checks

    def is_canceled(self, order_id: Order) -> bool:
        """Return whether an order is canceled, or will be by a cancel that is on its way."""
        return order_id in self.canceled_at

    def calls_cancelable(self, order_id: Order) -> bool:
        """Return whether the tenant itself says that an order can be canceled."""
        return self._native is not None and self.states.get(order_id) == "READY"

    def acted_posts(self, order_id: Order) -> list[Post]:
        for post in self.posts[self._indexed :]:
            self._posts_of[post.order_id].append(post)
        self._indexed = len(self.posts)
        return [post for post in self._posts_of[order_id] if post.acted_at is not None]

    # -- calls

    def _state(self, order_id: Order) -> str:
        shown_at = self.canceled_at.get(order_id)
        is_shown = shown_at is not None and self._clock.now >= shown_at
        return "CANCELED" if is_shown else self.states[order_id]

    def read(self, order_id: Order) -> tuple[Reply, float]:
        """Return the reply to a read, and the seconds that it takes."""
        fault = self._fault(Action.READ, order_id)
        if fault is not None:
            return fault
        return self._order(order_id), self._latency()

    def find(self, order_ids: Sequence[Order]) -> tuple[Found, float]:
        """Return a search's view of each order, or why it fails, and the seconds it takes."""
        kind, draw = self.weather.search, self._draw
        if self.closed.get(Action.READ) or self._throttle() is not None:
            asked = self.weather.retry_after
            return OmsThrottledError("busy", http_status=429, retry_after=asked), self._latency()
        if kind == "missing":
            return OmsSearchError("no search", http_status=404), self._latency()
        if kind == "failing" and draw.random() < 0.7:
            return OmsNoResponseError("timed out"), draw.choice([self._latency(), 30.0])
        found: dict[Order, Reply] = {}
        for order_id in order_ids:
            is_left_out = kind == "gaps" and draw.random() < 0.5
            if order_id not in self.states or is_left_out or self.cursed.get(order_id):
                continue
            found[order_id] = self._order(order_id)
            if kind == "lagging" and draw.random() < 0.7:
                state = self.states[order_id]
                found[order_id] = self._open(state, state)
        return found, self._latency()

    def post(self, order_id: Order, attempt: int) -> tuple[Reply, float]:
        """Take a cancel that has left just now; return the reply, and the seconds it takes."""
        now, draw = self._clock.now, self._draw
        post = Post(order_id, attempt, now)
        self.posts.append(post)
        refusal = self._refusal(Action.POST, order_id)
        if refusal is not None:
            return refusal
        if self.states[order_id] == "SHIPPED":
            return Reply(Evidence.CONFLICT, "shipped"), self._latency()
        if self._state(order_id) == "CANCELED":
            is_conflict = draw.random() < 0.5
            reply = Reply(Evidence.CONFLICT, "canceled already") if is_conflict else None
            return reply or self._order(order_id), self._latency()
        kind = self._kind() or self._native_kind()
        if kind == "not carried out":
            self._log(f"tenant takes the cancel of {order_id}, and fails to carry it out")
            return self._order(order_id), self._latency()
        if kind in (None, "lost", "late", "accepted", "stuck"):
            # The rest of the promised time is divided between acting late and showing late.
            delay = 0.0 if kind is None else self._promise * draw.choice([draw.random(), 1.0])
            post.acted_at = now + delay * draw.random()
            post.shows_at = now + delay
            self.canceled_at.setdefault(order_id, post.shows_at)
            self._log(f"tenant acts on the cancel of {order_id}, shown at {post.shows_at:.2f}")
        if kind is None:
            return self._order(order_id), self._latency()
        if kind == "accepted":
            return self._open("taken", "READY"), self._latency()
        if kind == "stuck":
            return Reply(Evidence.AMBIGUOUS, "timed out"), 30.0
        if kind in ("lost", "late"):
            return Reply(Evidence.AMBIGUOUS, "no response"), self._latency()
        return self._reply_of(kind)

    def seconds_to_leave(self, leeway: float) -> tuple[float, float]:
        """Return how long a cancel waits for its token, and then for its connection.

        :param leeway: seconds that the connection takes at most, as the run has it.
        """
        if self._draw.random() < self.weather.slow_token:
            longest_token = self._draw.choice([2.0, 2.0, 5.0])
            longest_connect = leeway * self._draw.choice([1.0, 1.0, 2.0])
            return self._draw.uniform(0, longest_token), self._draw.uniform(0, longest_connect)
        return 0.0, 0.0

    def seconds_to_write(self) -> float:
        """Return how long the store takes for a write."""
        seconds = self._draw.uniform(0.2, 1) * self.weather.store_seconds
        if self._draw.random() < self.weather.store_fails / 4:
            return self._draw.choice([self._draw.uniform(3.0, 6.0), 90.0])
        return seconds

    def _order(self, order_id: Order) -> Reply:
        state = self._state(order_id)
        if state == "CANCELED":
            return Reply(Evidence.CANCELED, state, order_state=state, order_status=state)
        return self._open(state, state)

    def _open(self, message: str, state: str) -> Reply:
        # A native order says whether it can be canceled.
        says = None if self._native is None else state == "READY"
        return Reply(
            Evidence.OPEN, message, order_state=state, order_status=state, is_cancelable=says
        )

    def _latency(self) -> float:
        return self._draw.uniform(0.2, 1.0) * self.weather.latency

    def _refusal(self, action: Action, order_id: Order) -> tuple[Reply, float] | None:
        evidence = self.closed.get(action) or self.cursed.get(order_id)
        if evidence is Evidence.CONFLICT and action is Action.READ:
            # Such as a reason that a native tenant does not list.
            evidence = None
        if evidence is not None:
            return Reply(evidence, f"always {evidence}"), self._latency()
        if order_id not in self.states:
            return Reply(Evidence.NOT_FOUND, "no such order"), self._latency()
        return self._throttle()

    def _throttle(self) -> tuple[Reply, float] | None:
        now, weather = self._clock.now, self.weather
        while self._calls and self._calls[0] <= now - 1:
            self._calls.popleft()
        while self._busy_until and self._busy_until[0] <= now:
            heapq.heappop(self._busy_until)
        are_many = weather.rate is not None and len(self._calls) >= weather.rate
        are_too_many = weather.at_a_time is not None and len(self._busy_until) >= weather.at_a_time
        if are_many or are_too_many:
            self.faults += 1
            evidence = Evidence.AMBIGUOUS if weather.is_503 else Evidence.THROTTLED
            status, asked = (503 if weather.is_503 else 429), weather.retry_after
            reply = Reply(evidence, "slow down", http_status=status, retry_after=asked)
            return reply, self._latency()
        self._calls.append(now)
        heapq.heappush(self._busy_until, now + weather.latency)
        return None

    def _kind(self) -> str | None:
        weather = self.weather
        if not weather.kinds or self._draw.random() >= weather.share:
            return None
        self.faults += 1
        return self._draw.choices(list(weather.kinds), list(weather.kinds.values()))[0]

    def _native_kind(self) -> str | None:
        share = 1.0 if self._native is None else self._native.random()
        if share < _NATIVE_FAILS and self.weather is not FINE:
            return "not carried out"
        return "accepted" if share < _NATIVE_IS_LATE else None

    def _fault(self, action: Action, order_id: Order) -> tuple[Reply, float] | None:
        refusal = self._refusal(action, order_id)
        if refusal is not None:
            return refusal
        kind = self._kind()
        if kind is None or kind == "accepted":
            return None
        if kind == "stuck":
            return Reply(Evidence.AMBIGUOUS, "timed out"), 30.0
        if kind in ("lost", "late"):
            return Reply(Evidence.AMBIGUOUS, "no response"), self._latency()
        return self._reply_of(kind)

    def _reply_of(self, kind: str) -> tuple[Reply, float]:
        asked = self._draw.choice([None, None, 0.0, 1.0, 7.0, 60.0])
        replies = {
            "5xx": Reply(Evidence.AMBIGUOUS, "503", http_status=503, retry_after=asked),
            "429": Reply(Evidence.THROTTLED, "429", retry_after=asked),
            "401": Reply(Evidence.UNAUTHENTICATED, "401"),
            "unsent": Reply(Evidence.NEVER_SENT, "refused"),
        }
        return replies[kind], self._latency()
