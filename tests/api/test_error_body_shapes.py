"""The effect of an error's body: each shape of a body, with each status that it can come with.

A state's words turn a refusal into a question about the order's state, which a read answers. They
must not do so where the OMS may have acted, or where no order was looked at.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from raw_server import RawServer
from requests.structures import CaseInsensitiveDict
from wire import EXAMPLE, client_of, document

from airflow_provider_oms.api import errors
from airflow_provider_oms.api.errors import OmsConflictError, OmsHttpError
from airflow_provider_oms.api.responses import clean_text, error_of, retry_after_of
from airflow_provider_oms.api.translated import Translated
from airflow_provider_oms.api.transport import Response

CORRELATION = {"x-vol-correlation": "0123456789abcdef0123456789abcdef"}
Shape = Callable[[str, str], Any]

# Where the two shapes of error bodies keep a code and a text, and where proxies of theirs do.
SHAPES: dict[str, Shape] = {
    "platform": lambda code, text: {"errorCode": code, "message": text},
    "classic": lambda code, text: {"code": code, "additionalInfo": text},
    "status code": lambda code, text: {"statusCode": code, "message": text},
    "exception": lambda code, text: {"exceptionDetail": {"errorCode": code, "message": text}},
    "items": lambda code, text: {"items": [{"errorCode": code, "message": text}]},
    "a later item": lambda code, text: {
        "items": [None, "x", {"message": " "}, {"errorCode": code, "message": text}]
    },
    "empty fields first": lambda code, text: {
        "errorCode": "",
        "code": code,
        "message": None,
        "additionalInfo": text,
    },
    "no text on top": lambda code, text: {"errorCode": code, "items": [{"message": text}]},
    "no code on top": lambda code, text: {"message": text, "items": [{"errorCode": code}]},
}
WORDS = ("Order 7 was already canceled", "The order is not cancelable", "Order has been shipped")
ABOUT_THE_STATE = (400, 403, 422)
# It may have acted; or it has judged the token, the rate or the address, and not the order.
NEVER_ABOUT_THE_STATE = (301, 302, 307, 401, 404, 408, 425, 429, 500, 502, 503, 504, 599)


def error(status: int, body: Any, **arguments: Any) -> OmsHttpError:
    answer = Response(status, CaseInsensitiveDict(CORRELATION), json.dumps(body).encode())
    return error_of(answer, **arguments)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
class TestEveryShape:
    def test_a_refusal_that_speaks_of_the_state_is_a_conflict(self, shape: Shape) -> None:
        for status, words in itertools.product(ABOUT_THE_STATE, WORDS):
            assert type(error(status, shape("E-1", words))) is OmsConflictError, (status, words)

    def test_the_same_words_change_nothing_about_any_other_status(self, shape: Shape) -> None:
        for status, words in itertools.product(NEVER_ABOUT_THE_STATE, WORDS):
            found, plain = error(status, shape("E-1", words)), error(status, {})
            assert type(found) is type(plain), (status, words)
            assert not isinstance(found, OmsConflictError), (status, words)

    def test_its_code_and_its_text_are_kept(self, shape: Shape) -> None:
        for status in (*ABOUT_THE_STATE, *NEVER_ABOUT_THE_STATE):
            found = error(status, shape("E-1", "Something is wrong"))
            assert (found.oms_code, found.detail) == ("E-1", "Something is wrong"), status
            assert found.http_status == status
            assert found.correlation_id == CORRELATION["x-vol-correlation"]

    def test_its_code_alone_can_speak_of_the_state(self, shape: Shape) -> None:
        codes = ("ORDER_ALREADY_CANCELED", "INVALID_ORDER_STATE")
        for status, code in itertools.product(ABOUT_THE_STATE, codes):
            assert type(error(status, shape(code, ""))) is OmsConflictError, (status, code)


def test_each_status_means_one_kind_of_failure() -> None:
    named = {
        401: errors.OmsUnauthorizedError,
        403: errors.OmsForbiddenError,
        404: errors.OmsNotFoundError,
        408: errors.OmsServerError,
        409: errors.OmsConflictError,
        421: errors.OmsMisdirectedError,
        423: errors.OmsLockedError,
        425: errors.OmsServerError,
        429: errors.OmsThrottledError,
    }
    for statuses, kind in (
        (range(300, 400), errors.OmsRedirectedError),
        (range(400, 500), errors.OmsRefusedError),
        (range(500, 1000), errors.OmsServerError),
    ):
        for status in statuses:
            assert type(error(status, {})) is named.get(status, kind), status


def test_what_stands_on_top_comes_before_what_stands_within() -> None:
    inner = {"errorCode": "INNER", "message": "the inner one"}
    body = {"errorCode": "OUTER", "message": "the outer one", "items": [inner]}
    found = error(400, body | {"exceptionDetail": inner})
    assert (found.oms_code, found.detail) == ("OUTER", "the outer one")
    numbers = error(400, {"code": 5002, "statusCode": 9, "message": 7})
    assert (numbers.oms_code, numbers.detail) == ("5002", "7")
    assert error(400, {"code": True, "message": ["x"]}).oms_code is None


@pytest.mark.parametrize(
    "body", [None, [], "canceled", 7, {}, {"items": {}}, {"items": "canceled"}], ids=repr
)
def test_a_body_of_no_shape_says_nothing(body: Any) -> None:
    for status in (*ABOUT_THE_STATE, *NEVER_ABOUT_THE_STATE):
        found = error(status, body)
        assert (found.oms_code, found.detail) == (None, None), status
        assert not isinstance(found, OmsConflictError), status


class TestSecretsAreCutOut:
    # Words by which no pattern would know them.
    SECRETS = ("plainword", "another-one")

    @pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
    @pytest.mark.parametrize("secret", SECRETS)
    def test_wherever_they_are_echoed(self, secret: str, shape: Shape) -> None:
        for body in (shape("E-1", f"Not: {secret}."), shape(secret, "Wrong")):
            found = error(400, body, secrets=self.SECRETS)
            assert secret not in f"{found} {found.detail} {found.oms_code}"
            assert "***" in f"{found.detail} {found.oms_code}"

    def test_an_empty_one_cuts_nothing(self) -> None:
        assert error(400, {"message": "Wrong"}, secrets=("",)).detail == "Wrong"

    def test_also_out_of_what_is_raised_in_place_of_an_order(self) -> None:
        answer = Response(400, CaseInsensitiveDict(CORRELATION), b'{"message": "not plainword"}')
        with pytest.raises(OmsHttpError) as raised:
            Translated().order_in(answer, 7, secrets=self.SECRETS)
        assert raised.value.detail == "not ***"

    @pytest.mark.parametrize("echoed", ["plaintoken", "plainword"])
    def test_a_client_knows_its_token_and_its_secret(self, echoed: str) -> None:
        token = document({"access_token": "plaintoken", "expires_in": 3600})
        echo = document({"message": f"Refused: {echoed}"}, "422 Unprocessable Content")
        with RawServer([token, echo]) as server:
            client = client_of(server.url, credentials=("id", "plainword"))
            with pytest.raises(OmsHttpError) as raised:
                client.post_cancel(EXAMPLE)
        assert raised.value.detail == "Refused: ***"


class TestHowMuchIsTaken:
    def test_a_long_text_is_quoted_from_its_beginning(self) -> None:
        detail = error(400, {"message": "word " * 1000}).detail
        assert detail is not None
        assert detail.startswith("word word word")
        assert 190 < len(detail) <= 200

    @pytest.mark.parametrize(
        ("text", "quoted"),
        [
            ("9" * 996 + " end", "<number> end"),
            ("9" * 997 + " end", ""),
            (" " * 7997 + "end", "end"),
            (" " * 7998 + "end", ""),
            ("x" * 200, "x" * 200),
            ("x" * 201, "x" * 199 + "…"),
        ],
        ids=["1000", "1001", "8000", "8001", "200", "201"],
    )
    def test_how_far_a_text_is_read_and_quoted(self, text: str, quoted: str) -> None:
        assert clean_text(text) == quoted

    def test_an_id_or_a_code_has_sixty_four_characters_at_most(self) -> None:
        code, longer = "C" * 64, "C" * 65
        assert error(400, {"errorCode": code}).oms_code == code
        assert error(400, {"errorCode": longer}).oms_code == code
        # A correlation id is looked for in other systems, where a part of it finds nothing.
        for sent, kept in ((code, code), (longer, None)):
            answer = Response(400, CaseInsensitiveDict({"x-vol-correlation": sent}), b"{}")
            assert error_of(answer).correlation_id == kept

    def test_a_wait_is_a_week_at_most(self) -> None:
        week = 7 * 24 * 3600
        for asked, wait in ((week - 1, week - 1), (week, week), (week + 1, week), (10**8, week)):
            assert retry_after_of({"Retry-After": str(asked)}) == wait
