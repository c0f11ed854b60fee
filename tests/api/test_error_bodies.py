"""The meaning of each status with each shape of body: a table that covers every pair."""

from __future__ import annotations

import json
from itertools import product

import pytest
from requests.structures import CaseInsensitiveDict

from airflow_provider_oms.api.errors import OmsHttpError
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.responses import error_of, retry_after_of
from airflow_provider_oms.api.transport import Response

CORRELATION = "0123456789abcdef0123456789abcdef"
# Each way in which an OMS words an error; a hole is where its message goes.
SHAPES = {
    "platform": '{"applicationName": "OMS", "errorCode": "VALIDATION_CONFLICT", "message": "%s"}',
    "platform, within items": '{"items": [{"errorCode": "VALIDATION_CONFLICT", "message": "%s"}]}',
    "platform, in the detail": '{"exceptionDetail": {"message": "%s"}}',
    "classic": '{"code": 5003, "message": "%s"}',
    "classic, additional": '{"code": 5003, "additionalInfo": "%s"}',
    "HTML": "<html><body>%s</body></html>",
    "text": "%s",
    "a JSON array": '["%s"]',
    "a JSON string": '"%s"',
    "JSON that breaks off": '{"message": "%s',
}
SAYS_STATE = {name for name in SHAPES if name.startswith(("platform", "classic"))}
OF_STATE = "Order 5 was already canceled"
OF_NOTHING = "Something went wrong"
EVIDENCE = {
    **dict.fromkeys((300, 301, 302, 303, 304, 307, 308), Evidence.AMBIGUOUS),
    **dict.fromkeys((400, 402, 405, 406, 410, 411, 412, 413, 414, 415), Evidence.REFUSED),
    **dict.fromkeys((416, 417, 418, 422, 424, 426, 428, 431, 451, 499), Evidence.REFUSED),
    **dict.fromkeys((408, 425), Evidence.AMBIGUOUS),
    401: Evidence.UNAUTHENTICATED,
    403: Evidence.FORBIDDEN,
    404: Evidence.NOT_FOUND,
    409: Evidence.CONFLICT,
    421: Evidence.MISDIRECTED,
    423: Evidence.LOCKED,
    429: Evidence.THROTTLED,
    **dict.fromkeys((500, 501, 502, 503, 504, 505, 507, 511, 520, 522, 599), Evidence.AMBIGUOUS),
    **dict.fromkeys((600, 999), Evidence.AMBIGUOUS),
}
BY_STATE = {status for status, evidence in EVIDENCE.items() if evidence is Evidence.REFUSED} | {403}


def error(status: int, body: str, headers: dict[str, str] | None = None) -> OmsHttpError:
    headers = {"x-vol-correlation": CORRELATION} if headers is None else headers
    return error_of(Response(status, CaseInsensitiveDict(headers), body.encode()))


@pytest.mark.parametrize("status", EVIDENCE)
def test_a_body_that_says_nothing_of_the_state_leaves_the_meaning_to_the_status(
    status: int,
) -> None:
    for shape in (*SHAPES.values(), ""):
        body = shape % OF_NOTHING if shape else ""
        assert error(status, body).evidence is EVIDENCE[status], shape


@pytest.mark.parametrize("status", EVIDENCE)
def test_words_of_the_state_make_a_conflict_of_a_refusal_and_of_nothing_else(status: int) -> None:
    for name, shape in SHAPES.items():
        expected = EVIDENCE[status]
        if status in BY_STATE and name in SAYS_STATE:
            expected = Evidence.CONFLICT
        assert error(status, shape % OF_STATE).evidence is expected, name


@pytest.mark.parametrize("status", EVIDENCE)
def test_the_shape_of_the_body_does_not_change_what_is_told(status: int) -> None:
    for name, shape in SHAPES.items():
        found = error(status, shape % OF_NOTHING)
        assert (found.http_status, found.correlation_id) == (status, CORRELATION), name
        assert found.detail == (OF_NOTHING if name in SAYS_STATE else None), name


class TestAWrongAddress:
    @pytest.mark.parametrize(
        "body",
        [
            "",
            "default backend - 404",
            "<html><body>nginx</body></html>",
            '{"detail": "Not Found"}',
            '{"status": 404, "error": "Not Found", "path": "/api/v2/order/7"}',
            '{"message": "no Route matched with those values"}',
            '{"code": "NotFound", "message": "The resource is not here"}',
            '{"statusCode": 404, "message": "Resource not found"}',
        ],
    )
    def test_a_404_without_any_mark_of_an_oms_is_no_missing_order(self, body: str) -> None:
        found = error(404, body, {})
        assert found.evidence is Evidence.WRONG_SERVER
        assert "No OMS answered" in str(found)

    @pytest.mark.parametrize(
        ("body", "headers"),
        [
            ("", {"x-vol-correlation": CORRELATION}),
            ('{"detail": "Not Found"}', {"x-vol-correlation": CORRELATION}),
            ('{"code": 5002}', {}),
            ('{"code": "5013", "message": "no such id"}', {}),
            ('{"errorCode": "ITEM_NOT_FOUND"}', {}),
            ('{"message": "gone", "correlationId": null}', {}),
            ('{"message": "gone", "exceptionDetail": {}}', {}),
            ("gone", {"X-Mashery-Error-Code": "ERR_404"}),
        ],
    )
    def test_one_mark_is_enough_to_believe_it(self, body: str, headers: dict[str, str]) -> None:
        assert error(404, body, headers).evidence is Evidence.NOT_FOUND

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 422])
    def test_a_page_of_something_else_is_never_a_verdict_of_the_oms(self, status: int) -> None:
        assert error(status, "<html></html>", {}).evidence is Evidence.WRONG_SERVER

    @pytest.mark.parametrize("status", [408, 409, 421, 423, 425, 429, 500, 502, 503, 302])
    def test_a_page_of_something_else_does_not_change_what_is_not_known(self, status: int) -> None:
        assert error(status, "<html></html>", {}).evidence is EVIDENCE[status]


SECRETS = ("Zq0", "0123456789", "a b+c/d=e&f", 'quote"s\\and<tags>', "päßwörd", "tok-1.x_y~z")


@pytest.mark.parametrize(
    ("secret", "status"), list(product(SECRETS, (400, 401, 403, 404, 409, 503)))
)
def test_an_echoed_secret_is_cut_out_wherever_it_stands(secret: str, status: int) -> None:
    bodies = (
        {"errorCode": "X", "message": f"no {secret} here"},
        {"errorCode": secret, "message": secret},
        {"code": secret, "additionalInfo": f"{secret}{secret}"},
        {"items": [{"errorCode": f"E-{secret}", "message": f"<{secret}>"}]},
        {"exceptionDetail": {"message": "." * 180 + secret}},
    )
    headers = CaseInsensitiveDict({"x-vol-correlation": secret})
    for body in bodies:
        raw = json.dumps(body).encode()
        found = error_of(Response(status, headers, raw), secrets=("", secret))
        told = f"{found} {found!r} {found.detail} {found.oms_code} {found.correlation_id}"
        assert secret not in told


@pytest.mark.parametrize(
    ("secret", "echo"),
    [
        ("a b+c/d=e&f", "a%20b%2Bc%2Fd%3De%26f"),
        ("a b+c/d=e&f", "a+b%2Bc%2Fd%3De%26f"),
        ("a b+c/d=e&f", "a b+c/d=e&amp;f"),
        ('quote"s\\and<tags>', 'quote\\"s\\\\and<tags>'),
        ('quote"s\\and<tags>', "quote&quot;s\\and&lt;tags&gt;"),
        ("päßwörd", "p\\u00e4\\u00dfw\\u00f6rd"),
        ("päßwörd", "p%C3%A4%C3%9Fw%C3%B6rd"),
    ],
)
def test_an_echo_in_another_encoding_is_cut_out_too(secret: str, echo: str) -> None:
    body = json.dumps({"message": f"got {echo}"}).encode()
    found = error_of(Response(400, CaseInsensitiveDict(), body), secrets=(secret,))
    assert found.detail == "got ***"


@pytest.mark.parametrize("secrets", [("abcd", "abcdefgh"), ("abcdefgh", "abcd")])
def test_a_secret_that_begins_another_one_leaves_no_rest_of_it(secrets: tuple[str, str]) -> None:
    body = b'{"message": "got abcdefgh and abcd"}'
    found = error_of(Response(400, CaseInsensitiveDict(), body), secrets=secrets)
    assert found.detail == "got *** and ***"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("2", 2),
        ("2.0", 2),
        ("2.", 2),
        ("0.5", 0.5),
        (" 7 ", 7),
        ("9" * 12, 7 * 24 * 3600),
        ("9" * 400, 7 * 24 * 3600),
    ],
)
def test_retry_after_in_seconds_is_understood_with_a_fraction_too(
    value: str, seconds: float
) -> None:
    assert retry_after_of({"Retry-After": value}) == seconds


@pytest.mark.parametrize("value", ["", "soon", "-1", "1e3", ".", ".5", "1,5", "٣", "1 2", "NaN"])
def test_retry_after_that_makes_no_sense_counts_as_none(value: str) -> None:
    assert retry_after_of({"Retry-After": value}) is None
