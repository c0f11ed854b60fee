"""Which orders of a run are read by one search, and which of them that ends.

``api/batch_reads.py`` decides on the evidence of a batch. No cancel ever rests on it: an order that
it does not end is read by itself, as any other.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping

from airflow_provider_oms.api.batch_reads import FEWEST_PER_BATCH, BatchReads, Proof
from airflow_provider_oms.api.errors import OmsError
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.values import OrderId
from airflow_provider_oms.cancellation.bulk.commands import Find
from airflow_provider_oms.cancellation.bulk.recovery import Queued, Recovery
from airflow_provider_oms.cancellation.bulk.work_item import WorkItem
from airflow_provider_oms.cancellation.history import Action, Event, History, Reply

__all__ = ["Batching", "evidence_of"]

# The first search is for a few orders, each of which Get Order then has to show too: a search that
# shows every order as canceled would otherwise end all. Fewer orders than these are not worth it.
_TRIAL = FEWEST_PER_BATCH
_WORTH_A_TRIAL = 25
# A search that the tenant turns away is made again, because it stands for a hundred reads. One that
# is always rejected may have a separate limit.
_MOST_REPEATS = 4


class Batching:
    """Read orders by searches, as long as the tenant's search is any good.

    :param recovery: says which orders a search can end.
    :param queued: the orders that are not tried yet.
    :param most: how many orders one search returns; 0 where it cannot ask for several.
    """

    def __init__(self, recovery: Recovery, queued: Queued, most: int) -> None:
        self._recovery = recovery
        self._queued = queued
        self._reads = BatchReads()
        self._most = most
        self._is_of_use = most > 0 and recovery.may_search
        self._in_flight: set[Find] = set()
        # Searches whose answers are not awaited any more; each still occupies a worker.
        self._abandoned: set[Find] = set()
        # Searches that were turned away, and how often each was.
        self._to_repeat: deque[Find] = deque()
        self._repeats: Counter[Find] = Counter()
        # The orders of the first search; none before it.
        self._trial: frozenset[OrderId] = frozenset()
        self._is_trusted = self._has_said = False
        # Orders that a search has shown canceled, and Get Order not yet. Until that has shown one,
        # none is believed, searches follow each other, and none is made while these are read.
        self._to_confirm: set[OrderId] = set()
        self._is_confirmed = False

    @property
    def in_flight(self) -> int:
        """Return how many searches are in flight."""
        return len(self._in_flight) + len(self._abandoned) if self._is_of_use else 0

    @property
    def is_awaited(self) -> bool:
        """Return whether an answer may still end orders."""
        return bool(self._in_flight or self._to_repeat)

    def news(self) -> str | None:
        """Return once why the tenant is not read in batches any more, when that is so."""
        why_not, has_said = self._reads.why_not, self._has_said
        self._has_said = why_not is not None
        return f"Orders are read one by one: {why_not}" if why_not and not has_said else None

    def covers(self, order_id: OrderId | None) -> bool:
        """Return whether a search will read an order that was never taken.

        :param order_id: the order.
        """
        if order_id is None or not self._may_find:
            return False
        return self._recovery.may_be_settled_by_search(order_id)

    @property
    def _may_find(self) -> bool:
        if not self._is_of_use or self._to_confirm:
            return False
        if self._is_trusted:
            return self._reads.is_for(len(self._queued))
        # While the first one is on trial, others are read one by one.
        has_begun = bool(self._trial) and not self._in_flight
        return not has_begun and self._reads.is_for(len(self._queued) - _WORTH_A_TRIAL)

    @property
    def _waits_for_one(self) -> bool:
        return bool(self._in_flight) and not (self._is_trusted and self._is_confirmed)

    @property
    def has_next(self) -> bool:
        """Return whether :meth:`next_find` may return a search."""
        if not self._is_of_use or self._waits_for_one:
            return False
        return bool(self._to_repeat) or self.covers(self._queued.never_taken)

    def next_find(self) -> Find | None:
        """Return the next search, if there is one to make."""
        if self._waits_for_one:
            return None
        if self._to_repeat:
            find = self._to_repeat.popleft()
            self._in_flight.add(find)
            return find
        if not self._may_find:
            return None
        may_be = self._recovery.may_be_settled_by_search
        taken = self._queued.take_while(may_be, self._most if self._is_trusted else _TRIAL)
        if not self._reads.is_for(len(taken)):
            self._queued.put_back(taken)
            return None
        find = Find(tuple(taken))
        self._trial = self._trial or frozenset(find.order_ids)
        self._in_flight.add(find)
        return find

    def on_found(
        self, find: Find, answer: Mapping[OrderId, Reply] | OmsError, sent_at: float, now: float
    ) -> Iterator[WorkItem]:
        """Return the orders that a search may end, each with the read that it stands for.

        :param find: the search.
        :param answer: a reply for each order, or why it failed.
        :param sent_at: when it began.
        :param now: when the answer came.
        """
        self._abandoned.discard(find)
        if find not in self._in_flight:
            return  # the run has stopped without it
        self._in_flight.remove(find)
        if self._is_to_repeat(find, answer):
            self._to_repeat.append(find)
            return
        proofs = self._reads.on_batch(find.order_ids, answer)
        found = {} if isinstance(answer, OmsError) else answer
        if not self._is_trusted:
            # None of them: the next search is on trial then.
            self._trial &= found.keys()
        for order_id, stratum in find.taken:
            if not self._is_believed(proofs[order_id]):
                if proofs[order_id] is Proof.CANCELED:
                    self._to_confirm.add(order_id)
                self._queued.put_back([(order_id, stratum)])
                continue
            item = self._recovery.item(order_id, stratum)
            event = Event(Action.READ, sent_at, now, found[order_id])
            item.history = History(item.policy, sent_at, item.doubt_since, (event,))
            yield item

    def _is_to_repeat(self, find: Find, answer: Mapping[OrderId, Reply] | OmsError) -> bool:
        """Return whether a search was turned away, and not too often yet."""
        is_turned_away = isinstance(answer, OmsError) and answer.evidence is Evidence.THROTTLED
        if not is_turned_away or self._reads.why_not is not None:
            self._repeats.pop(find, None)
            return False
        self._repeats[find] += 1
        return self._repeats[find] <= _MOST_REPEATS

    def _is_believed(self, proof: Proof) -> bool:
        is_all_that_is_wanted = self._recovery.policy.only_looks
        is_enough = proof is Proof.CANCELED or (proof is Proof.TO_CONFIRM and is_all_that_is_wanted)
        is_confirmed = self._is_confirmed or proof is not Proof.CANCELED
        return self._is_trusted and is_enough and is_confirmed

    def on_read(self, order_id: OrderId, reply: Reply) -> None:
        """Compare a search's view of an order with Get Order's.

        :param order_id: the order.
        :param reply: what Get Order shows.
        """
        self._reads.on_single(order_id, reply)
        if order_id in self._to_confirm and reply.says_canceled:
            self._is_confirmed = True
            self._to_confirm.clear()
        if order_id in self._trial and reply.holds_order:
            self._is_trusted = self._reads.why_not is None

    def repeat_none(self) -> None:
        """Put the orders of searches that were turned away back."""
        for find in self._to_repeat:
            self._queued.put_back(find.taken)
        self._to_repeat.clear()

    def stop(self) -> None:
        """Put the orders of all searches back; the answers to those in flight are not awaited."""
        self.repeat_none()
        for find in self._in_flight:
            self._queued.put_back(find.taken)
        self._abandoned |= self._in_flight
        self._in_flight.clear()


def evidence_of(answer: Mapping[OrderId, Reply] | OmsError) -> Reply:
    """Return the evidence about the tenant in a response to a search.

    :param answer: a reply for each order, or why it failed.
    """
    if not isinstance(answer, OmsError):
        return Reply(Evidence.OPEN)
    return Reply(
        answer.evidence,
        http_status=answer.http_status,
        retry_after=answer.retry_after,
        left=answer.was_sent,
    )
