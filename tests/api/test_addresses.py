"""Addresses: the documented hosts and paths of Kibo, host names, and ports."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_oms.api.addresses import (
    address_problem,
    check_address,
    check_template,
    derived_url,
    is_kibo,
    is_plain_http,
    parse_port,
)

TENANTS = st.integers(1, 10**18 - 1).map(str)
ENVIRONMENTS = st.sampled_from(["production", "sandbox"])
# Short words; none of them is a word of Kibo's paths.
PREFIXES = st.lists(st.from_regex(r"[a-z]{1,3}[0-9]", fullmatch=True), max_size=3).map(
    lambda words: "".join(f"/{word}" for word in words)
)
PASTED = [
    "/api/v2",
    "/api/v2/",
    "/API/v2",
    "/api//v2",
    "/%61pi/v2",
    "/api/v2/order",
    "/api/v2/order/1010101",
    "/api/v2/order/action/cancel",
    "/api/v2/orderItem/action/cancel/",
    "/api/platform/applications/authtickets/oauth",
    "/api/commerce/orders",
]


def problem(
    address: str, tenant_id: str = "10001", environment: str | None = None, **extra: Any
) -> str | None:
    return address_problem(
        check_address(address),
        **{
            "tenant_id": tenant_id,
            "environment": environment,
            "issues_tokens": False,
            **extra,
        },
    )


class TestPaths:
    @pytest.mark.parametrize("path", PASTED)
    def test_a_path_of_the_calls_is_refused_with_the_address_to_give(self, path: str) -> None:
        said = problem(f"https://gateway.example.com:8443{path}")
        assert said is not None
        assert said.endswith("; give https://gateway.example.com:8443")

    @given(PREFIXES, st.sampled_from(PASTED))
    def test_a_gateways_own_prefix_stays_possible_and_is_what_is_left(
        self, prefix: str, path: str
    ) -> None:
        base = f"https://gateway.example.com{prefix}"
        assert problem(base) is None
        assert str(problem(base + path)).endswith(f"; give {base}")

    @pytest.mark.parametrize("path", ["/api", "/v2", "/api/v2/kibo", "/api/v20", "/api/v2/orders2"])
    def test_a_prefix_that_resembles_them_is_a_gateways_own(self, path: str) -> None:
        assert problem(f"https://gateway.example.com{path}") is None

    @pytest.mark.parametrize("issues_tokens", [True, False])
    def test_kibos_own_hosts_have_no_prefix(self, issues_tokens: bool) -> None:
        said = problem("https://10001-translation.mozu.com/oms", issues_tokens=issues_tokens)
        assert said == (
            "must not hold /oms, because each call adds its own path; "
            "give https://10001-translation.mozu.com"
        )

    def test_the_token_endpoints_whole_address_is_too_much(self) -> None:
        path = "/api/platform/applications/authtickets/oauth"
        said = problem(f"https://home.mozu.com{path}", issues_tokens=True)
        assert str(said).endswith("; give https://home.mozu.com")


class TestKibosHosts:
    @given(TENANTS, ENVIRONMENTS)
    def test_the_documented_address_of_a_tenant_is_right(
        self, tenant_id: str, environment: str
    ) -> None:
        address = derived_url(tenant_id, environment, "translated")
        assert is_kibo(address)
        for named in (environment, None):
            for issues_tokens in (True, False):
                assert not problem(address, tenant_id, named, issues_tokens=issues_tokens)

    @given(TENANTS, TENANTS, ENVIRONMENTS)
    def test_the_address_of_another_tenant_is_not(
        self, ours: str, theirs: str, environment: str
    ) -> None:
        said = problem(derived_url(theirs, environment, "translated"), ours, environment)
        assert (said is None) == (ours == theirs)
        if said is not None:
            assert f"belongs to tenant {theirs}, and tenant_id is {ours}" in said

    @given(TENANTS, ENVIRONMENTS, ENVIRONMENTS)
    def test_the_address_of_the_other_environment_is_not(
        self, tenant_id: str, named: str, actual: str
    ) -> None:
        said = problem(derived_url(tenant_id, actual, "translated"), tenant_id, named)
        assert (said is None) == (named == actual)
        if said is not None:
            assert f"is Kibo's {actual}, and environment is '{named}'" in said

    @pytest.mark.parametrize(
        ("host", "environment", "said"),
        [
            ("10001-TRANSLATION.MOZU.COM", "sandbox", "is Kibo's production"),
            ("10001-translation.mozu.com.:443", "sandbox", "is Kibo's production"),
            ("20002-translation.euw1.kibocommerce.com", None, "belongs to tenant 20002"),
            ("t10001.sandbox.mozu.com", "sandbox", "is Kibo's native API"),
            ("t10001-s2.tp1.euw1.kibocommerce.com", "production", "is Kibo's native API"),
            ("t10001-s2.tp1.euw1.kibocommerce.com", "sandbox", "is Kibo's production"),
            ("t10001.sb.euw1.kibocommerce.com", "production", "is Kibo's sandbox"),
            ("t20002.sandbox.mozu.com", "sandbox", "belongs to tenant 20002"),
            ("t10001-translation.mozu.com", "production", "is Kibo's native API"),
            ("home.mozu.com", None, "issues access tokens and has no orders"),
            ("integration.shopatron.com", None, "is the classic OMS"),
            ("cloudatron.com", None, "is the classic OMS"),
        ],
    )
    def test_what_else_cannot_be_right_is_named(
        self, host: str, environment: str | None, said: str
    ) -> None:
        assert said in str(problem(f"https://{host}", environment=environment))

    @pytest.mark.parametrize("environment", ["production", "sandbox", None])
    @pytest.mark.parametrize(
        "host",
        [
            "10001-translation.euw1.kibocommerce.com",  # not documented, so it may be right
            "oms.kibocommerce.com",
            "20002-translation.mozu.com.gateway.example.com",
            "20002-translation.notmozu.com",
            "kibo.example.com",
            "127.0.0.1",
        ],
    )
    def test_of_what_is_not_known_nothing_is_said(self, host: str, environment: str | None) -> None:
        assert problem(f"https://{host}", environment=environment) is None

    @pytest.mark.parametrize(
        "host", ["home.mozu.com", "home.euw1.kibocommerce.com", "t10001.sandbox.mozu.com"]
    )
    def test_tokens_may_come_from_what_has_no_orders(self, host: str) -> None:
        assert problem(f"https://{host}", issues_tokens=True) is None

    def test_the_classic_oms_issues_no_tokens_for_this_client(self) -> None:
        address = "https://auth.shopatron.com/oauthserver/oauth2/token"
        assert "is the classic OMS" in str(problem(address, issues_tokens=True))


@pytest.mark.parametrize(
    ("address", "is_plain"),
    [
        ("http://oms-emulator:8787", True),
        ("http://oms.localhost:8787", True),  # who answers there is the resolver's to say
        ("http://192.168.1.7", True),
        ("http://localhost:8787", False),
        ("http://[::1]:8787", False),
        ("https://oms-emulator:8787", False),
    ],
)
def test_what_leaves_this_machine_unencrypted(address: str, is_plain: bool) -> None:
    assert is_plain_http(address) is is_plain


@pytest.mark.parametrize(
    "value",
    [
        "https:/gateway.example.com",
        "https://https://gateway.example.com",
        "https://${OMS_HOST}",
        "{tenant_id}-translation.mozu.com",
        "<host>",
        "null",
        "None",
        "https://-gateway.example.com",
        "https://gateway.example.com:0",
        "https://*.example.com",
    ],
)
def test_what_cannot_be_the_name_of_a_host_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="must be an address such as"):
        check_address(value)


@pytest.mark.parametrize(
    "value",
    [
        "oms_emulator:8787",
        "gateway",
        "n",
        "GATEWAY.example.com.",
        "käse.example",
        "10.0.0.1",
        "[::1]",
        "[fe80::1]:8443",
        "nullable.example.com",
    ],
)
def test_what_may_be_one_is_taken(value: str) -> None:
    assert check_address(value) == f"https://{value}"


@pytest.mark.parametrize("value", ["https://a b", "https://a\tb", "https://a\u200bb", "a\nb"])
def test_an_address_with_what_the_library_would_drop_in_silence_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="must be an address such as"):
        check_address(value)


class TestTemplates:
    @pytest.mark.parametrize(
        "value",
        [
            "https://admin.example.com/orders/{order_id}",
            "https://admin.example.com/#/orders?id={order_id}",
            "http://127.0.0.1:8787/{order_id}",
            "https://admin.example.com/",
        ],
    )
    def test_one_with_the_orders_place_anywhere_behind_the_host_is_taken(self, value: str) -> None:
        assert check_template(value, "{order_id}") == value

    @pytest.mark.parametrize(
        "value",
        [
            "https://admin.example.com/{id}",
            "https://admin.example.com/{order_id}/{",
            "https://{order_id}.example.com/",
        ],
    )
    def test_any_other_placeholder_is_refused(self, value: str) -> None:
        with pytest.raises(ValueError, match="must have no other placeholder than"):
            check_template(value, "{order_id}")


class TestPorts:
    @given(st.integers(1, 65535))
    def test_a_number_and_its_text_are_the_same_port(self, port: int) -> None:
        assert parse_port(port) == parse_port(str(port)) == parse_port(f" {port}\n") == port

    @pytest.mark.parametrize("value", [None, 0, "", " ", "0"])
    def test_nothing_and_zero_are_none(self, value: object) -> None:
        assert parse_port(value) is None

    @pytest.mark.parametrize("value", [-1, 65536, "65536", "8787/tcp", "http", True, 1.5, "١", []])
    def test_anything_else_is_refused(self, value: object) -> None:
        with pytest.raises(ValueError, match=re.escape("whole number from 1 to 65535")):
            parse_port(value)
