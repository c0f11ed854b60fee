"""What each response means, in words: the whole table of status and body, for both APIs.

The other tests say what must hold of a response. This one shows what a person reads. After a change
that is meant, ``WRITE_DOCS=1`` writes the table again; read what has changed in it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from requests.structures import CaseInsensitiveDict
from written import kept

from airflow_provider_oms.api.dialects import rules_of
from airflow_provider_oms.api.errors import OmsError
from airflow_provider_oms.api.transport import Response
from airflow_provider_oms.api.validation import OrderId

TABLES = Path(__file__).parent / "meanings"
IDS: dict[str, OrderId] = {"translated": 1010101, "native": "12cbf2ebe5bfc90001db13b700002711"}
STATUSES = (200, 204, 302, 400, 401, 403, 404, 409, 412, 421, 422, 423, 429, 500, 503)
HTML = b"<html><head><title>Bad Gateway</title></head><body>nginx</body></html>"


def order(api: str, **fields: Any) -> bytes:
    """Return the document of an order."""
    if api == "native":
        shown = {"id": IDS[api], "orderNumber": 7, "status": "Accepted", "tenantId": 10001}
    else:
        shown = {"orderID": IDS[api], "orderState": "READY", "orderStatus": "BOOKED"}
    return json.dumps({**shown, **fields}).encode()


def bodies(api: str) -> dict[str, bytes]:
    """Return each body with its name."""
    canceled = {"status": "Cancelled"} if api == "native" else {"orderState": "CANCELED"}
    without = {"status": None} if api == "native" else {"orderState": None, "orderStatus": None}
    other = {"id": "0" * 32} if api == "native" else {"orderID": 7}
    return {
        "an open order": order(api),
        "a canceled order": order(api, **canceled),
        "an order without a state": order(api, **without),
        "another order": order(api, **other),
        "nothing": b"",
        "a web page": HTML,
        "a list": b"[]",
        "an error": b'{"errorCode": "VALIDATION_FAILED", "message": "Wrong dispositionReason."}',
        "an error about the state": b'{"code": "5003", "additionalInfo": "already canceled"}',
        "no such order": b'{"errorCode": "ITEM_NOT_FOUND", "message": "Item not found"}',
        "a rate limit": b'{"errorCode": "RATE_LIMITED", "message": "Too many requests"}',
    }


def meaning(api: str, status: int, body: bytes, **headers: str) -> str:
    fields = headers or {"x-vol-correlation": "c0ffee"}
    answer = Response(status, CaseInsensitiveDict(fields), body)
    try:
        shown = rules_of(api).order_in(answer, IDS[api])
    except OmsError as error:
        waits = "" if error.retry_after is None else f", in {error.retry_after:g} s"
        return f"{type(error).__name__} ({error.evidence.name}{waits}): {error}"
    return f"{shown.order_state}, {shown.order_status}, correlation id {shown.correlation_id}"


def table(api: str) -> Iterator[str]:
    """Yield the lines: for each status, the bodies that mean the same."""
    for status in STATUSES:
        names = defaultdict(list)
        for name, body in bodies(api).items():
            names[meaning(api, status, body)].append(name)
        for said, those in names.items():
            yield f"{status} with {', '.join(those)}: {said}"
    for status in (404, 409, 500):
        yield f"{status} of another server: {meaning(api, status, HTML, Server='nginx')}"
    for value in ("0", "7", "2.5", "soon", "Wed, 21 Oct 2099 07:28:00 GMT"):
        for status in (429, 503):
            said = meaning(api, status, b"", **{"Retry-After": value}).partition(":")[0]
            yield f"{status} with Retry-After {value}: {said}"


@pytest.mark.parametrize("api", IDS)
def test_each_response_means_what_is_written_down(api: str) -> None:
    told = "".join(f"{line}\n" for line in table(api))
    assert told == kept(TABLES / f"{api}.txt", told)
