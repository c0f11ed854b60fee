"""Orders looked up by a number, or several at once: requests, and trusted parts of a response."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from any_responses import BODIES, HEADERS, SECRET, STATUSES, VALUES, assert_tells_no_secret
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from airflow_provider_oms.api.errors import (
    OmsError,
    OmsForbiddenError,
    OmsHttpError,
    OmsNotFoundError,
    OmsRefusedError,
    OmsSearchError,
    OmsServerError,
    OmsThrottledError,
    OmsUnauthorizedError,
    OmsUnexpectedResponseError,
    OmsWrongServerError,
)
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.native import Native
from airflow_provider_oms.api.native_search import MOST_PER_PAGE
from airflow_provider_oms.api.transport import Response
from airflow_provider_oms.api.values import OrderId

ID = "137a94b6402be0000137196800002711"
OTHER = "000094b6402be0000137196800002711"
MARK = {"x-vol-correlation": "0123456789abcdef"}
NUMBER, SHOPS = "number:1042", "external_id:SHOP-1042"


def hit(order_id: object = ID, status: object = "Accepted", **more: Any) -> dict[str, Any]:
    known = {"orderNumber": 1042, "externalId": "SHOP-1042", "tenantId": 10001, "siteId": 2}
    return {"id": order_id, "status": status, **known, **more}


def page(*hits: object, **changes: Any) -> dict[str, Any]:
    return {"totalCount": len(hits), "items": list(hits), **changes}


def answer_of(content: object, status: int = 200, **more: Any) -> Response:
    headers = CaseInsensitiveDict(more.pop("headers", MARK))
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Response(status, headers, body, **more)


def found(
    content: object, asked: OrderId = NUMBER, *, site: str | None = None, **more: Any
) -> Order:
    """Read the answer to the search for one order."""
    return Native("10001", site_id=site).order_in(
        answer_of(content, **more), asked, secrets=(SECRET,)
    )


def all_found(content: object, *asked: OrderId, **more: Any) -> dict[OrderId, Order]:
    """Read the answer to the search for several."""
    native = Native("10001", site_id=more.pop("site", None), joins_with_or=True)
    return native.orders_in(answer_of(content, **more), asked or (ID, OTHER), secrets=(SECRET,))


class TestOneOrder:
    @pytest.mark.parametrize("asked", [NUMBER, SHOPS])
    def test_it_is_the_only_one_that_says_the_same(self, asked: str) -> None:
        order = found(page(hit(ID.upper(), "Cancelled")), asked, headers={**MARK, "Age": "7"})
        assert (order.order_id, order.is_canceled, order.age) == (ID, True, 7)
        assert order.correlation_id == MARK["x-vol-correlation"]

    @pytest.mark.parametrize("number", [1042, "1042"])
    def test_its_number_may_come_as_a_text(self, number: object) -> None:
        assert found(page(hit(orderNumber=number))).order_id == ID

    def test_none_is_an_order_that_is_not_there(self) -> None:
        with pytest.raises(OmsNotFoundError, match="no order with orderNumber 1042") as refusal:
            found(page())
        assert refusal.value.evidence is Evidence.NOT_FOUND

    def test_several_are_refused_and_it_is_said_what_to_do(self) -> None:
        with pytest.raises(OmsRefusedError, match="2 orders have orderNumber 1042") as refusal:
            found(page(hit(ID, "Cancelled"), hit(OTHER, "Cancelled")))
        assert "name the order by its id, or give the connection a site_id" in str(refusal.value)

    def test_more_than_a_page_of_them_are_several_too(self) -> None:
        with pytest.raises(OmsRefusedError, match="2 orders have orderNumber 1042"):
            found(page(hit(ID), hit(OTHER), totalCount=45))

    @pytest.mark.parametrize("shown", [page(hit(), totalCount=2), page(totalCount=1)])
    def test_one_on_a_page_that_is_not_whole_may_be_one_of_several(self, shown: Any) -> None:
        with pytest.raises(OmsUnexpectedResponseError, match="only a part"):
            found(shown)

    def test_a_number_of_digits_is_not_the_same_in_another_form(self) -> None:
        for external_id in ("01042", "1042.0", " 1042"):
            with pytest.raises(OmsUnexpectedResponseError):
                found(page(hit(externalId=external_id)), "external_id:1042")

    @pytest.mark.parametrize("shown", ["shop-1042", "Shop-1042"])
    def test_a_number_in_other_letters_is_another_number(self, shown: str) -> None:
        with pytest.raises(OmsNotFoundError):
            found(page(hit(externalId=shown)), SHOPS)
        both = page(hit(externalId=shown), hit(OTHER))
        assert found(both, SHOPS).order_id == OTHER

    @pytest.mark.parametrize(
        "entry",
        [
            *(hit(orderNumber=one) for one in (1043, None, True, 1042.5, "01042", [1042])),
            *(hit(one) for one in ("1042", None, 1042, "number:1042")),
            hit(tenantId=None),
            *(hit(status=one) for one in (None, "", 1, ["Cancelled"])),
            *({"orderNumber": 1042, "id": ID, "status": "Accepted"}, 7, None, "1042", [hit()]),
        ],
    )
    @pytest.mark.parametrize("more", [(), (hit(OTHER),)])
    def test_one_thing_that_was_not_asked_for_makes_it_the_answer_to_something_else(
        self, entry: object, more: tuple[object, ...]
    ) -> None:
        with pytest.raises(OmsUnexpectedResponseError) as refusal:
            found(page(*more, entry))
        assert refusal.value.evidence is Evidence.AMBIGUOUS

    @pytest.mark.parametrize("tenant", [10002, "10002", True])
    @pytest.mark.parametrize("more", [(), (hit(OTHER),)])
    def test_an_order_of_another_tenant_is_a_fault_of_the_connection(
        self, tenant: object, more: tuple[object, ...]
    ) -> None:
        with pytest.raises(OmsWrongServerError, match="check the connection's tenant_id") as said:
            found(page(*more, hit(tenantId=tenant)))
        assert said.value.evidence is Evidence.WRONG_SERVER
        # Nothing acted, so that no person has to look for an order that was canceled.
        assert not said.value.is_of_another_tenant

    def test_an_order_that_is_there_twice_is_one(self) -> None:
        assert found(page(hit(), hit())).order_id == ID

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_one_in_two_states_proves_nothing(self, order: tuple[int, int]) -> None:
        both = (hit(), hit(status="Cancelled"))
        with pytest.raises(OmsUnexpectedResponseError, match="an order that is in two states"):
            found(page(*(both[one] for one in order)))


class TestASite:
    @pytest.mark.parametrize("site", ["2", "02"])
    def test_only_its_orders_count(self, site: str) -> None:
        assert found(page(hit(), hit(OTHER, siteId=3)), site=site).order_id == ID

    def test_one_of_another_is_not_there(self) -> None:
        with pytest.raises(OmsNotFoundError):
            found(page(hit(siteId=3)), site="2")

    def test_several_of_one_are_refused(self) -> None:
        with pytest.raises(OmsRefusedError, match="2 orders"):
            found(page(hit(), hit(OTHER)), site="2")

    def test_an_order_that_does_not_say_of_which_it_is_proves_nothing(self) -> None:
        with pytest.raises(OmsUnexpectedResponseError, match="does not say whose it is"):
            found(page(hit(siteId=None)), site="2")
        assert found(page(hit(siteId=None))).order_id == ID


class TestAnOrderThatIsNotFound:
    @pytest.mark.parametrize(
        ("asked", "site", "said"),
        [
            (NUMBER, None, "The OMS knows no order with orderNumber 1042 ("),
            (SHOPS, None, "externalId SHOP-1042; letter case counts ("),
            (NUMBER, "7", "orderNumber 1042; only site 7, which site_id names, was searched ("),
            (
                SHOPS,
                "7",
                "1042; only site 7, which site_id names, was searched; letter case counts (",
            ),
        ],
    )
    def test_it_is_said_where_it_was_searched_and_how_it_was_compared(
        self, asked: str, site: str | None, said: str
    ) -> None:
        with pytest.raises(OmsNotFoundError) as missing:
            found(page(), asked, site=site)
        assert said in missing.value.message


class TestAnotherShape:
    @pytest.mark.parametrize(
        "content",
        [
            *(hit(), [hit()], {"items": [hit()]}, {"totalCount": 1}, {"totalCount": 0}),
            *(page(hit(), totalCount=one) for one in (0, 2, -1, "1", None, True, 1.5)),
            *(page(items=one) for one in (None, {}, {"0": hit()}, "", 0)),
            *(page(hit(), items=hit()), {"totalCount": 1, "collection": [hit()]}),
            *(7, "items", None, True),
        ],
    )
    def test_what_is_not_the_envelope_proves_nothing(self, content: object) -> None:
        for ask in (found, all_found):
            with pytest.raises(OmsUnexpectedResponseError) as refusal:
                ask(content)
            assert refusal.value.evidence is Evidence.AMBIGUOUS
            assert "The search for orders answered with success, but with" in str(refusal.value)

    @pytest.mark.parametrize(
        ("body", "named"),
        [
            (b"", "an empty body"),
            (b" <html>", "an HTML page"),
            (b"OK", "something that is no JSON"),
            (b'{"totalCount": 1, "items": [', "something that is no JSON"),
        ],
    )
    def test_it_is_said_what_came_instead(self, body: bytes, named: str) -> None:
        with pytest.raises(OmsUnexpectedResponseError, match=named):
            found(body)

    def test_a_body_that_broke_off_proves_nothing_though_it_looks_whole(self) -> None:
        for ask in (found, all_found):
            with pytest.raises(OmsUnexpectedResponseError):
                ask(page(), complete=False)


class TestAFailure:
    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (400, OmsRefusedError),
            (404, OmsRefusedError),
            (409, OmsRefusedError),
            (414, OmsRefusedError),
            (401, OmsUnauthorizedError),
            (403, OmsForbiddenError),
            (429, OmsThrottledError),
            (500, OmsServerError),
            (503, OmsServerError),
        ],
    )
    @pytest.mark.parametrize("body", [b"", b"<html>", {"errorCode": "ITEM_NOT_FOUND"}])
    def test_it_never_says_that_the_order_is_not_there(
        self, status: int, kind: type[OmsHttpError], body: object
    ) -> None:
        with pytest.raises(kind) as refusal:
            found(body, status=status, headers={**MARK, "Retry-After": "60"})
        assert refusal.value.evidence not in (Evidence.NOT_FOUND, Evidence.CONFLICT)
        if kind is OmsThrottledError:
            assert refusal.value.retry_after == 60

    def test_an_address_that_is_not_known_is_the_connections(self) -> None:
        with pytest.raises(OmsRefusedError) as refusal:
            found({"errorCode": "ITEM_NOT_FOUND", "message": "no such resource"}, status=404)
        assert str(refusal.value).startswith(
            "The OMS has no search for orders at this address; check the connection's host and its "
            "path, as airflow oms check does (HTTP 404, "
        )
        assert refusal.value.evidence is Evidence.REFUSED

    def test_words_about_a_state_say_nothing_of_the_order_either(self) -> None:
        body = {"errorCode": "X", "message": "The order can not be canceled, it is shipped."}
        with pytest.raises(OmsRefusedError, match="refuses the search for the order") as refusal:
            found(body, status=400)
        assert refusal.value.evidence is Evidence.REFUSED

    @pytest.mark.parametrize("ask", [found, all_found])
    def test_an_empty_404_is_a_wrong_address(self, ask: Any) -> None:
        with pytest.raises(OmsWrongServerError, match="host or tenant_id is wrong"):
            ask(b"", status=404, headers={})

    @pytest.mark.parametrize("status", [400, 404, 405, 409, 414, 422])
    def test_a_tenant_may_not_take_a_search_for_several(self, status: int) -> None:
        with pytest.raises(OmsSearchError, match="does not take a search for several") as refusal:
            all_found({"errorCode": "X", "message": "no"}, status=status)
        assert refusal.value.evidence is Evidence.AMBIGUOUS

    @pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
    def test_what_may_pass_is_no_reason_to_give_it_up(self, status: int) -> None:
        with pytest.raises(OmsHttpError) as refusal:
            all_found(b"", status=status)
        assert not isinstance(refusal.value, OmsSearchError)


class TestSeveral:
    def test_each_is_found_under_what_names_it(self) -> None:
        content = page(hit(), hit(OTHER, "Cancelled", orderNumber=7, externalId="x"))
        orders = all_found(content, ID.upper(), "number:7", SHOPS)
        assert {key: one.order_id for key, one in orders.items()} == {
            ID.upper(): ID,
            "number:7": OTHER,
            SHOPS: ID,
        }
        assert orders["number:7"].is_canceled

    def test_what_is_not_clear_is_left_out_and_costs_the_others_nothing(self) -> None:
        content = page(
            hit(), hit(OTHER), hit("f" * 32, orderNumber=7), hit("e" * 32, orderNumber=8)
        )
        assert set(all_found(content, NUMBER, "number:7", "number:8", "number:9")) == {
            "number:7",
            "number:8",
        }

    def test_so_is_an_order_of_another_site(self) -> None:
        content = page(hit(), hit(OTHER, siteId=3))
        assert set(all_found(content, site="2")) == {ID}

    def test_one_that_was_not_asked_for_makes_it_the_answer_to_something_else(self) -> None:
        with pytest.raises(OmsUnexpectedResponseError, match="not asked for"):
            all_found(page(hit(), hit("f" * 32)))

    def test_it_is_asked_for_only_where_a_setting_admits_it(self) -> None:
        assert Native("1").most_per_search == 0
        assert Native("1", joins_with_or=True).most_per_search == MOST_PER_PAGE


def test_a_search_asks_for_nothing_of_the_shoppers_and_has_room_for_all() -> None:
    native = Native("10001", joins_with_or=True)
    ids = [f"{number:032x}" for number in range(MOST_PER_PAGE)]
    call = native.search_call(ids)
    assert (call.method, call.body) == ("GET", None)
    assert len(call.path) < 4000
    query = parse_qs(urlsplit(call.path).query)
    assert query["filter"] == [" or ".join(f"id eq {one}" for one in ids)]
    assert query["pageSize"] == ["100"]
    (fields,) = query["responseFields"]
    assert fields.startswith("totalCount,items(id,orderNumber,externalId,tenantId,siteId,status,")
    assert not {"email", "items(items", "billingInfo"} & set(fields.split(","))


HITS = st.one_of(
    VALUES,
    st.builds(
        hit,
        st.sampled_from([ID, OTHER, ID.upper(), "1042", None]),
        st.sampled_from(["Accepted", "Cancelled", "", None, 5]),
        orderNumber=st.sampled_from([1042, "1042", 1043, None, True]),
        tenantId=st.sampled_from([10001, 10001, 10001, 10002, None]),
        siteId=st.sampled_from([2, 2, 3, None]),
    ),
)
PAGES = st.one_of(
    BODIES,
    st.builds(
        lambda hits, changes: json.dumps({**page(*hits), **changes}).encode(),
        st.lists(HITS, max_size=4),
        st.dictionaries(st.sampled_from(["totalCount", "items"]), VALUES, max_size=1),
    ),
)


def reading(ask: Callable[..., Any], *asked: object, **answer: Any) -> Any:
    try:
        return ask(*asked, **answer)
    except OmsError as error:
        return error


@given(STATUSES, HEADERS, PAGES, st.booleans(), st.sampled_from([None, "2"]))
def test_whatever_comes_it_ends_in_an_order_that_fits_or_in_a_typed_error(
    status: int, headers: dict[str, str], body: bytes, complete: bool, site: str | None
) -> None:
    order = reading(found, body, status=status, headers=headers, complete=complete, site=site)
    is_not_found = isinstance(order, OmsError) and order.evidence is Evidence.NOT_FOUND
    if isinstance(order, OmsError):
        assert_tells_no_secret(order, order.oms_code, order.correlation_id)
        if not is_not_found:
            return
    # It is never said that an order is not there because of a failure, or of something else.
    assert status // 100 == 2
    assert complete
    hits = [one for one in json.loads(body)["items"] if site is None or one["siteId"] == 2]
    assert bool(hits) is not is_not_found
    if hits:
        assert {one["id"].lower() for one in hits} == {order.order_id}
        assert {one["status"] for one in hits} == {order.order_state}
    assert all(str(one["orderNumber"]) == "1042" and one["tenantId"] == 10001 for one in hits)


@given(STATUSES, HEADERS, PAGES, st.booleans())
def test_so_it_does_for_several(
    status: int, headers: dict[str, str], body: bytes, complete: bool
) -> None:
    asked = (ID, "number:1042")
    orders = reading(all_found, body, *asked, status=status, headers=headers, complete=complete)
    if isinstance(orders, OmsHttpError):
        assert orders.evidence is not Evidence.NOT_FOUND
        assert_tells_no_secret(orders, orders.detail, orders.oms_code, orders.correlation_id)
        return
    assert set(orders) <= set(asked)
    assert ID not in orders or orders[ID].order_id == ID
