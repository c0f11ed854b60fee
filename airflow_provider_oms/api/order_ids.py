"""Orders that have several names.

The id of one that is named by another key is looked up once, several together; and each order is
canceled under one name.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice

from airflow_provider_oms.api.errors import OmsError, OmsNamedTwiceError, OmsNotFoundError
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.values import OrderId

__all__ = ["OrderIds", "OrderNames"]

_logger = logging.getLogger(__name__)

# A triggerer looks orders up for months. An id that is forgotten is looked up again.
_MOST_KNOWN = 200_000


class OrderNames:
    """Know under which name each order is canceled; safe to share between threads."""

    def __init__(self) -> None:
        self._names: dict[OrderId, OrderId] = {}

    def claim(self, order_id: OrderId, name: OrderId) -> None:
        """Note under which name an order is canceled.

        :param order_id: the order's id.
        :param name: what names it.
        :raises OmsNamedTwiceError: when it is canceled under another name already.
        """
        first = self._names.setdefault(order_id, name)
        if first != name:
            message = f"It is the same order as {first}, and is canceled under that name"
            raise OmsNamedTwiceError(message).about(name, order_id)


class OrderIds:
    """Know the ids of orders; safe to share between threads.

    :param find_one: reads one order, and raises if there is none or several.
    :param find_several: reads several by one search; an order that it leaves out may exist.
    :param most: how many orders one search returns; 0 where it cannot ask for several.
    """

    def __init__(
        self,
        find_one: Callable[[OrderId], Order],
        find_several: Callable[[Sequence[OrderId]], Mapping[OrderId, Order]],
        most: int,
    ) -> None:
        self._find_one = find_one
        self._find_several = find_several
        self._most = most
        self._lock = threading.Lock()
        self._known: dict[OrderId, OrderId] = {}
        # In the sequence in which they will be asked for.
        self._expected: dict[OrderId, None] = {}
        self._level = logging.INFO

    def expect(self, order_ids: Iterable[OrderId]) -> None:
        """Note which orders will be asked for, so that one search can look up several.

        :param order_ids: what names them.
        """
        with self._lock:
            self._expected.update(dict.fromkeys(order_ids))
            # The results of a set have the ids; its log has no line for each order.
            self._level = logging.DEBUG if self._expected else self._level

    def get(self, order_id: OrderId) -> OrderId:
        """Return an order's id.

        :param order_id: what names the order.
        :raises OmsError: one of its kinds, when it cannot be looked up.
        """
        if order_id not in self._known:
            # One search for several: it may cover threads that are waiting.
            with self._lock:
                if order_id in self._expected and order_id not in self._known:
                    self._look_up_several(order_id)
        found = self._known.get(order_id)
        if found is None:
            # An id does not change, so that two threads may look for the same.
            try:
                found = self._find_one(order_id).order_id
            except OmsError as error:
                error.is_of_look_up = True
                if isinstance(error, OmsNotFoundError):
                    # A search, which may lag, has not found it; the call itself was not made.
                    error.was_sent = False
                raise
            self._learn({order_id: found})
        return found

    def _look_up_several(self, first: OrderId) -> None:
        del self._expected[first]
        if not self._most:
            return
        asked = [first, *islice(self._expected, self._most - 1)]
        for order_id in asked[1:]:
            del self._expected[order_id]
        try:
            found = self._find_several(asked)
        except OmsError:
            # Single searches show the error; perhaps only the search for several fails.
            self._most = 0
            return
        self._learn({order_id: order.order_id for order_id, order in found.items()})

    def _learn(self, found: Mapping[OrderId, OrderId]) -> None:
        for name, order_id in found.items():
            _logger.log(self._level, "Order %s has the id %s", name, order_id)
        if len(self._known) > _MOST_KNOWN:
            self._known = {}
        self._known |= found
