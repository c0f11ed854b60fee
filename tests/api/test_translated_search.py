"""Reading up to a hundred orders at once: requests, and trusted parts of a response."""

from __future__ import annotations

import json
from typing import Any

import pytest
from any_responses import BODIES, HEADERS, SECRET, STATUSES, VALUES, assert_tells_no_secret
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_server import RawServer
from requests.structures import CaseInsensitiveDict
from wire import client_of, document, head_and_body

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.errors import (
    OmsError,
    OmsForbiddenError,
    OmsHttpError,
    OmsInputError,
    OmsNoResponseError,
    OmsRedirectedError,
    OmsSearchError,
    OmsServerError,
    OmsThrottledError,
    OmsUnauthorizedError,
    OmsUnexpectedResponseError,
)
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.translated import Translated
from airflow_provider_oms.api.translated_search import MOST_PER_BATCH
from airflow_provider_oms.api.transport import Response

MARK = {"x-vol-correlation": "0123456789abcdef"}


def order(order_id: object, state: object = "READY", **more: Any) -> dict[str, Any]:
    return {"orderID": order_id, "orderState": state, **more}


def page(*orders: object, **changes: Any) -> dict[str, Any]:
    return {"totalCount": len(orders), "collection": list(orders), **changes}


def read(
    content: object,
    *,
    asked: tuple[int, ...] = (7, 8),
    status: int = 200,
    complete: bool = True,
    headers: dict[str, str] | None = None,
) -> dict[Any, Order]:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    found = CaseInsensitiveDict(MARK | (headers or {}))
    return Translated().orders_in(Response(status, found, body, complete), asked, secrets=(SECRET,))


def states(orders: dict[Any, Order]) -> dict[Any, str | None]:
    return {order_id: found.order_state for order_id, found in orders.items()}


class TestWhatIsBelieved:
    def test_each_order_that_was_asked_for_under_its_own_id(self) -> None:
        found = read(page(order(8, "CANCELED"), order(7)))
        assert states(found) == {7: "READY", 8: "CANCELED"}
        assert found[8].evidence is Evidence.CANCELED
        assert found[8].correlation_id == MARK["x-vol-correlation"]
        assert found[8].http_status == 200

    def test_an_order_that_is_not_there_is_missing(self) -> None:
        assert states(read(page(order(7)))) == {7: "READY"}
        assert read(page()) == {}

    @pytest.mark.parametrize(
        "entry",
        [
            {"orderID": 8},
            order(8, {"name": "READY"}),
            order("08"),
            order(None),
            order(True),
            ["READY"],
            8,
            None,
        ],
    )
    def test_what_is_no_order_is_missing_and_costs_the_others_nothing(self, entry: object) -> None:
        assert states(read(page(order(7), entry))) == {7: "READY"}

    def test_an_order_that_is_there_twice_counts_if_both_say_the_same(self) -> None:
        assert states(read(page(order(7), order(7)))) == {7: "READY"}

    @pytest.mark.parametrize("more", [(), (order(7),), (order(7, "CANCELED"),)])
    def test_an_order_about_which_the_answer_contradicts_itself_is_missing(
        self, more: tuple[object, ...]
    ) -> None:
        answer = page(order(7), order(7, "CANCELED"), *more, order(8))
        assert states(read(answer)) == {8: "READY"}

    def test_two_that_differ_in_the_status_alone_contradict_each_other_too(self) -> None:
        answer = page(order(7, orderStatus="READY"), order(7, orderStatus="CANCELED"))
        assert read(answer) == {}

    def test_a_whole_page_is_read(self) -> None:
        asked = tuple(range(1, MOST_PER_BATCH + 1))
        assert len(read(page(*map(order, asked)), asked=asked)) == MOST_PER_BATCH

    def test_an_answer_from_a_cache_makes_every_order_that_much_older(self) -> None:
        found = read(page(order(7), order(8)), headers={"Age": "30"})
        assert [each.age for each in found.values()] == [30, 30]


class TestAnotherShape:
    @pytest.mark.parametrize(
        "content",
        [
            [order(7)],
            order(7),
            {"items": [order(7)], "totalCount": 1},
            {"collection": [order(7)]},
            {"totalCount": 1},
            page(order(7), collection={"7": order(7)}),
            page(order(7), collection=7),
            page(order(7), collection=None),
            page(order(7), totalCount="1"),
            page(order(7), totalCount=True),
            page(order(7), totalCount=-1),
            page(7, 8),
            page({"order": order(7)}),
            page({"orderID": 7}),
            7,
            "collection",
            None,
        ],
    )
    def test_what_is_not_the_envelope_proves_nothing(self, content: object) -> None:
        with pytest.raises(OmsSearchError, match="answered with success, but with") as refusal:
            read(content)
        assert refusal.value.evidence is Evidence.AMBIGUOUS

    @pytest.mark.parametrize("asked", [(7, 8), (8, 10)])
    def test_one_order_that_was_not_asked_for_makes_it_the_answer_to_something_else(
        self, asked: tuple[int, ...]
    ) -> None:
        with pytest.raises(OmsSearchError, match="orders that were not asked for"):
            read(page(order(8, "CANCELED"), order(9, "CANCELED")), asked=asked)

    def test_more_orders_than_a_page_holds(self) -> None:
        with pytest.raises(OmsSearchError, match="more than 100 orders"):
            read(page(*[order(7)] * (MOST_PER_BATCH + 1)))


class TestFailures:
    @pytest.mark.parametrize("status", [400, 404, 405, 409, 410, 414, 422])
    @pytest.mark.parametrize("body", [b"", b"<html>", b'{"errorCode": "ITEM_NOT_FOUND"}'])
    @pytest.mark.parametrize("marks", [MARK, {}])
    def test_a_search_that_is_not_there_says_nothing_about_any_order(
        self, status: int, body: bytes, marks: dict[str, str]
    ) -> None:
        with pytest.raises(OmsSearchError, match="has no search for orders") as refusal:
            Translated().orders_in(Response(status, CaseInsensitiveDict(marks), body), (7,))
        assert refusal.value.evidence is Evidence.AMBIGUOUS
        assert refusal.value.http_status == status
        assert f"HTTP {status}" in str(refusal.value)

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (301, OmsRedirectedError),
            (401, OmsUnauthorizedError),
            (403, OmsForbiddenError),
            (429, OmsThrottledError),
            (500, OmsServerError),
            (503, OmsServerError),
        ],
    )
    def test_what_may_pass_is_the_same_error_as_with_get_order(
        self, status: int, kind: type[OmsHttpError]
    ) -> None:
        with pytest.raises(kind) as refusal:
            read(b"", status=status, headers={"Retry-After": "9"})
        assert not isinstance(refusal.value, OmsSearchError)
        assert refusal.value.retry_after == 9

    @pytest.mark.parametrize("body", [b"", b"<html>Please wait</html>", b"OK", b'{"totalCount": 1'])
    def test_a_success_without_json_may_pass_too(self, body: bytes) -> None:
        with pytest.raises(OmsUnexpectedResponseError, match=r"no JSON|empty|HTML"):
            read(body)

    def test_so_may_a_body_that_broke_off(self) -> None:
        with pytest.raises(OmsUnexpectedResponseError, match="broke off"):
            read(page(order(7), order(8)), complete=False)


ENTRIES = st.one_of(
    VALUES,
    st.builds(
        order,
        st.sampled_from([7, 8, 9, "7", "8"]),
        st.sampled_from(["READY", "CANCELED", "", None, 5, "x" * 65]),
        shopper=VALUES,
    ),
)
PAGES = st.one_of(
    BODIES,
    st.builds(
        lambda entries, changes: json.dumps({**page(*entries), **changes}).encode(),
        st.lists(ENTRIES, max_size=5),
        st.dictionaries(st.sampled_from(["totalCount", "collection", "items"]), VALUES, max_size=1),
    ),
)


def reading(answer: Response) -> dict[Any, Order] | OmsHttpError:
    try:
        return Translated().orders_in(answer, (7, 8), secrets=(SECRET,))
    except OmsHttpError as error:
        return error


@settings(max_examples=200, deadline=None)
@given(STATUSES, HEADERS, PAGES, st.booleans())
def test_whatever_comes_it_ends_in_orders_that_were_asked_for_or_in_a_typed_error(
    status: int, headers: dict[str, str], body: bytes, complete: bool
) -> None:
    answer = Response(status, CaseInsensitiveDict(headers), body, complete)
    found = reading(answer)
    if isinstance(found, OmsHttpError):
        assert found.evidence is not Evidence.NOT_FOUND
        assert_tells_no_secret(found, found.detail, found.oms_code, found.correlation_id)
        return
    assert answer.is_success
    assert complete
    assert set(found) <= {7, 8}
    entries = json.loads(body)["collection"]
    for order_id, one in found.items():
        assert one.order_id == order_id
        said = [entry for entry in entries if entry is not None and one.raw == entry]
        assert said


class TestTheCall:
    def test_it_is_one_get_with_the_list_of_ids(self) -> None:
        with RawServer([document(page(order(8), order(7)))]) as server:
            client = client_of(server.url, site_id=3)
            assert states(dict(client.find_orders([7, "8", 7]))) == {7: "READY", 8: "READY"}
        (request,) = server.requests
        head, body = head_and_body(request)
        assert head[0] == "GET /api/v2/order/?orderID=7,8&perPage=100&page=1 HTTP/1.1"
        assert {"x-vol-tenant: 10001", "x-vol-site: 3", "Cache-Control: no-cache"} <= set(head)
        assert body == b""

    @pytest.mark.parametrize("ids", [[], range(1, 102), [0], ["x"], [7, None]])
    def test_ids_that_cannot_be_asked_for_are_refused_before_anything_is_sent(
        self, ids: Any
    ) -> None:
        with RawServer([document(page())]) as server, pytest.raises(OmsInputError):
            client_of(server.url).find_orders(ids)
        assert server.requests == []

    def test_its_errors_are_about_no_single_order(self) -> None:
        with RawServer([document({"code": 5002}, "404 Not Found")]) as server:
            client = client_of(server.url)
            with pytest.raises(OmsSearchError) as refusal:
                client.find_orders([7])
        assert refusal.value.order_id is None

    def test_a_search_that_nothing_answers_is_the_error_of_any_read(self) -> None:
        def hang_up(connection: Any, _: bytes) -> None:
            connection.close()

        with RawServer([hang_up]) as server, pytest.raises(OmsNoResponseError):
            client_of(server.url).find_orders([7])

    def test_a_refused_token_is_replaced_and_does_not_count_for_the_reads(self) -> None:
        refused = document({"errorCode": "INVALID_ACCESS_TOKEN"}, "401 Unauthorized")
        script = [
            document({"access_token": "one", "expires_in": 3600}),
            document(order(7)),
            refused,
            document({"access_token": "two", "expires_in": 3600}),
            document(page(order(7))),
        ]
        with RawServer(script) as server:
            client = client_of(server.url, credentials=("id", "secret"))
            client.get_order(7)
            assert _evidence(client) is Evidence.UNAUTHENTICATED
            assert states(dict(client.find_orders([7]))) == {7: "READY"}
        assert b"Bearer two" in server.requests[-1]


def _evidence(client: OmsClient) -> Evidence:
    with pytest.raises(OmsError) as refusal:
        client.find_orders([7])
    return refusal.value.evidence
