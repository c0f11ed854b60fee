"""Turn a response that is not the order asked for into a typed error.

Nothing here sends anything or decides on the next step.
"""

from __future__ import annotations

import email.utils
import html
import json
import re
import time
from collections.abc import Iterable, Mapping
from datetime import UTC
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, quote_plus

from airflow_provider_oms.api.errors import (
    OmsConflictError,
    OmsForbiddenError,
    OmsHttpError,
    OmsLockedError,
    OmsMisdirectedError,
    OmsNotFoundError,
    OmsRedirectedError,
    OmsRefusedError,
    OmsServerError,
    OmsThrottledError,
    OmsUnauthorizedError,
    OmsUnexpectedResponseError,
    OmsWrongServerError,
)
from airflow_provider_oms.api.transport import Response
from airflow_provider_oms.api.values import OrderId

__all__ = [
    "WANTS_CLIENT_CERTIFICATE",
    "clean_text",
    "correlation_id_of",
    "describe_body",
    "error_of",
    "is_foreign",
    "no_such_order_in",
    "retry_after_of",
]

#: What happened where the error is about the client certificate.
WANTS_CLIENT_CERTIFICATE = (
    "A gateway in front of the OMS wants a client certificate that it trusts; correct the "
    "connection's client_cert and client_key"
)
CORRELATION_HEADER = "x-vol-correlation"
_REDIRECTION, _CLIENT_ERROR = 3, 4  # hundreds of an HTTP status
_LONGEST_DETAIL = 200
# The patterns take the square of a text's length, so that they see no more than this of it.
_LONGEST_TEXT = 1000
_LONGEST_READ = 8 * _LONGEST_TEXT
_LONGEST_ID = 64
_LONGEST_RETRY_AFTER = 7 * 24 * 3600.0

# The classic host's gateway answers 403 where others answer 429 (Mashery's error codes).
_OVER_LIMIT = re.compile(
    r"over (queries per second|qps|rate|quota)|rate limit|ERR_403_DEVELOPER_OVER", re.IGNORECASE
)
# What only an OMS or its gateway writes: its error codes, and fields of the platform's error body.
_OMS_CODE = re.compile(r"50[01]\d|ITEM_NOT_FOUND")
_OMS_FIELDS = frozenset({"correlationId", "exceptionDetail", "additionalErrorData"})
_MASHERY_HEADER = "X-Mashery-Error-Code"
_OF_MASHERY = re.compile(r"\b(developer|account) (inactive|over)\b", re.IGNORECASE)
# nginx (495 and 496, sent as 400), and the gateways that are made of it.
_WANTS_CERTIFICATE = re.compile(
    r"no required ssl certificate|ssl certificate error|client certificate", re.IGNORECASE
)
# "refusals that speak of the order's state": the contract does not fix their status code.
_OF_STATE = re.compile(
    r"\b(?:cannot|can not|can't|could not|not|no longer|already|was|is|been|invalid)\b[^.]{0,40}?"
    r"\b(?:cancell?ed|cancell?able|shipped|fulfilled|state|status(?! code))\b",
    re.IGNORECASE,
)
_CANNOT_CANCEL = re.compile(
    r"\b(?:cannot|can not|can't|could not|unable to|not (?:possible|eligible) to) cancel\b",
    re.IGNORECASE,
)
# A field of the request is invalid, or the request itself was abandoned.
_OF_REQUEST = re.compile(
    r"disposition ?(?:other ?)?reason|\border ?id (?:is|must|should|cannot|may)\b|valid value"
    r"|\b(?:request|operation|task) (?:was|has been) cancel",
    re.IGNORECASE,
)
_OF_PERMISSION = re.compile(
    r"permi(?:ssion|tted)|authori[sz]|allowed to|denied|access|\b(?:scope|role)\b", re.IGNORECASE
)
_REDACTIONS = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+"), r"\1 ***"),
    (re.compile(r"\beyJ[A-Za-z0-9._=-]+"), "***"),
    (
        re.compile(
            r"(?i)((?:client_?)?secret|token|password)([\"']?\s*[=:]\s*[\"']?)[^\s\"',;&}]+"
        ),
        r"\1\2***",
    ),
    (re.compile(r"[^\s<>\"',;:]*@[^\s<>\"',;:]*"), "<email>"),
    (re.compile(r"\+?\(?\d[\d ().-]{8,}\d"), "<number>"),
    # A shorter phone number: groups of digits, seven in all. An order's id is one group only.
    (
        re.compile(r"(?<![\w.])(?=(?:[ ().+-]*\d){7})\+?\(?\d{1,4}(?:[ ().-]{1,2}\d{2,})+"),
        "<number>",
    ),
)


def no_such_order_in(
    answer: Response,
    order_id: OrderId,
    *,
    is_another: bool,
    secrets: Iterable[str] = (),
    hint: str = "",
) -> OmsUnexpectedResponseError:
    """Return the error that an answer with success means which does not hold the order asked for.

    :param answer: the answer.
    :param order_id: the order that was asked for.
    :param is_another: whether it holds another order.
    :param secrets: strings to keep out of the message.
    :param hint: what to do when no OMS answers at this address.
    :return: the error, to be raised by the caller.
    """
    found = "another order" if is_another else describe_body(answer)
    message = f"The OMS answered with success, but with {found} instead of order {order_id}"
    if answer.complete and is_foreign(answer):
        message += f". {hint}"
    return OmsUnexpectedResponseError(
        message,
        http_status=answer.status,
        correlation_id=correlation_id_of(answer, secrets),
    )


def error_of(
    answer: Response, *, secrets: Iterable[str] = (), hint: str = "", not_found: str = ""
) -> OmsHttpError:
    """Return the typed error that an answer outside 2xx means.

    :param answer: the answer.
    :param secrets: strings to keep out of the message.
    :param hint: what to do when no OMS answers at this address.
    :param not_found: of a call that names no order: what a 404 means, which then is a refusal.
    :return: the error, to be raised by the caller.
    """
    document = answer.json()
    code, said = _code_and_message(document)
    code, detail = _quotable(code, secrets), _quotable(said, secrets)
    words = (code or "", said or "", answer.headers.get(_MASHERY_HEADER, ""))
    marker = " ".join(text[:_LONGEST_TEXT] for text in words)
    wants_certificate = False
    kind, message = _KINDS.get(answer.status) or _kind_of_range(answer.status)
    if kind is OmsForbiddenError and _OVER_LIMIT.search(f"{marker} {_opening(answer)}"):
        kind, message = OmsThrottledError, "The OMS limits the rate of calls and did not act"
    elif kind in (OmsRefusedError, OmsForbiddenError) and _speaks_of_state(kind, marker):
        kind, message = OmsConflictError, _KINDS[409][1]
    elif answer.status // 100 == _CLIENT_ERROR and kind in _VERDICTS and is_foreign(answer):
        kind = OmsWrongServerError
        message = f"No OMS answered, but {describe_body(answer)}. {hint}".rstrip()
        if wants_certificate := _WANTS_CERTIFICATE.search(_opening(answer)) is not None:
            message = WANTS_CLIENT_CERTIFICATE
    error = kind(
        message,
        http_status=answer.status,
        oms_code=code[:_LONGEST_ID] if code else None,
        correlation_id=correlation_id_of(answer, secrets),
        detail=detail,
        retry_after=retry_after_of(answer.headers),
    )
    error.is_about_client_certificate = wants_certificate
    if not_found and isinstance(error, OmsNotFoundError):
        return error.restated(OmsRefusedError, not_found)
    return error


_KINDS: dict[int, tuple[type[OmsHttpError], str]] = {
    401: (OmsUnauthorizedError, "The OMS did not accept the access token"),
    403: (
        OmsForbiddenError,
        "The OMS forbids this call; check the application's permissions for the tenant",
    ),
    404: (OmsNotFoundError, "The OMS knows no such order"),
    408: (OmsServerError, "The OMS gave up waiting for the request"),
    409: (OmsConflictError, "The OMS refuses this in the order's present state"),
    421: (
        OmsMisdirectedError,
        "The connection leads to a server that does not serve this address, and nothing acted",
    ),
    423: (OmsLockedError, "Another call holds the order, and the OMS did not act"),
    425: (OmsServerError, "The OMS was not ready for the request"),
    429: (OmsThrottledError, "The OMS limits the rate of calls and did not act"),
}

_VERDICTS = (OmsUnauthorizedError, OmsForbiddenError, OmsNotFoundError, OmsRefusedError)


def _kind_of_range(status: int) -> tuple[type[OmsHttpError], str]:
    if status // 100 == _CLIENT_ERROR:
        return OmsRefusedError, "The OMS calls the request invalid"
    if status // 100 == _REDIRECTION:
        # A page for the time of maintenance, the address of something else, or "See Other" after
        # the action: the response does not show which.
        return OmsRedirectedError, (
            "The address redirects elsewhere, which is not followed; correct the connection's host"
        )
    return OmsServerError, "The OMS failed, and whether it acted is not known"


def _speaks_of_state(kind: type[OmsHttpError], marker: str) -> bool:
    words = marker.replace("_", " ")
    if _OF_REQUEST.search(words):
        return False
    if kind is OmsForbiddenError:
        is_of_order = "order" in words.lower() and not _OF_PERMISSION.search(words)
        return is_of_order and _OF_STATE.search(words) is not None
    return _OF_STATE.search(words) is not None or _CANNOT_CANCEL.search(words) is not None


def is_foreign(answer: Response) -> bool:
    """Return whether something else than an OMS listens at this address.

    Every web server answers 404 to a path that it does not have, many of them in JSON. That an
    order does not exist is believed only of a response with the marks of an OMS.

    :param answer: a response.
    """
    if _has_marks_of_an_oms(answer):
        return False
    return answer.status == HTTPStatus.NOT_FOUND or not isinstance(answer.json(), dict)


def _has_marks_of_an_oms(answer: Response) -> bool:
    # Kibo's gateway puts its correlation id on every response. The classic host's gateway, whose
    # pages have none, says who it is.
    if correlation_id_of(answer) is not None or _MASHERY_HEADER in answer.headers:
        return True
    document = answer.json()
    if not isinstance(document, dict):
        return _OF_MASHERY.search(_opening(answer)) is not None
    code, _ = _code_and_message(document)
    return bool(_OMS_FIELDS & document.keys() or (code and _OMS_CODE.fullmatch(code)))


def _opening(answer: Response) -> str:
    return answer.body[:_LONGEST_DETAIL].decode("latin-1")


def describe_body(answer: Response) -> str:
    """Describe in a few words the body that came instead of an order.

    :param answer: the answer.
    """
    if not answer.body:
        return "an empty body"
    if not answer.complete:
        return "a body that broke off"
    if answer.body.lstrip()[:1] == b"<":
        return "an HTML page"
    return (
        "something that is no OMS order"
        if answer.json() is not None
        else "something that is no JSON"
    )


def correlation_id_of(answer: Response, secrets: Iterable[str] = ()) -> str | None:
    """Return the correlation id of an answer, if it has one that is fit to be quoted.

    :param answer: the answer.
    :param secrets: strings known to be secret.
    """
    value = answer.headers.get(CORRELATION_HEADER, "").strip()
    if any(secret and secret in value for secret in secrets):
        return None
    return value if re.fullmatch(rf"[\w.-]{{1,{_LONGEST_ID}}}", value, re.ASCII) else None


def _code_and_message(document: object) -> tuple[str | None, str | None]:
    """Find code and message in the error bodies of the platform and of the classic OMS."""
    if not isinstance(document, Mapping):
        return None, None
    code = _first(document, ("errorCode", "code", "statusCode"))
    message = _first(document, ("message", "additionalInfo"))
    for inner in (document.get("exceptionDetail"), *_sequence(document.get("items"))):
        if isinstance(inner, Mapping):
            message = message or _first(inner, ("message",))
            code = code or _first(inner, ("errorCode",))
    return code, message


def _first(document: Mapping[str, Any], keys: Iterable[str]) -> str | None:
    for key in keys:
        value = document.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value)
    return None


def _sequence(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _quotable(text: str | None, secrets: Iterable[str]) -> str | None:
    # Data within a message can be the order itself, with the shopper's name and address.
    if text is None or "{" in text or "[" in text:
        return None
    return clean_text(text, secrets)


def clean_text(text: str, secrets: Iterable[str] = ()) -> str:
    """Make a text of the OMS fit to be quoted: short, on one line, without secrets or contacts.

    :param text: the OMS's text; it can echo an Authorization header or a shopper's data.
    :param secrets: strings known to be secret.
    :return: at most 200 characters.
    """
    for form in _forms_of(secrets):
        text = text.replace(form, "***")
    is_long = len(text) > _LONGEST_READ
    printable = (char if char.isprintable() else " " for char in text[:_LONGEST_READ])
    text = " ".join("".join(printable).split())
    if is_long or len(text) > _LONGEST_TEXT:
        # Never cut inside a text that a pattern would have matched as a whole.
        text = text[:_LONGEST_TEXT].rpartition(" ")[0].rstrip("0123456789 ().+-")
    for pattern, replacement in _REDACTIONS:
        text = pattern.sub(replacement, text)
    return text if len(text) <= _LONGEST_DETAIL else text[: _LONGEST_DETAIL - 1] + "…"


def _forms_of(secrets: Iterable[str]) -> list[str]:
    """Return the forms in which a server may echo secrets, the longest first."""
    forms = {
        form
        for secret in secrets
        if secret
        for form in (
            secret,
            quote(secret, safe=""),
            quote_plus(secret),
            html.escape(secret),
            json.dumps(secret)[1:-1],
        )
    }
    return sorted(forms, key=len, reverse=True)


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that ``Retry-After`` asks to wait.

    :param headers: headers of an answer; the value may be seconds or a date (RFC 9110).
    :return: seconds from now, at least 0, or ``None`` when there is no usable value.
    """
    value = headers.get("Retry-After", "").strip()
    # Some servers write the seconds as a decimal, which RFC 9110 does not have.
    if re.fullmatch(r"[0-9]+(?:\.[0-9]*)?", value, re.ASCII):
        return min(float(value), _LONGEST_RETRY_AFTER)
    at = _seconds_of(value)
    if at is None:
        return None
    # Counted from the answer's own date, a clock here that is wrong does not matter.
    answered_at = _seconds_of(headers.get("Date", ""))
    wait = at - (time.time() if answered_at is None else answered_at)
    return min(max(0.0, wait), _LONGEST_RETRY_AFTER)


def _seconds_of(date: str) -> float | None:
    try:
        at = email.utils.parsedate_to_datetime(date)
        # Every form of an HTTP date is in UTC, the one without a zone too (RFC 9110).
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
