"""A tenant's settings, read from the fields of a connection and checked as a whole.

The hook looks the connection up. The rules between fields are in ``connection_rules.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, Literal, Self
from urllib.parse import unquote, urlsplit

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

from airflow_provider_oms.api.addresses import (
    DEFAULT_AUTH_URL,
    base_url_of,
    check_address,
    check_proxy,
    check_template,
    derived_url,
    is_loopback,
    is_plain_http,
    is_same_origin,
)
from airflow_provider_oms.api.certificates import check_ca_bundle
from airflow_provider_oms.api.connection_rules import DEFAULTS_OF_NATIVE, broken_rules
from airflow_provider_oms.api.connection_values import (
    check_credential,
    read_extra,
    read_flag,
    read_list,
    read_pairs,
    show_name,
)
from airflow_provider_oms.api.errors import OmsConfigError
from airflow_provider_oms.api.headers import read_headers
from airflow_provider_oms.api.routes import NO_PROXY
from airflow_provider_oms.api.values import OrderId

__all__ = ["DEFAULT_AUTH_URL", "EXTRA_FIELDS", "TenantSettings"]

_LONGEST_WAIT = 3600.0
_ORDER_ID = "{order_id}"
# Airflow masks nothing shorter either: a header's "eu" or "1" would be cut out of every message.
_SHORTEST_SECRET = 5


class TenantSettings(BaseModel):
    """Hold everything a client needs to know about one tenant; see :meth:`from_connection`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    api: Literal["translated", "native"] = "translated"
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
    allow_http: bool = False
    discover_host: bool = False
    reason_codes: tuple[tuple[str, str], ...] = ()
    check_reasons: Literal["off", "warn", "refuse"] = "warn"
    reason_category: str | None = None
    search_with_or: bool = False
    proxy: SecretStr | None = None
    client_cert: str | None = None
    client_key: str | None = None
    secret_headers: tuple[tuple[str, SecretStr], ...] = ()
    gateway_covers_auth: bool = False

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_api(cls, values: Any) -> Any:
        is_native = isinstance(values, Mapping) and values.get("api") == "native"
        return {**DEFAULTS_OF_NATIVE, **values} if is_native else values

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

    @field_validator("client_id", "client_secret", mode="before")
    @classmethod
    def _credentials(cls, value: object) -> object:
        return check_credential(value)

    @field_validator("disposition_reasons", "not_cancelable_states", mode="before")
    @classmethod
    def _list_or_comma_separated(cls, value: object) -> object:
        return read_list(value)

    @field_validator("disposition_reasons", "not_cancelable_states")
    @classmethod
    def _words(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(word and word == word.strip() for word in value):
            raise ValueError("each must be a word without blanks around it")
        return value

    @field_validator("reason_codes", mode="before")
    @classmethod
    def _codes_by_reason(cls, value: object) -> object:
        return read_pairs(value)

    @field_validator("check_reasons", mode="before")
    @classmethod
    def _off(cls, value: object) -> object:
        # YAML takes the word for a boolean.
        return "off" if value is False else value

    @field_validator("proxy", mode="before")
    @classmethod
    def _proxy(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        if value == NO_PROXY:
            return value
        return check_proxy(str(check_credential(value)))

    @field_validator("secret_headers", mode="before")
    @classmethod
    def _headers(cls, value: object) -> object:
        return read_headers(value)

    @field_validator(
        "allow_http", "discover_host", "search_with_or", "gateway_covers_auth", mode="before"
    )
    @classmethod
    def _flag(cls, value: object) -> bool:
        return read_flag(value)

    @field_validator("admin_url")
    @classmethod
    def _address_with_a_place_for_the_order(cls, value: str | None) -> str | None:
        return check_template(value, _ORDER_ID) if value else value

    @field_validator("base_url", "auth_url")
    @classmethod
    def _addresses(cls, value: str | None) -> str | None:
        return check_address(value) if value else value

    @field_validator("ca_bundle")
    @classmethod
    def _certificates(cls, value: str | None) -> str | None:
        if value is not None:
            check_ca_bundle(value)
        return value

    @model_validator(mode="after")
    def _whole(self, info: ValidationInfo) -> Self:
        if broken := broken_rules(self, info.context or frozenset()):
            raise ValueError("; ".join(broken))
        return self

    @property
    def has_credentials(self) -> bool:
        """Return whether calls carry an access token, or ``x-vol-tenant`` alone."""
        return bool(self.client_id)

    @property
    def implies_auth_url(self) -> bool:
        """Return whether the token address follows from the host."""
        return not self.base_url or is_loopback(self.base_url)

    @property
    def api_url(self) -> str:
        """Return the base address of the translated API, without a slash at its end."""
        if self.base_url:
            return self.base_url
        return derived_url(self.tenant_id, self.environment or "", self.api)

    @property
    def token_base_url(self) -> str:
        """Return the base address of the token endpoint, without a slash at its end."""
        if self.auth_url:
            return self.auth_url
        if not self.base_url:
            return DEFAULT_AUTH_URL
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def is_bare_token_address(self) -> bool:
        """Return whether the token endpoint gets neither client certificate nor headers."""
        return not (self.gateway_covers_auth or is_same_origin(self.token_base_url, self.api_url))

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return every text that no log and no message may show."""
        proxy = urlsplit(self.proxy.get_secret_value() if self.proxy else "").password or ""
        texts = [value.get_secret_value() for _, value in self.secret_headers]
        found = [text for text in (*texts, proxy, unquote(proxy)) if len(text) >= _SHORTEST_SECRET]
        if self.client_secret:
            found.append(self.client_secret.get_secret_value())
        return tuple(dict.fromkeys(found))

    @property
    def warning(self) -> str | None:
        """Return a warning for the log and the Test button when requests leave unencrypted.

        :return: one sentence; ``None`` when all requests are encrypted or stay on this machine.
        """
        used = (self.api_url, self.token_base_url if self.has_credentials else self.api_url)
        exposed = sorted({address for address in used if is_plain_http(address)})
        if not exposed:
            return None
        return (
            f"Credentials and orders are sent unencrypted to {' and '.join(exposed)}, because the "
            f"connection sets allow_http, which is meant for a local OMS only."
        )

    def order_url(self, order_id: OrderId) -> str | None:
        """Return where a person finds an order in Kibo's admin.

        :param order_id: the order.
        :return: ``admin_url`` with the order in its place; ``None`` when there is no ``admin_url``.
        """
        return self.admin_url and self.admin_url.replace(_ORDER_ID, str(order_id))

    def describe(self) -> str:
        """Return one phrase that names host, environment and tenant, for logs and messages."""
        address = self.api_url
        if self.discover_host:
            address = f"the host that {self.token_base_url} names"
        environment = self.environment or "not named"
        return f"{address} (environment {environment}, tenant {self.tenant_id})"

    @classmethod
    def from_connection(
        cls,
        *,
        name: str,
        host: str | None = None,
        port: int | str | None = None,
        login: str | None = None,
        password: str | None = None,
        schema: str | None = None,
        extra: str | Mapping[str, Any] | None = None,
    ) -> Self:
        """Read the settings from the fields of an Airflow connection.

        :param name: connection id, for messages.
        :param host: base address that replaces the derived one (https without a scheme).
        :param port: port of that host, a number or its text; 0 and empty text for none.
        :param login: client id of the application.
        :param password: client secret of the application.
        :param schema: not used; refused when given, so that it is never silently ignored.
        :param extra: JSON object with the fields named in the connection reference, as text or
            as a dict.
        :return: the checked settings.
        :raises OmsConfigError: naming every unknown, missing or wrong field at once.
        """
        fields, problems = read_extra(extra)
        # When the extra cannot be parsed, its fields are not missing.
        wrong = set(EXTRA_FIELDS) if problems else set()
        unknown = sorted(set(fields) - set(EXTRA_FIELDS))
        if unknown:
            problems.append(
                f"extra holds unknown fields {', '.join(map(show_name, unknown))}; known are "
                f"{', '.join(EXTRA_FIELDS)}"
            )
        values: dict[str, Any] = {key: fields[key] for key in EXTRA_FIELDS if key in fields}
        if schema:
            problems.append("schema is not used: put the scheme into host (https://…)")
        try:
            values["base_url"] = base_url_of(host, port)
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
        stand_in = {"tenant_id": "1"} if "tenant_id" in wrong else {}
        try:
            cls.model_validate({**stand_in, **values}, context=frozenset(wrong))
        except ValidationError as error:
            details = error.errors(include_url=False)
        else:
            return []
        problems = [_explain(detail) for detail in details]
        found = {str(detail["loc"][0]) for detail in details if detail["loc"]}
        if found:
            # Rules between fields are checked only if each field is valid.
            rest = {key: value for key, value in values.items() if key not in found}
            problems += cls._wrong_in(rest, wrong | found)
        return problems


EXTRA_FIELDS = (
    "api",
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
    "allow_http",
    "discover_host",
    "reason_codes",
    "check_reasons",
    "reason_category",
    "search_with_or",
    "proxy",
    "client_cert",
    "client_key",
    "secret_headers",
    "gateway_covers_auth",
)
_NAMES = {
    "base_url": "host",
    "client_id": "login (the client id)",
    "client_secret": "password (the client secret)",
}
_NUMBERS = ("tenant_id", "site_id")
_NO_NUMBER = ("string_pattern_mismatch", "string_type")


def _explain(detail: Mapping[str, Any]) -> str:
    message = str(detail["msg"]).removeprefix("Value error, ")
    where = str(detail["loc"][0]) if detail["loc"] else ""
    where = _NAMES.get(where, where)
    if where in _NUMBERS and detail["type"] in _NO_NUMBER:
        message = "must be the bare number, such as 10001 (digits only, without a leading t)"
    elif detail["type"] == "missing":
        message = "is required"
    return f"{where}: {message}" if where else message
