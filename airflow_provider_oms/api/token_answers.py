"""Interpret a response about a token: the token, or why there is none."""

from __future__ import annotations

import re
from typing import Any

from airflow_provider_oms.api.auth import Token
from airflow_provider_oms.api.errors import (
    OmsCredentialsError,
    OmsError,
    OmsForbiddenError,
    OmsHttpError,
    OmsRedirectedError,
    OmsServerError,
    OmsThrottledError,
    OmsUnauthorizedError,
    OmsUnexpectedResponseError,
)
from airflow_provider_oms.api.responses import WANTS_CLIENT_CERTIFICATE, error_of
from airflow_provider_oms.api.transport import Response

__all__ = ["read_token", "without_a_token"]

# Kibo's documentation gives a token one hour; an answer that does not say gets far less.
_LIFETIME_WHEN_UNSAID = 300.0
# An integer of JSON may have more digits than a float can hold.
_LONGEST_LIFETIME = 30 * 24 * 3600.0
# Anything else would break the header, and requests would quote it in its error.
_FIT_FOR_A_HEADER = re.compile(r"[!-~]{1,16384}")


def read_token(answer: Response, *, secrets: tuple[str, ...]) -> Token:
    """Return the token of an answer, or raise the error that it means for a token request.

    :param answer: a complete answer of the token endpoint.
    :param secrets: strings to keep out of error messages.
    """
    if not answer.is_success:
        raise _token_refusal(error_of(answer, secrets=secrets))
    document = answer.json()
    fields: dict[str, Any] = document if isinstance(document, dict) else {}
    value = fields.get("access_token")
    if not isinstance(value, str) or not _FIT_FOR_A_HEADER.fullmatch(value):
        raise OmsUnexpectedResponseError(
            "The token endpoint answered without an access token; check auth_url",
            http_status=answer.status,
        )
    lifetime = fields.get("expires_in")
    if isinstance(lifetime, bool) or not isinstance(lifetime, int | float):
        lifetime = _LIFETIME_WHEN_UNSAID
    return Token(value, float(min(max(0, lifetime), _LONGEST_LIFETIME)))


def _token_refusal(error: OmsHttpError) -> OmsError:
    if isinstance(error, OmsThrottledError | OmsServerError | OmsRedirectedError):
        return error
    if error.is_about_client_certificate:
        return error.restated(OmsCredentialsError, WANTS_CLIENT_CERTIFICATE)
    return error.restated(
        OmsCredentialsError,
        "The token endpoint issued no access token; check the connection's login (client id), "
        "password (client secret) and auth_url",
    )


def without_a_token(error: OmsHttpError) -> OmsHttpError:
    """Return the error that a refusal means for a call without a token.

    :param error: the refusal.
    """
    if not isinstance(error, OmsUnauthorizedError):
        return error
    return error.restated(
        OmsForbiddenError,
        "The OMS wants an access token; give the connection a login (client id) and a password "
        "(client secret)",
    )
