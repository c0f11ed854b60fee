"""Issuing and checking access tokens.

They are kept as fingerprints, so that no token can be read from the database file.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from hashlib import sha256
from typing import Any, Final
from urllib.parse import parse_qsl

from airflow_provider_oms.emulator.errors import ApiError, OmsCode
from airflow_provider_oms.emulator.store import Store
from airflow_provider_oms.emulator.wire import dump_json, load_json

GRANT_TYPES: Final = (None, "", "client_credentials", "client", "refresh_token")


def fingerprint(secret: str) -> str:
    """Return a digest by which a secret can be recognized, but not rebuilt.

    :param secret: the secret.
    """
    return sha256(secret.encode(errors="surrogatepass")).hexdigest()


def bearer(authorization: str | None) -> str | None:
    """Return the token of an Authorization header; None where there is none.

    :param authorization: the header.
    """
    scheme, _, token = (authorization or "").partition(" ")
    return (token.strip() or None) if scheme.lower() == "bearer" else None


def read_fields(body: bytes, content_type: str) -> dict[str, Any]:
    """Read a token request's fields, form-encoded or (whatever else it calls itself) JSON.

    :param body: the bytes as received.
    :param content_type: the request's Content-Type.
    """
    if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    fields = load_json(body)
    if not isinstance(fields, dict):
        raise ValueError("the body is no JSON object")  # noqa: TRY004 - the input, not a type, is at fault
    return fields


class Tokens:
    """The tokens that one client of the tenant holds.

    :param store: the tenant's database.
    :param client_id: the client's id.
    :param client_secret: the client's secret.
    """

    def __init__(self, store: Store, client_id: str, client_secret: str) -> None:
        self._store = store
        self._client_id = client_id
        self._client_secret = client_secret

    def grant(self, body: bytes, content_type: str, lifetime: int) -> dict[str, Any]:
        """Answer a token request.

        :param body: the bytes as received.
        :param content_type: the request's Content-Type.
        :param lifetime: seconds that the token lives.
        """
        try:
            fields = read_fields(body, content_type)
        except ValueError:
            raise _bad_request("The body is neither JSON nor a form.") from None
        if fields.get("grant_type") not in GRANT_TYPES:
            raise _bad_request("This grant_type is not supported.")
        refresh_token = fields.get("refresh_token") or None
        if fields.get("grant_type") == "refresh_token" and refresh_token is None:
            raise _bad_request("refresh_token is required for this grant_type.")
        if not (
            self._same(fields.get("client_id"), self._client_id)
            and self._same(fields.get("client_secret"), self._client_secret)
            and (refresh_token is None or self._holds("refresh", refresh_token))
        ):
            raise ApiError(
                401,
                OmsCode.GENERIC_NOT_AUTHORIZED,
                "Invalid Credentials: Invalid credentials.",
                error_code="INVALID_CREDENTIALS",
                origin="token",
            )
        return self._issue(lifetime)

    def is_valid(self, token: str) -> bool:
        """Return whether an access token was issued here and has not expired.

        :param token: the token as received.
        """
        return self._holds("access", token)

    def revoke(self, token: str) -> None:
        """Make one access token invalid.

        :param token: the token as received.
        """
        self._store.execute(
            "DELETE FROM tokens WHERE fingerprint = ? AND kind = 'access'", (fingerprint(token),)
        )

    def revoke_all(self) -> int:
        """Make every token invalid; return how many access tokens there were."""
        with self._store.transaction():
            count = self._store.value("SELECT count(*) FROM tokens WHERE kind = 'access'")
            self._store.execute("DELETE FROM tokens")
        return int(count)

    def _issue(self, lifetime: int) -> dict[str, Any]:
        now = time.time()
        access_token = _jwt(
            {"iat": int(now), "exp": int(now) + lifetime, "jti": secrets.token_hex(8)}
        )
        refresh_token = secrets.token_hex(16)
        with self._store.transaction():
            self._store.execute("DELETE FROM tokens WHERE expires_at <= ?", (now,))
            for kind, token, end in (
                ("access", access_token, now + lifetime),
                ("refresh", refresh_token, None),
            ):
                self._store.execute(
                    "INSERT INTO tokens (fingerprint, kind, expires_at) VALUES (?, ?, ?)",
                    (fingerprint(token), kind, end),
                )
        return {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": lifetime,
            "refresh_token": refresh_token,
        }

    def _holds(self, kind: str, token: object) -> bool:
        if not isinstance(token, str):
            return False
        found = self._store.value(
            "SELECT 1 FROM tokens WHERE fingerprint = ? AND kind = ?"
            " AND (expires_at IS NULL OR expires_at > ?)",
            (fingerprint(token), kind, time.time()),
        )
        return found is not None

    @staticmethod
    def _same(given: object, expected: str) -> bool:
        return isinstance(given, str) and hmac.compare_digest(
            fingerprint(given), fingerprint(expected)
        )


def _bad_request(message: str) -> ApiError:
    return ApiError(400, OmsCode.GENERIC_BAD_REQUEST, message, origin="token")


def _jwt(claims: dict[str, Any]) -> str:
    """Make a text with the looks of a JWT; its signature is random, because it is never checked."""
    header = {"alg": "HS256", "typ": "JWT"}
    parts = [dump_json(header).encode(), dump_json(claims).encode(), secrets.token_bytes(32)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
