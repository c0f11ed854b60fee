"""The promises, held under any sequence of faults: hypothesis looks for one that breaks them.

A model of the OMS knows the truth: when a cancel was acted on, and from when on that shows. The
one thing it keeps to is what `settle_seconds` is for: a cancel shows within that time or never.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from stories import evidence_of

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.cancellation.decision import Call, Done, Step, Wait, step
from airflow_provider_oms.cancellation.history import (
    Action,
    Event,
    History,
    Policy,
    Reply,
)
from airflow_provider_oms.cancellation.outcomes import Outcome

NOT_ACTED_ON = {
    "never sent": Reply(Evidence.NEVER_SENT),
    "throttled": Reply(Evidence.THROTTLED),
    "throttled for 4 s": Reply(Evidence.THROTTLED, retry_after=4),
    "throttled for an hour": Reply(Evidence.THROTTLED, retry_after=3600),
    "token refused": Reply(Evidence.UNAUTHENTICATED),
    "token maybe expired": Reply(Evidence.DENIED),
    "locked": Reply(Evidence.LOCKED),
    "misdirected": Reply(Evidence.MISDIRECTED),
    "wrong server": Reply(Evidence.WRONG_SERVER),
    "refused": Reply(Evidence.REFUSED),
    "forbidden": Reply(Evidence.FORBIDDEN),
}
LOST = Reply(Evidence.AMBIGUOUS)
SHARE = st.floats(0, 1)
# What happens all the time hides everything else.
RARELY = st.sampled_from([False, False, False, True])


@dataclass
class Oms:
    """The truth about one order."""

    state: str = "READY"
    ours_shows_at: float | None = None
    others_canceled: bool = False
    posts_after_ours: int = 0
    posts: list[float] = field(default_factory=list)

    def receive_post(self, now: float) -> None:
        self.posts.append(now)
        self.posts_after_ours += self.ours_shows_at is not None

    def act(self, shows_at: float) -> None:
        if self.state == "READY" and self.ours_shows_at is None:
            self.ours_shows_at = shows_at

    @property
    def is_canceled(self) -> bool:
        return self.others_canceled or self.ours_shows_at is not None

    def seen_at(self, now: float) -> str:
        ours_shows = self.ours_shows_at is not None and now >= self.ours_shows_at
        return "CANCELED" if self.others_canceled or ours_shows else self.state


class OneOrder(RuleBasedStateMachine):
    """Play one order through calls, faults, deaths of the worker and retries of the task."""

    @initialize(
        settle=st.sampled_from([0.0, 1.0, 3.0, 15.0]),
        deadline=st.sampled_from([15.0, 120.0]),
        state=st.sampled_from(["READY", "READY", "READY", "SHIPPED"]),
        only_ready=RARELY,
        has_others=RARELY,
        dies=RARELY,
        is_native=st.booleans(),
    )
    def begin(
        self,
        settle: float,
        deadline: float,
        state: str,
        *,
        only_ready: bool,
        has_others: bool,
        dies: bool,
        is_native: bool,
    ) -> None:
        states = frozenset({"READY"}) if only_ready else None
        self.has_others, self.dies = has_others, dies
        self.policy = Policy(
            settle_seconds=settle,
            deadline=deadline,
            only_if_states=states,
            settles_after_acceptance=is_native,
        )
        self.now = 1000.0
        self.oms = Oms(state)
        self.not_before = 0.0
        self.tell(History(self.policy, self.now))

    def tell(self, history: History) -> None:
        self.history = history
        self.next: Step = step(history, self.now)

    def is_due(self, action: Action) -> bool:
        return self.next == Call(action)

    def reply(self, action: Action, sent_at: float, reply: Reply, jitter: float) -> None:
        if reply.retry_after:
            self.not_before = self.now + reply.retry_after
        self.tell(self.history.with_event(Event(action, sent_at, self.now, reply, jitter)))

    @precondition(lambda self: self.is_due(Action.POST))
    @rule(
        fault=st.sampled_from([None, *["lost"] * 6, "accepted", "accepted", *NOT_ACTED_ON]),
        acts=st.sampled_from([True, True, False]),
        lasts=st.floats(0, 5),
        shows_after=SHARE,
        jitter=SHARE,
    )
    def post(
        self, fault: str | None, *, acts: bool, lasts: float, shows_after: float, jitter: float
    ) -> None:
        assert self.now >= self.not_before
        assert self.now < self.history.deadline_at
        sent_at, self.now = self.now, self.now + lasts
        if fault in NOT_ACTED_ON:
            if fault != "never sent":
                self.oms.receive_post(sent_at)
            self.reply(Action.POST, sent_at, NOT_ACTED_ON[fault], jitter)
            return
        self.oms.receive_post(sent_at)
        shows_at = self.now + shows_after * self.policy.settle_seconds
        if fault == "lost":
            if acts:
                self.oms.act(shows_at)
            self.reply(Action.POST, sent_at, LOST, jitter)
            return
        if self.oms.seen_at(sent_at) != "READY":
            conflict = Reply(Evidence.CONFLICT)
            self.reply(Action.POST, sent_at, conflict, jitter)
            return
        # A native tenant may accept a cancel and not carry it out, as when a payment is not voided.
        if acts or fault is None or not self.policy.settles_after_acceptance:
            self.oms.act(self.now if fault is None else shows_at)
        self.reply(Action.POST, sent_at, self.order(self.now), jitter)

    def order(self, moment: float) -> Reply:
        state = self.oms.seen_at(moment)
        says = state == "READY" if self.policy.settles_after_acceptance else None
        return Reply(evidence_of(state), order_state=state, order_status=state, is_cancelable=says)

    @precondition(lambda self: self.is_due(Action.READ))
    @rule(
        fault=st.sampled_from([*[None] * 8, "lost", *NOT_ACTED_ON]),
        lasts=st.floats(0, 5),
        jitter=SHARE,
    )
    def read(self, fault: str | None, lasts: float, jitter: float) -> None:
        assert self.now >= self.not_before
        sent_at, self.now = self.now, self.now + lasts
        reply = self.order(sent_at)
        if fault is not None:
            reply = NOT_ACTED_ON.get(fault, LOST)
        self.reply(Action.READ, sent_at, reply, jitter)

    @precondition(lambda self: isinstance(self.next, Wait))
    @rule()
    def wait(self) -> None:
        assert isinstance(self.next, Wait)
        assert self.next.until > self.now
        self.now = self.next.until
        self.tell(self.history)

    @precondition(lambda self: self.dies and isinstance(self.next, Call))
    @rule(acts=st.booleans(), knows_when=st.booleans(), shows_after=SHARE, pause=st.floats(0, 30))
    def die_in_the_middle_of_a_call_and_start_again(
        self, *, acts: bool, knows_when: bool, shows_after: float, pause: float
    ) -> None:
        died_at = self.now
        if self.is_due(Action.POST):
            assert self.now >= self.not_before
            self.oms.receive_post(died_at)
            if acts and self.oms.seen_at(died_at) == "READY":
                self.oms.act(died_at + shows_after * self.policy.settle_seconds)
        self.now += pause
        self.not_before = 0.0  # a new process knows nothing of it
        self.tell(History(self.policy, self.now, died_at if knows_when else self.now))

    @precondition(lambda self: isinstance(self.next, Done))
    @rule(pause=st.floats(0, 300))
    def be_retried_or_cleared(self, pause: float) -> None:
        self.now += pause
        self.not_before = 0.0
        self.tell(History(self.policy, self.now, self.now))

    @precondition(lambda self: self.has_others and not isinstance(self.next, Done))
    @rule()
    def see_someone_else_cancel_it(self) -> None:
        if self.oms.state == "READY":
            self.oms.others_canceled = True

    @invariant()
    def no_cancel_follows_one_that_was_acted_on(self) -> None:
        assert self.oms.posts_after_ours == 0

    @invariant()
    def no_cancel_follows_one_that_was_taken(self) -> None:
        cancels = [event for event in self.history.events if event.action is Action.POST]
        assert not any(event.reply.says_open for event in cancels[:-1])
        is_taken = bool(cancels) and cancels[-1].reply.says_open
        assert not (is_taken and self.is_due(Action.POST))

    @invariant()
    def what_is_reported_is_true(self) -> None:
        if not isinstance(self.next, Done):
            return
        outcome = self.next.outcome
        if outcome in (Outcome.CANCELED, Outcome.ALREADY_CANCELED):
            assert self.oms.is_canceled
        elif outcome not in (Outcome.UNKNOWN, Outcome.NOT_ATTEMPTED, Outcome.FORBIDDEN):
            # The result of a read is true of the moment of that read.
            assert not self.oms.is_canceled or self.oms.others_canceled
        elif outcome is not Outcome.UNKNOWN:
            assert self.oms.ours_shows_at is None

    @invariant()
    def it_ends(self) -> None:
        assert len(self.history.events) < 200
        assert self.history.ambiguous_posts <= self.policy.max_posts


TestThePromisesHold = OneOrder.TestCase
TestThePromisesHold.settings = settings(max_examples=300, stateful_step_count=40)
