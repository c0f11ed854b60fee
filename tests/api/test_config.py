"""The connection reference: every field, and a named error for everything that is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trustme
from tenants import TENANT, error_of, settings

from airflow_provider_oms.api.config import TenantSettings


class TestAddresses:
    @pytest.mark.parametrize(
        ("environment", "url"),
        [
            ("production", "https://10001-translation.mozu.com"),
            ("sandbox", "https://10001-translation.sandbox.mozu.com"),
        ],
    )
    def test_the_host_is_derived_from_tenant_and_environment(
        self, environment: str, url: str
    ) -> None:
        tenant = settings({"tenant_id": 10001, "environment": environment})
        assert tenant.api_url == url
        assert tenant.token_base_url == "https://home.mozu.com"

    @pytest.mark.parametrize(
        ("host", "port", "url"),
        [
            ("http://127.0.0.1:8787", None, "http://127.0.0.1:8787"),
            ("http://127.0.0.1", 8787, "http://127.0.0.1:8787"),
            ("http://localhost:8787/", None, "http://localhost:8787"),
            ("http://[::1]:8787", None, "http://[::1]:8787"),
            ("https://127.0.0.1/base/", None, "https://127.0.0.1/base"),
            ("127.0.0.1", 8443, "https://127.0.0.1:8443"),
            ("127.0.0.1:8443", 8443, "https://127.0.0.1:8443"),
            ("127.0.0.1:8443", "8443", "https://127.0.0.1:8443"),
            ("127.0.0.1:8443", "0", "https://127.0.0.1:8443"),
            ("127.0.0.1:8443", "", "https://127.0.0.1:8443"),
        ],
    )
    def test_a_given_host_replaces_it(self, host: str, port: int | str | None, url: str) -> None:
        assert settings({"tenant_id": "10001"}, host=host, port=port).api_url == url

    def test_a_loopback_host_is_its_own_token_address(self) -> None:
        tenant = settings(host="http://127.0.0.1:8787/base", login="id", password="secret")
        assert tenant.token_base_url == "http://127.0.0.1:8787"

    def test_the_secret_never_goes_to_a_guessed_address(self) -> None:
        message = error_of(host="oms.example.com", login="id", password="secret")
        assert "auth_url" in message
        extra = {"tenant_id": "1", "auth_url": "https://home.example.com/"}
        tenant = settings(extra, host="oms.example.com", login="id", password="secret")
        assert tenant.token_base_url == "https://home.example.com"
        assert settings(host="oms.example.com").api_url == "https://oms.example.com"

    @pytest.mark.parametrize(
        ("host", "port"),
        [
            ("http://oms.example.com", None),
            ("http://127.0.0.1.example.com", None),
            ("ftp://127.0.0.1", None),
            ("https://user:pw@127.0.0.1", None),
            ("https://127.0.0.1?x=1", None),
            ("https://127.0.0.1:notaport", None),
            ("https://127.0.0.1:8443", 9443),
            ("https://", None),
            (None, 8443),
            ("127.0.0.1", "8443/tcp"),
            ("127.0.0.1", 84430),
            ("https://127.0.0.1/a b", None),
        ],
    )
    def test_a_wrong_host_is_named(self, host: str | None, port: int | str | None) -> None:
        message = error_of(host=host, port=port)
        assert "'oms_default'" in message
        assert "host" in message
        assert "pw" not in message

    @pytest.mark.parametrize(
        "address",
        [
            "https://KIBO_APP:s3cret/word@oms.example.com",  # its "port" is part of the secret
            "https://KIBO_APP:s3cret@oms.\N{ACCOUNT OF}.example",
            "https://[s3cret",
            "https://[s3cret]/",
        ],
    )
    @pytest.mark.parametrize("field", ["host", "auth_url", "admin_url"])
    def test_one_with_a_secret_in_it_is_refused_without_showing_it(
        self, field: str, address: str
    ) -> None:
        extra = {"tenant_id": "1", "environment": "sandbox", field: address}
        fields = {"host": extra.pop("host"), "port": 8443} if field == "host" else {}
        message = error_of(extra, **fields)
        assert f"{field}: must be an address such as https://example.com" in message
        assert "s3cret" not in message

    @pytest.mark.parametrize("field", ["auth_url", "admin_url"])
    def test_other_addresses_are_held_to_the_same_rule(self, field: str) -> None:
        extra = {"tenant_id": "1", "environment": "sandbox", field: "http://example.com"}
        assert f"{field}: must use https" in error_of(extra)


class TestCredentials:
    @pytest.mark.parametrize(
        ("fields", "named"),
        [
            ({"login": "KIBO.1 "}, "login (the client id): ends with a blank"),
            ({"password": "s3cret\n"}, "password (the client secret): ends with a line break"),
            ({"password": "***"}, "password (the client secret): is only asterisks"),
            ({"password": 5}, "password (the client secret): Input should be a valid string"),
        ],
    )
    def test_what_is_odd_about_one_is_named(self, fields: dict[str, Any], named: str) -> None:
        message = error_of(**{"login": "KIBO.1", "password": "s3cret", **fields})
        assert named in message
        assert "s3cret" not in message
        assert "go together" not in message


class TestExtra:
    @pytest.mark.parametrize(
        ("given", "states"),
        [("SHIPPED, PICKED", ("SHIPPED", "PICKED")), (["picked"], ("picked",)), ([], ())],
    )
    def test_the_states_that_the_tenant_refuses_can_be_named(
        self, given: object, states: tuple[str, ...]
    ) -> None:
        extra = {"tenant_id": "1", "environment": "sandbox", "not_cancelable_states": given}
        assert settings(extra).not_cancelable_states == states

    @pytest.mark.parametrize("given", [[" "], ["A "], [1], 5, True])
    def test_a_state_is_a_word(self, given: object) -> None:
        extra = {"tenant_id": "1", "environment": "sandbox", "not_cancelable_states": given}
        assert "not_cancelable_states: " in error_of(extra)

    def test_defaults(self) -> None:
        tenant = settings()
        waits = (tenant.connect_timeout, tenant.read_timeout, tenant.settle_seconds)
        assert (*waits, tenant.deadline) == (5, 30, 15, 120)
        assert {tenant.site_id, tenant.ca_bundle, tenant.admin_url} == {None}
        assert tenant.disposition_reasons == ()
        assert tenant.not_cancelable_states == ("SHIPPED",)
        assert not tenant.has_credentials

    def test_strings_from_a_uri_mean_the_same_as_numbers_from_json(self, tmp_path: Path) -> None:
        bundle = tmp_path / "ca.pem"
        trustme.CA().cert_pem.write_to_path(bundle)
        typed = {
            "tenant_id": 10001,
            "environment": "production",
            "site_id": 7,
            "connect_timeout": 2.5,
            "read_timeout": 20,
            "settle_seconds": 3,
            "deadline": 60,
            "disposition_reasons": ["fraud", "Lost"],
            "ca_bundle": str(bundle),
            "allow_http": False,
        }
        text = {key: str(value) for key, value in typed.items()}
        text["disposition_reasons"] = "fraud, Lost"
        assert settings(typed) == settings(text)
        assert settings({**text, "disposition_reasons": '["fraud", "Lost"]'}) == settings(typed)

    def test_a_dict_means_the_same_as_its_text(self) -> None:
        extra = {**TENANT, "site_id": 7, "disposition_reasons": ["fraud"]}
        found = TenantSettings.from_connection(name="oms_default", extra=extra)
        assert found == settings(extra)
        assert found.site_id == "7"

    @pytest.mark.parametrize("value", ["7", 7, " 7\n"])
    def test_a_site_is_a_bare_number(self, value: object) -> None:
        assert settings({**TENANT, "site_id": value}).site_id == "7"

    def test_a_reason_is_a_word_without_blanks_around_it(self) -> None:
        extra = {**TENANT, "disposition_reasons": ["fraud", "lost parcel"]}
        assert settings(extra).disposition_reasons == ("fraud", "lost parcel")
        for wrong in (" fraud", "fraud ", "", " "):
            message = error_of({**TENANT, "disposition_reasons": ["lost", wrong]})
            assert "each must be a word without blanks around it" in message

    def test_a_wait_is_an_hour_at_most(self) -> None:
        assert settings({**TENANT, "deadline": 3600}).deadline == 3600
        assert "less than or equal to 3600" in error_of({**TENANT, "deadline": 3600.5})

    def test_empty_fields_of_a_form_mean_not_given(self) -> None:
        extra = {"tenant_id": "1", "environment": "sandbox", "site_id": "", "deadline": None}
        assert settings(extra).deadline == 120

    @pytest.mark.parametrize(
        ("extra", "names"),
        [
            ("{not json", ["not valid JSON"]),
            pytest.param("[" * 200_000, ["not valid JSON"], id="nested without end"),
            ('["tenant_id"]', ["JSON object"]),
            ({}, ["tenant_id", "required"]),
            ({"tenant_id": "1"}, ["environment", "no default"]),
            ({"tenant_id": "1", "environment": "Sandbox"}, ["environment", "sandbox"]),
            ({"tenant_id": "t1", "environment": "sandbox"}, ["tenant_id", "bare number"]),
            ({"tenant_id": True, "environment": "sandbox"}, ["tenant_id", "bare number"]),
            *(
                ({**TENANT, "site_id": value}, ["site_id: must be the bare number"])
                for value in ("s2", "2 3", "-2", "٢", "1" * 19, True, 2.5, [2], {"id": 2})
            ),
            ({**TENANT, "allow_http": "yes"}, ["allow_http: must be true or false"]),
            ({"tenant_id": "1", "environment": "sandbox", "tenant": 1}, ["'tenant'", "unknown"]),
            ({"tenant_id": "1", "environment": "sandbox", "deadline": "soon"}, ["deadline"]),
            ({"tenant_id": "1", "environment": "sandbox", "deadline": 0}, ["deadline"]),
            ({"tenant_id": "1", "environment": "sandbox", "read_timeout": -1}, ["read_timeout"]),
            ({"tenant_id": "1", "environment": "sandbox", "read_timeout": "inf"}, ["read_timeout"]),
            ({"tenant_id": "1", "environment": "sandbox", "read_timeout": "nan"}, ["read_timeout"]),
            ({"tenant_id": "1", "environment": "sandbox", "read_timeout": True}, ["read_timeout"]),
            ({"tenant_id": "1", "environment": "sandbox", "settle_seconds": 121}, ["deadline"]),
            ({"tenant_id": "1", "environment": "sandbox", "ca_bundle": "/no/such"}, ["ca_bundle"]),
            (
                {"tenant_id": "1", "environment": "sandbox", "disposition_reasons": "[1]"},
                ["disposition_reasons"],
            ),
            (
                {"tenant_id": "1", "environment": "sandbox", "disposition_reasons": '["fraud"'},
                ["disposition_reasons: must be a list of strings"],
            ),
            (
                {"tenant_id": "1", "environment": "sandbox", "disposition_reasons": "[" * 5000},
                ["disposition_reasons: must be a list of strings"],
            ),
        ],
    )
    def test_what_is_wrong_is_named(self, extra: Any, names: list[str]) -> None:
        message = error_of(extra)
        for name in names:
            assert name in message

    @pytest.mark.parametrize("extra", ["{not json", "[1]", '{"deadline": 1, "deadline": 2}'])
    def test_of_an_extra_that_cannot_be_read_nothing_is_missing(self, extra: str) -> None:
        message = error_of(extra, login="KIBO.1")
        assert "is required" not in message
        assert "environment" not in message
        assert "go together" in message

    def test_what_an_uri_has_made_of_a_secret_that_was_not_encoded_is_not_shown(self) -> None:
        extra = {**TENANT, "s3cret-tail@/?tenant_id": "1", "tennant": 1, "x" * 41: 2}
        message = error_of(extra)
        assert "extra holds unknown fields …, 'tennant', …; known are" in message

    def test_everything_wrong_is_named_at_once(self) -> None:
        extra = {"tennant_id": "1", "environment": "live", "deadline": "soon"}
        message = error_of(extra, schema="https")
        for name in ("'tennant_id'", "tenant_id: is required", "environment", "deadline", "schema"):
            assert name in message

    def test_what_is_wrong_between_fields_is_named_next_to_what_is_wrong_in_one(self) -> None:
        message = error_of({"tenant_id": "t1", "settle_seconds": 9, "deadline": 5}, login="id")
        for name in ("tenant_id", "environment", "go together", "settle_seconds"):
            assert name in message

    @pytest.mark.parametrize(
        ("extra", "fields", "no_news"),
        [
            ({"environment": "live"}, {}, "unless host is given"),
            ({}, {"host": "http://127.0.0.1:port"}, "unless host is given"),
            ({}, {"host": "h:1", "port": 2}, "unless host is given"),
            ({**TENANT, "deadline": "300 s", "settle_seconds": 200}, {}, "not be longer"),
            (
                {"auth_url": "http://example.com"},
                {"host": "example.com", "login": "id", "password": "secret"},
                "auth_url: must be given",
            ),
        ],
    )
    def test_nothing_is_concluded_from_a_field_that_is_wrong_itself(
        self, extra: dict[str, Any], fields: dict[str, Any], no_news: str
    ) -> None:
        message = error_of({"tenant_id": "1", **extra}, **fields)
        assert no_news not in message

    @pytest.mark.parametrize("fields", [{"login": "id"}, {"password": "s3cret-value"}])
    def test_half_of_the_credentials_is_refused_without_showing_it(
        self, fields: dict[str, str]
    ) -> None:
        message = error_of(**fields)
        assert "go together" in message
        assert "s3cret-value" not in message


def test_the_secret_is_in_no_repr() -> None:
    tenant = settings(login="id", password="s3cret-value")
    assert "s3cret-value" not in f"{tenant!r}{tenant}{tenant.describe()}"


def test_no_error_of_pydantic_quotes_a_value() -> None:
    with pytest.raises(ValueError, match="client_secret") as error:
        TenantSettings.model_validate({"tenant_id": "10001", "client_secret": ["s3cret-value"]})
    assert "s3cret-value" not in str(error.value)
