"""Rules between the fields of a connection: addresses, plain HTTP, and the CA bundle."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme
from tenants import TENANT, error_of, settings

LOCAL = "http://oms-emulator:8787"
ALLOWED = {"tenant_id": "10001", "auth_url": LOCAL, "allow_http": True}


@pytest.fixture
def no_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the environment name a CA bundle that is not there."""
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv("CURL_CA_BUNDLE", "/gone/ca.pem")


class TestWhatIsKnownAboutAddresses:
    @pytest.mark.parametrize(
        ("extra", "host", "named"),
        [
            ({}, "http://127.0.0.1:8787/api/v2", "host: must not hold /api/v2, because"),
            ({}, "20002-translation.mozu.com", "host: 20002-translation.mozu.com belongs to"),
            ({"environment": "sandbox"}, "10001-translation.mozu.com", "is Kibo's production"),
            ({"auth_url": "https://home.mozu.com/x"}, None, "auth_url: must not hold /x, because"),
            ({"auth_url": "https://t2.sandbox.mozu.com"}, None, "auth_url: t2.sandbox.mozu.com"),
        ],
    )
    def test_host_and_auth_url_are_compared_with_it(
        self, extra: dict[str, str], host: str | None, named: str
    ) -> None:
        extra = {"tenant_id": "10001", "environment": "production", **extra}
        assert named in error_of(extra, host=host)

    def test_a_tenant_that_is_wrong_itself_is_compared_with_nothing(self) -> None:
        extra = {"tenant_id": "t20002"}
        assert "belongs to" not in error_of(extra, host="20002-translation.mozu.com")
        message = error_of(extra, host="20002-translation.mozu.com/api/v2")
        assert "host: must not hold /api/v2" in message

    def test_tokens_and_not_orders_may_come_from_the_token_host(self) -> None:
        extra = {"tenant_id": "10001", "auth_url": "https://home.mozu.com"}
        assert settings(extra, host="gateway.example.com").auth_url == extra["auth_url"]
        assert "host: home.mozu.com issues access tokens" in error_of(extra, host="home.mozu.com")

    def test_so_is_an_environment(self) -> None:
        extra = {"tenant_id": "10001", "environment": "Sandbox"}
        assert "is Kibo's" not in error_of(extra, host="10001-translation.mozu.com")


@pytest.mark.usefixtures("no_bundle")
@pytest.mark.parametrize(
    ("extra", "fields", "concluded"),
    [
        ({"environment": None}, {"host": "ftp://oms"}, "environment: must be 'production'"),
        ({"environment": "Sandbox"}, {}, "unless host is given"),
        ({}, {"login": "id ", "password": "secret"}, "go together"),
        ({}, {"login": "id", "password": "***"}, "go together"),
        ({"settle_seconds": "soon", "deadline": 9}, {}, "longer than deadline"),
        ({"settle_seconds": 200, "deadline": "soon"}, {}, "longer than deadline"),
        (
            {"auth_url": "ftp://oms"},
            {"host": "oms.example.com", "login": "id", "password": "secret"},
            "auth_url: must be given",
        ),
        ({"allow_http": "maybe"}, {"host": LOCAL}, "must use https"),
        ({"allow_http": "maybe", "auth_url": LOCAL}, {}, "must use https"),
        ({"allow_http": True, "auth_url": LOCAL}, {"host": "ftp://oms"}, "is for a local OMS only"),
        ({}, {"host": "ftp://oms"}, "CURL_CA_BUNDLE"),
        ({"ca_bundle": "/gone/too.pem"}, {}, "CURL_CA_BUNDLE"),
    ],
)
def test_nothing_is_concluded_from_a_field_that_is_wrong_itself(
    extra: dict[str, object], fields: dict[str, str], concluded: str
) -> None:
    assert concluded not in error_of({**TENANT, **extra}, **fields)


@pytest.mark.usefixtures("no_bundle")
def test_all_else_is_said_beside_a_field_that_is_wrong_itself() -> None:
    extra = {"tenant_id": "1", "auth_url": "ftp://oms"}
    message = error_of(extra, host="home.mozu.com")
    assert "auth_url: must be an address" in message
    assert "host: home.mozu.com issues access tokens" in message
    assert "ca_bundle: is empty, and CURL_CA_BUNDLE" in message
    message = error_of("no JSON", host="home.mozu.com")
    assert "host: home.mozu.com issues access tokens" in message


def test_the_time_to_settle_may_be_as_long_as_the_deadline_and_no_longer() -> None:
    assert settings({**TENANT, "settle_seconds": 9, "deadline": 9}).settle_seconds == 9
    message = error_of({**TENANT, "settle_seconds": 9.5, "deadline": 9})
    assert "settle_seconds: must not be longer than deadline" in message


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        ({"settle_seconds": 9.5, "deadline": 9}, "9.5 s is longer than 9 s"),
        ({"deadline": 10}, "the default of 15 s is longer than 10 s"),
        ({"settle_seconds": 200}, "200 s is longer than the default of 120 s"),
        ({"api": "native", "deadline": 30}, "the default of 60 s is longer than 30 s"),
        ({"api": "native", "deadline": 30, "settle_seconds": 45}, "45 s is longer than 30 s"),
    ],
)
def test_a_time_to_settle_that_is_too_long_is_named_with_what_it_is_compared_with(
    extra: dict[str, object], named: str
) -> None:
    message = error_of({**TENANT, **extra})
    assert f"settle_seconds: must not be longer than deadline, and {named}; lower" in message


class TestHttp:
    def test_it_is_admitted_for_a_local_oms_elsewhere_with_a_warning(self) -> None:
        tenant = settings(ALLOWED, host=LOCAL, login="id", password="secret")
        assert tenant.api_url == tenant.token_base_url == LOCAL
        assert tenant.warning == (
            f"Credentials and orders are sent unencrypted to {LOCAL}, because the connection "
            f"sets allow_http, which is meant for a local OMS only."
        )

    def test_both_addresses_are_named_where_they_differ(self) -> None:
        extra = {**ALLOWED, "auth_url": "http://tokens"}
        warning = settings(extra, host=LOCAL, login="id", password="secret").warning
        assert f"to {LOCAL} and http://tokens," in str(warning)
        assert f"to {LOCAL}," in str(settings(extra, host=LOCAL).warning)

    @pytest.mark.parametrize("host", ["https://oms-emulator", "http://127.0.0.1:8787"])
    @pytest.mark.parametrize("allowed", [True, False])
    def test_there_is_nothing_to_warn_of_where_all_is_encrypted_or_stays_here(
        self, host: str, allowed: bool
    ) -> None:
        extra = {"tenant_id": "1", "auth_url": "https://tokens", "allow_http": allowed}
        assert settings(extra, host=host, login="id", password="secret").warning is None

    @pytest.mark.parametrize("allowed", [{}, {"allow_http": False}, {"allow_http": "false"}])
    def test_it_is_refused_without_the_setting(self, allowed: dict[str, object]) -> None:
        extra = {"tenant_id": "10001", "auth_url": LOCAL, **allowed}
        message = error_of(extra, host=LOCAL)
        for field in ("host", "auth_url"):
            assert f"{field}: must use https; http is accepted for this machine" in message

    @pytest.mark.parametrize(
        ("host", "auth_url"),
        [
            (None, None),
            (None, LOCAL),
            ("http://10001-translation.mozu.com", LOCAL),
            ("https://10001-translation.mozu.com", LOCAL),
            (LOCAL, "http://home.mozu.com"),
            (LOCAL, "https://home.euw1.kibocommerce.com."),
        ],
    )
    def test_it_is_refused_with_any_address_of_kibos(
        self, host: str | None, auth_url: str | None
    ) -> None:
        extra = {**ALLOWED, "environment": "production", "auth_url": auth_url}
        assert "allow_http: is for a local OMS only" in error_of(extra, host=host)

    def test_a_link_in_a_browser_is_never_one_of_it(self) -> None:
        extra = {**ALLOWED, "admin_url": f"{LOCAL}/orders"}
        assert "admin_url: must use https" in error_of(extra, host=LOCAL)

    def test_the_secret_does_not_go_to_a_guessed_address_with_it_either(self) -> None:
        extra = {"tenant_id": "1", "allow_http": True}
        message = error_of(extra, host=LOCAL, login="id", password="secret")
        assert "auth_url: must be given" in message


@pytest.mark.usefixtures("no_bundle")
class TestCertificates:
    @pytest.mark.parametrize("host", [None, "https://127.0.0.1:9"])
    def test_a_variable_that_points_nowhere_is_named(self, host: str | None) -> None:
        message = error_of(host=host)
        assert "CURL_CA_BUNDLE of the environment names '/gone/ca.pem': no such file" in message

    def test_so_it_is_where_only_the_token_is_asked_for_with_tls(self) -> None:
        extra = {"tenant_id": "1", "auth_url": "https://home.mozu.com"}
        fields = {"host": "http://127.0.0.1:8787", "login": "id", "password": "secret"}
        assert "CURL_CA_BUNDLE of the environment" in error_of(extra, **fields)

    def test_it_does_not_matter_where_nothing_speaks_tls(self) -> None:
        tenant = settings(host="http://127.0.0.1:8787", login="id", password="secret")
        assert tenant.ca_bundle is None

    def test_it_does_not_matter_where_the_connection_names_a_bundle(self, tmp_path: Path) -> None:
        trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
        bundle = str(tmp_path / "ca.pem")
        assert settings({**TENANT, "ca_bundle": bundle}).ca_bundle == bundle

    def test_a_bundle_without_certificates_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "ca.pem").touch()
        message = error_of({**TENANT, "ca_bundle": str(tmp_path / "ca.pem")})
        assert "ca_bundle: holds no certificates in PEM format" in message
