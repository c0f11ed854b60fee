"""Stories of a set of orders of which parts are canceled: shared parts of the run fail too."""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping

from part_stories import POLICY, Story, bad_weather
from part_world import FINE, Key, Killed, Process, World

from airflow_provider_oms.api.parts import LineName, OrderParts, PartCancel
from airflow_provider_oms.api.values import OrderId
from airflow_provider_oms.cancellation.bulk.journal import Journal
from airflow_provider_oms.cancellation.bulk.order_set import OrderSet
from airflow_provider_oms.cancellation.bulk.outcome_counts import OrderEnd, OutcomeCounts
from airflow_provider_oms.cancellation.bulk.part_entries import WantedParts
from airflow_provider_oms.cancellation.bulk.part_units import PartUnits
from airflow_provider_oms.cancellation.outcomes import CancellationResult, ConfirmedBy, Outcome
from airflow_provider_oms.cancellation.runner import Runtime
from airflow_provider_oms.cancellation.store import JournalError

WHOLE = 9090909


class Member(Story):
    """One order of the set, with its request."""

    def __init__(self, seed: int, order_id: int, process: Process) -> None:
        self._order_id, self._process = order_id, process
        super().__init__(seed)

    def _world(self, quantities: dict[Key, int], *, whole: bool) -> World:
        return World(
            self.draw, quantities, whole=whole, order_id=self._order_id, process=self._process
        )

    @property
    def wanted(self) -> WantedParts:
        return WantedParts(self._order_id, self.task.wanted, is_shipment=self.task.is_shipment)


class Tenant:
    """Have several orders.

    :param worlds: the orders.
    """

    def __init__(self, worlds: Mapping[int, World]) -> None:
        self._worlds = worlds

    def may_share_orders(self, order_ids: Iterable[OrderId]) -> bool:
        """Return that each order has one name."""
        return False

    def claim(self, order_id: OrderId, name: OrderId, *, is_dry_run: bool = False) -> None:
        """Take the name: each order has one."""

    def get_parts(
        self,
        order_id: OrderId,
        *,
        lines: Collection[LineName] = (),
        shipments: Collection[int] = (),
        is_whole: bool = False,
    ) -> OrderParts:
        world = self._worlds[int(order_id)]
        return world.get_parts(order_id, lines=lines, shipments=shipments, is_whole=is_whole)

    def post_part(
        self,
        cancel: PartCancel,
        before: OrderParts,
        *,
        may_send: Callable[[], bool] | None = None,
    ) -> OrderParts:
        world = self._worlds[int(cancel.order_id)]
        return world.post_part(cancel, before, may_send=may_send)


class Host:
    """Stand for the run over the whole orders."""

    def __init__(self) -> None:
        self.ends: dict[OrderId, OrderEnd] = {}
        self.tally = OutcomeCounts()
        self.stopped: str | None = None

    def note(self, end: OrderEnd) -> None:
        assert end.result.order_id not in self.ends
        self.ends[end.result.order_id] = end
        self.tally.add(end.result, is_final=end.is_final)

    def note_stop(self, why: str) -> None:
        self.stopped = self.stopped or why


class SetStory:
    """One seed's story of several orders.

    :param seed: the seed.
    """

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311 - a story's
        process = Process()
        many = self.draw.randint(1, 4)
        self.members = {id_: Member(10 * seed + id_, id_, process) for id_ in range(1, many + 1)}
        #: Only its clock and its store count.
        self.base = World(self.draw, {}, process=process)
        self.has_journal = self.draw.random() < 0.7
        self.counts: Counter[str] = Counter()
        self.violation: str | None = None

    def run(self) -> SetStory:
        """Run attempts in bad weather, and one in good weather; stop at a broken promise."""
        base, draw = self.base, self.draw
        number = 0
        may_be_retried = True
        for _ in range(draw.randint(1, 3)):
            number += 1
            base.weather = bad_weather(draw)
            dies_after = draw.randint(1, draw.choice([12, 40, 90])) if draw.random() < 0.6 else None
            may_be_retried = self._attempt(number, dies_after)
            if self.violation or not may_be_retried:
                break
            base.now += draw.choice([0.0, 1.0, 60.0])
            self._lose_something()
        if not self.violation and may_be_retried:
            base.weather = FINE
            self._attempt(number + 1, None)
        return self

    def _lose_something(self) -> None:
        """Let the record of one order be gone, in some stories."""
        if self.draw.random() < 0.2 and (keys := sorted(self.base.values)):
            name = self.draw.choice(keys).rpartition("_")[2]
            for key in keys:
                if key.startswith("oms_parts") and key.endswith(name):
                    del self.base.values[key]
                    self.counts["lost"] += 1

    def _attempt(self, number: int, dies_after: int | None) -> bool:
        """Return whether another attempt may follow."""
        base = self.base
        base.begin_process(dies_after)
        self.counts["attempts"] += 1
        parts: dict[OrderId, WantedParts] = {
            id_: member.wanted for id_, member in self.members.items()
        }
        orders = OrderSet({}, parts=parts)
        host = Host()
        units: PartUnits | None = None
        is_dead = False
        try:
            store = base if self.has_journal else None
            journal = Journal(
                store,
                now=base.now,
                attempt=number,
                tenant="t",
                order_ids=[*orders.journal_ids, WHOLE],
            )
            units = self._units(orders, journal, host, number)
            self._cancel_whole_orders(journal)
            units.run()
        except (Killed, JournalError):
            self.counts["kills"] += 1
            is_dead = True
        if units is not None and not is_dead:
            self._check_ends(host)
        for id_, member in self.members.items():
            end = host.ends.get(id_)
            member.check((end and end.parts) or ())
            self.violation = self.violation or member.violation
        return is_dead or host.tally.may_be_retried

    def _units(self, orders: OrderSet, journal: Journal, host: Host, attempt: int) -> PartUnits:
        base = self.base
        return PartUnits(
            Tenant({id_: member.world for id_, member in self.members.items()}),
            orders,
            {id_: member.task for id_, member in self.members.items()},
            POLICY,
            journal,
            tenant="t",
            host=host,
            attempt=attempt,
            stop_after_failures=None,
            log=logging.getLogger(__name__),
            around=Runtime(base.clock, base.sleep, draw=base.draw.random),
            wall=base.clock,
        )

    def _cancel_whole_orders(self, journal: Journal) -> None:
        """Let the journal be one of whole orders, too."""
        now = self.base.now
        journal.write([WHOLE], [], posted_by=now + 2, now=now)
        done = CancellationResult(WHOLE, Outcome.CANCELED, ConfirmedBy.ANSWER)
        journal.write([], [done], posted_by=now + 2, now=now)

    def _check_ends(self, host: Host) -> None:
        if host.ends.keys() != self.members.keys():
            self.violation = f"only {sorted(host.ends, key=str)} have an end"
        for end in host.ends.values():
            self.counts[end.result.outcome.value] += 1
            self.counts["posts"] += end.posts or 0
