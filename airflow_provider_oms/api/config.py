"""A tenant's settings, read from the fields of a connection and checked as a whole.

How a connection is looked up is Airflow's business and lives in the hook.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from airflow_provider_oms.api.errors import OmsConfigError

__all__ = ["DEFAULT_AUTH_URL", "EXTRA_FIELDS", "TenantSettings", "is_loopback"]

# US production and its sandboxes (Kibo's "API authentication" page); other regions differ.
DEFAULT_AUTH_URL = "https://home.mozu.com"
_DERIVED_HOSTS = {
    "production": "https://{tenant_id}-translation.mozu.com",
    "sandbox": "https://{tenant_id}-translation.sandbox.mozu.com",
}
_LONGEST_WAIT = 3600.0
_ORDER_ID = "{order_id}"
_ADDRESS_RULE = "must be an address such as https://example.com"


class TenantSettings(BaseModel):
    """Hold everything a client needs to know about one tenant; see :meth:`from_connection`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    tenant_id: str = Field(pattern=r"^[0-9]{1,18}$")
    environment: Literal["production", "sandbox"] | None = None
    base_url: str = ""
    client_id: str | None = None
    client_secret: SecretStr | None = None
    site_id: str | None = Field(default=None, pattern=r"^[0-9]{1,18}$")
    auth_url: str | None = None
    connect_timeout: float = Field(default=5, gt=0, le=_LONGEST_WAIT)
    read_timeout: float = Field(default=30, gt=0, le=_LONGEST_WAIT)
    ca_bundle: str | None = None
    disposition_reasons: tuple[str, ...] = ()
    settle_seconds: float = Field(default=15, ge=0, le=_LONGEST_WAIT)
    deadline: float = Field(default=120, gt=0, le=_LONGEST_WAIT)
    admin_url: str | None = None
    not_cancelable_states: tuple[str, ...] = ("SHIPPED",)

    @field_validator("tenant_id", "site_id", mode="before")
    @classmethod
    def _number_as_text(cls, value: object) -> object:
        is_integer = isinstance(value, int) and not isinstance(value, bool)
        return str(value) if is_integer else value

    @field_validator("connect_timeout", "read_timeout", "settle_seconds", "deadline", mode="before")
    @classmethod
    def _no_booleans(cls, value: object) -> object:
        if value is True or value is False:
            raise ValueError("must be a number of seconds")
        return value

    @field_validator("disposition_reasons", "not_cancelable_states", mode="before")
    @classmethod
    def _list_or_comma_separated(cls, value: object) -> object:
        return tuple(_split_list(value)) if isinstance(value, str) else value

    @field_validator("disposition_reasons", "not_cancelable_states")
    @classmethod
    def _words(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(word and word == word.strip() for word in value):
            raise ValueError("each must be a word without blanks around it")
        return value

    @field_validator("admin_url")
    @classmethod
    def _address_with_a_place_for_the_order(cls, value: str | None) -> str | None:
        return _check_template(value) if value else value

    @field_validator("base_url", "auth_url")
    @classmethod
    def _addresses(cls, value: str | None) -> str | None:
        return _check_address(value) if value else value

    @field_validator("ca_bundle")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        if value is not None and not Path(value).exists():
            raise ValueError("no such file or directory on this machine")
        return value

    @model_validator(mode="after")
    def _whole(self, info: ValidationInfo) -> Self:
        wrong = info.context or frozenset()
        broken = [
            rule.message for rule in _RULES if rule.fields.isdisjoint(wrong) and rule.breaks(self)
        ]
        if broken:
            raise ValueError("; ".join(broken))
        return self

    @property
    def has_credentials(self) -> bool:
        """Tell whether calls carry an access token, or ``x-vol-tenant`` alone."""
        return bool(self.client_id)

    @property
    def implies_auth_url(self) -> bool:
        """Tell whether the host says where access tokens come from."""
        return not self.base_url or is_loopback(self.base_url)

    @property
    def api_url(self) -> str:
        """Return the base address of the translated API, without a slash at its end."""
        if self.base_url:
            return self.base_url
        return _DERIVED_HOSTS[self.environment or ""].format(tenant_id=self.tenant_id)

    @property
    def token_base_url(self) -> str:
        """Return the base address of the token endpoint, without a slash at its end."""
        if self.auth_url:
            return self.auth_url
        if not self.base_url:
            return DEFAULT_AUTH_URL
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    def order_url(self, order_id: int) -> str | None:
        """Return where a person finds an order in Kibo's admin.

        :param order_id: the order.
        :return: ``admin_url`` with the order in its place; ``None`` when there is no ``admin_url``.
        """
        return self.admin_url and self.admin_url.replace(_ORDER_ID, str(order_id))

    def describe(self) -> str:
        """Return one phrase that names host, environment and tenant, for logs and messages."""
        environment = self.environment or "not named"
        return f"{self.api_url} (environment {environment}, tenant {self.tenant_id})"

    @classmethod
    def from_connection(
        cls,
        *,
        name: str,
        host: str | None = None,
        port: int | None = None,
        login: str | None = None,
        password: str | None = None,
        schema: str | None = None,
        extra: str | None = None,
    ) -> Self:
        """Read the settings from the fields of an Airflow connection.

        :param name: connection id, for messages.
        :param host: base address that replaces the derived one (https without a scheme).
        :param port: port of that host.
        :param login: client id of the application.
        :param password: client secret of the application.
        :param schema: not used; refused when given, so that it is never silently ignored.
        :param extra: JSON object with the fields named in the connection reference.
        :return: the checked settings.
        :raises OmsConfigError: naming every unknown, missing or wrong field at once.
        """
        fields, problems = _parse_extra(extra)
        unknown = sorted(set(fields) - set(EXTRA_FIELDS))
        if unknown:
            problems.append(
                f"extra holds unknown fields {', '.join(map(repr, unknown))}; known are "
                f"{', '.join(EXTRA_FIELDS)}"
            )
        values: dict[str, Any] = {key: fields[key] for key in EXTRA_FIELDS if key in fields}
        wrong = set()
        if schema:
            problems.append("schema is not used: put the scheme into host (https://…)")
        try:
            values["base_url"] = _base_url(host, port)
        except ValueError as error:
            problems.append(f"host: {error}")
            wrong.add("base_url")
        values |= {"client_id": login or None, "client_secret": password or None}
        problems += cls._wrong_in(values, wrong)
        if not problems:
            return cls.model_validate(values)
        raise OmsConfigError(
            f"Connection {name!r} cannot be used: {'; '.join(problems)}. "
            f"Correct the connection; nothing was sent."
        )

    @classmethod
    def _wrong_in(cls, values: Mapping[str, Any], wrong: Set[str]) -> list[str]:
        """Return all that is wrong; nothing is concluded from fields that are known to be."""
        try:
            cls.model_validate(values, context=frozenset(wrong))
        except ValidationError as error:
            details = error.errors(include_url=False)
        else:
            return []
        problems = [_explain(detail) for detail in details]
        found = {str(detail["loc"][0]) for detail in details if detail["loc"]}
        if found:
            # What is wrong between fields is looked at only where each field is right.
            rest = {key: value for key, value in values.items() if key not in found}
            problems += cls._wrong_in({"tenant_id": "1", **rest}, wrong | found)
        return problems


@dataclass(frozen=True)
class _Rule:
    """What has to hold between fields."""

    fields: frozenset[str]
    breaks: Callable[[TenantSettings], bool]
    message: str


_RULES = (
    _Rule(
        frozenset({"base_url", "environment"}),
        lambda tenant: not tenant.base_url and tenant.environment is None,
        "environment: must be 'production' or 'sandbox' unless host is given; there is no default, "
        "because a wrong guess cancels real orders or silently cancels none",
    ),
    _Rule(
        frozenset({"client_id", "client_secret"}),
        lambda tenant: bool(tenant.client_id) != bool(tenant.client_secret),
        "login (the client id) and password (the client secret) go together: give both, or neither "
        "for a tenant that takes x-vol-tenant alone",
    ),
    _Rule(
        frozenset({"settle_seconds", "deadline"}),
        lambda tenant: tenant.settle_seconds > tenant.deadline,
        "settle_seconds: must not be longer than deadline",
    ),
    _Rule(
        frozenset({"base_url", "auth_url"}),
        lambda tenant: (
            tenant.has_credentials and tenant.auth_url is None and not tenant.implies_auth_url
        ),
        "auth_url: must be given when host is given and is not this machine, so that the client "
        "secret never goes to a guessed address",
    ),
)

EXTRA_FIELDS = (
    "tenant_id",
    "environment",
    "site_id",
    "auth_url",
    "connect_timeout",
    "read_timeout",
    "ca_bundle",
    "disposition_reasons",
    "settle_seconds",
    "deadline",
    "admin_url",
    "not_cancelable_states",
)


def _parse_extra(extra: str | None) -> tuple[Mapping[str, Any], list[str]]:
    """Return the extra's fields that are set, and what is wrong with the extra as a whole."""
    if not extra or not extra.strip():
        return {}, []
    try:
        document = json.loads(extra)
    except (ValueError, RecursionError):
        return {}, ["extra is not valid JSON"]
    if not isinstance(document, dict):
        return {}, ["extra must be a JSON object"]
    # Forms and URIs send an empty string for a field that was left alone.
    return {key: value for key, value in document.items() if value not in (None, "")}, []


def _split_list(text: str) -> list[str]:
    if text.lstrip().startswith("["):
        try:
            items = json.loads(text)
        except (ValueError, RecursionError):
            items = None
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise ValueError("must be a list of strings, or one comma-separated string")
        return items
    return [part.strip() for part in text.split(",") if part.strip()]


def _parts(address: str) -> SplitResult:
    try:
        parts = urlsplit(address if "://" in address else f"https://{address}")
        _ = parts.port  # checked only when it is asked for
    except ValueError:
        # The library's own words quote what may be a secret that was put into an address.
        raise ValueError(_ADDRESS_RULE) from None
    return parts


def _base_url(host: str | None, port: int | None) -> str:
    host = (host or "").strip()
    if not host:
        if port:
            raise ValueError("port is given without host")
        return ""
    parts = _parts(host)
    if port and parts.port and parts.port != port:
        raise ValueError("names another port than the field port")
    netloc = f"{parts.netloc}:{port}" if port and not parts.port else parts.netloc
    return parts._replace(netloc=netloc).geturl()


def _check_address(value: str) -> str:
    parts = _parts(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(_ADDRESS_RULE)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must be a bare address, without user, query or fragment")
    if parts.scheme == "http" and not is_loopback(value):
        raise ValueError("must use https; http is accepted for this machine (loopback) only")
    return parts._replace(path=parts.path.rstrip("/")).geturl()


def _check_template(value: str) -> str:
    # Which page of the admin shows an order is not documented, and it may hang on a query or a
    # fragment: so the whole address is the user's, as long as a browser can be sent there.
    parts = _parts(value)
    address = parts._replace(path="", query="", fragment="").geturl()
    rest = parts._replace(scheme="", netloc="").geturl().replace(_ORDER_ID, "")
    if any(sign in address + rest for sign in "{}"):
        raise ValueError(f"must have no other placeholder than {_ORDER_ID}, and none in the host")
    _check_address(address)
    return parts.geturl()


def is_loopback(address: str) -> bool:
    """Tell whether an address leads to this machine, without looking up its name.

    :param address: an address with its scheme.
    :return: whether its host is ``localhost`` or a loopback IP address.
    """
    hostname = urlsplit(address).hostname or ""
    if hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False


def _explain(detail: Mapping[str, Any]) -> str:
    message = str(detail["msg"]).removeprefix("Value error, ")
    where = str(detail["loc"][0]) if detail["loc"] else ""
    where = "host" if where == "base_url" else where
    if where in ("tenant_id", "site_id") and detail["type"] == "string_pattern_mismatch":
        message = "must be the bare number, such as 10001 (digits only, without a leading t)"
    elif detail["type"] == "missing":
        message = "is required"
    return f"{where}: {message}" if where else message
