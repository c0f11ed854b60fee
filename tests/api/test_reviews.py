"""Reading all orders in review, and all events: in pages, bounded, while orders come and go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoken import NATIVE, TRANSLATED

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.errors import OmsInputError, OmsRefusedError, OmsServerError
from airflow_provider_oms.api.patience import TokenPatience, patiently
from airflow_provider_oms.api.review import OmsTooManyError, OrderInReview, Page, Reviews
from airflow_provider_oms.emulator.testing import EmulatorProcess

BEGAN = datetime(2026, 11, 28, tzinfo=UTC)


def no_sleep(seconds: float) -> None:
    pytest.fail(f"unexpected sleep of {seconds} s")


FAILED = {"status": "PendingReview", "validationResults": [{"status": "Fail"}]}


@dataclass
class Held:
    """Play a tenant's search over a set of orders, of which some leave between two pages.

    :param times: when each order was submitted, in seconds, by its name.
    :param leaving: the orders that leave after the first page, after the second, …
    :param per_page: how many a page holds.
    """

    times: dict[str, int]
    leaving: list[set[str]] = field(default_factory=list)
    per_page: int = 3
    is_sorted: bool = True
    asked: int = 0

    def review_calls(self) -> Any:
        return self

    def search_call(self, since: datetime | None, start: int) -> Any:
        return since, start

    def orders_in(self, answer: Any, start: int, **_: object) -> Page[OrderInReview]:
        since, asked = answer
        assert asked == start
        at = {name: BEGAN + timedelta(seconds=time) for name, time in self.times.items()}
        names = sorted(at, key=lambda name: (at[name], name) if self.is_sorted else name)
        found = [name for name in names if since is None or at[name] >= since]
        shown = found[start : start + self.per_page]
        for name in self.leaving[self.asked] if self.asked < len(self.leaving) else ():
            self.times.pop(name, None)
        self.asked += 1
        items = [OrderInReview(name, "PendingReview", {}, at[name]) for name in shown]
        last = at[shown[-1]] if shown and self.is_sorted else None
        return Page(items, len(items), len(found), last)

    def read(self, at_most: int = 1000) -> set[str]:
        def ask(call: Any, read: Callable[..., Any], **_: object) -> Any:
            return read(call, ())

        client = cast("OmsClient", SimpleNamespace(dialect=self, call=ask))
        return {order.order_id for order in Reviews(client).orders(at_most=at_most)}


NAMES = st.sampled_from([f"{number:02}" for number in range(40)])


@given(st.dictionaries(NAMES, st.integers(0, 1000)), st.lists(st.sets(NAMES), max_size=20))
def test_no_order_that_stays_is_missed_while_others_leave(
    times: dict[str, int], leaving: list[set[str]]
) -> None:
    # No more of one time than a page has room for: beyond that, the start decides.
    by_time: dict[int, list[str]] = {}
    for name, time in times.items():
        by_time.setdefault(time, []).append(name)
    times = {name: time for time, names in by_time.items() for name in names[:2]}
    tenant = Held(dict(times), leaving)
    assert tenant.read() >= set(times) - set().union(*leaving)


@pytest.mark.parametrize("is_sorted", [True, False])
@given(st.dictionaries(NAMES, st.integers(0, 4)))
def test_every_order_is_found_however_many_are_of_one_time(
    is_sorted: bool, times: dict[str, int]
) -> None:
    assert Held(dict(times), is_sorted=is_sorted).read() == set(times)


def test_more_orders_than_allowed_are_refused_at_the_first_page() -> None:
    tenant = Held({f"{number:02}": number for number in range(10)})
    with pytest.raises(
        OmsTooManyError, match=r"max_orders allows 9\. Raise max_orders .* in review\.$"
    ):
        tenant.read(at_most=9)
    assert tenant.asked == 1


@pytest.fixture
def tenant(emulator: EmulatorProcess) -> EmulatorProcess:
    emulator.clear()
    return emulator


@pytest.fixture
def reviews(tenant: EmulatorProcess) -> Iterator[Reviews]:
    with OmsClient(NATIVE.settings(tenant)) as client:
        yield Reviews(client)


def load(tenant: EmulatorProcess, numbers: range, **changes: Any) -> None:
    tenant.load_orders(
        [
            {
                "orderID": number,
                "native": {
                    **FAILED,
                    "submittedDate": f"2026-11-28T09:{number // 60:02}:{number % 60:02}.000Z",
                    **changes,
                },
            }
            for number in numbers
        ]
    )


def ids(tenant: EmulatorProcess, numbers: range) -> set[str]:
    known = tenant.orders()
    return {known[number]["native"]["id"] for number in numbers}


def test_a_tenants_orders_in_review_are_read_in_pages(
    tenant: EmulatorProcess, reviews: Reviews
) -> None:
    load(tenant, range(1, 451))
    load(tenant, range(500, 510), status="Accepted")
    found = reviews.orders(at_most=450)
    assert {order.order_id for order in found} == ids(tenant, range(1, 451))
    assert len(found) == 450
    assert len(tenant.requests(call="search")) == 3
    with pytest.raises(OmsTooManyError):
        reviews.orders(at_most=449)


def test_what_a_read_shows_is_what_the_search_shows(
    tenant: EmulatorProcess, reviews: Reviews
) -> None:
    load(tenant, range(1, 2))
    (found,) = reviews.orders(at_most=1)
    assert reviews.order(found.order_id) == found


@pytest.mark.parametrize("is_filtered", [True, False])
def test_events_are_read_in_pages(
    tenant: EmulatorProcess, reviews: Reviews, is_filtered: bool
) -> None:
    load(tenant, range(1, 251))
    tenant.settings(native_event_copies=2)
    found = reviews.events(datetime.now(UTC) - timedelta(hours=1), is_filtered=is_filtered)
    assert {event.order_id for event in found} == ids(tenant, range(1, 251))
    assert len(found) == 500
    assert len(tenant.requests(call="events")) == 3


def test_a_tenant_that_does_not_filter_events_refuses(
    tenant: EmulatorProcess, reviews: Reviews
) -> None:
    load(tenant, range(1, 3))
    tenant.settings(native_event_filter=400)
    with pytest.raises(OmsRefusedError, match="filter_events"):
        reviews.events(BEGAN, is_filtered=True)
    assert len(reviews.events(BEGAN, is_filtered=False)) == 2
    tenant.settings(native_event_filter="ignore")
    assert len(reviews.events(datetime(2999, 1, 1, tzinfo=UTC), is_filtered=True)) == 2


def test_more_events_than_can_be_new_are_refused(
    reviews: Reviews, monkeypatch: pytest.MonkeyPatch, tenant: EmulatorProcess
) -> None:
    monkeypatch.setattr("airflow_provider_oms.api.review.MOST_EVENTS", 4)
    load(tenant, range(1, 6))
    with pytest.raises(
        OmsTooManyError, match=r"5 events, .* at most\. Have the tenant .* topics\.$"
    ):
        reviews.events(BEGAN, is_filtered=True)


def test_nothing_is_sent_to_a_translated_tenant(tenant: EmulatorProcess) -> None:
    with OmsClient(TRANSLATED.settings(tenant)) as client, pytest.raises(OmsInputError):
        Reviews(client)
    assert tenant.requests() == []


class TestPatience:
    def test_what_passes_is_tried_again(self, tenant: EmulatorProcess, reviews: Reviews) -> None:
        load(tenant, range(1, 2))
        tenant.add_fault("throttle", call="search", times=1, retry_after=60)
        tenant.add_fault("status", call="search", status=500, times=1)
        pauses: list[float] = []
        found = patiently(lambda: reviews.orders(at_most=1), sleep=pauses.append)
        assert (len(found), pauses) == (1, [60.0, 2.0])

    def test_a_refused_token_is_replaced(self, tenant: EmulatorProcess, reviews: Reviews) -> None:
        load(tenant, range(1, 2))
        assert reviews.orders(at_most=1)
        tenant.revoke_tokens()
        assert patiently(lambda: reviews.orders(at_most=1), sleep=lambda _: None)

    def test_four_tries_are_enough(self, tenant: EmulatorProcess, reviews: Reviews) -> None:
        tenant.add_fault("status", call="search", status=500)
        pauses: list[float] = []
        with pytest.raises(OmsServerError):
            patiently(lambda: reviews.orders(at_most=1), sleep=pauses.append)
        assert pauses == [1.0, 2.0, 4.0]

    @pytest.mark.parametrize("fault", [{"status": 400}, {"status": 403}])
    def test_what_lasts_is_not_tried_again(
        self, tenant: EmulatorProcess, reviews: Reviews, fault: dict[str, Any]
    ) -> None:
        tenant.add_fault("status", call="search", **fault)
        with pytest.raises(OmsRefusedError if fault["status"] == 400 else Exception):
            patiently(
                lambda: reviews.orders(at_most=1),
                patience=TokenPatience(0),
                sleep=no_sleep,
            )

    def test_nobody_waits_for_an_hour(self, tenant: EmulatorProcess, reviews: Reviews) -> None:
        tenant.add_fault("throttle", call="search", retry_after=3600)
        with pytest.raises(Exception, match="limits the rate"):
            patiently(lambda: reviews.orders(at_most=1), sleep=no_sleep)
