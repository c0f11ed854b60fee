"""A connection to a native tenant: its fields, its defaults, and what contradicts each other."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from tenants import error_of, settings

from airflow_provider_oms.api.addresses import address_problem
from airflow_provider_oms.api.client import OmsClient

Extra = dict[str, Any]
NATIVE = {"api": "native", "tenant_id": "10001", "environment": "sandbox"}
PRODUCTION = {**NATIVE, "environment": "production"}
POD = "t10001.tp1.mozu.com"


def in_a_uri(extra: Mapping[str, Any]) -> Extra:
    """Return what Airflow makes of the fields in a URI: nothing but texts."""
    texts = {
        key: json.dumps(value) if isinstance(value, dict | bool) else value
        for key, value in extra.items()
    }
    return dict(parse_qsl(urlencode(texts)))


def codes_of(text: str) -> object:
    extra = {**PRODUCTION, "discover_host": True, "reason_codes": text}
    return settings(extra).reason_codes


WAYS = pytest.mark.parametrize("way", [dict, json.dumps, in_a_uri], ids=["dict", "JSON", "URI"])
Way = Callable[[Mapping[str, Any]], Any]


class TestItsFields:
    @WAYS
    def test_they_can_be_written_in_three_ways(self, way: Way) -> None:
        extra = {
            **PRODUCTION,
            "site_id": 2,
            "discover_host": True,
            "reason_codes": {"fraud": "FRAUD", "other": "Other"},
            "check_reasons": "refuse",
            "reason_category": "CSR",
            "search_with_or": True,
        }
        tenant = settings(way(extra))
        assert (tenant.api, tenant.site_id, tenant.discover_host) == ("native", "2", True)
        assert tenant.reason_codes == (("fraud", "FRAUD"), ("other", "Other"))
        assert (tenant.check_reasons, tenant.reason_category) == ("refuse", "CSR")
        assert tenant.search_with_or is True
        with OmsClient(tenant) as client:
            assert client.dialect.reason_code("fraud") == "FRAUD"
            assert client.dialect.most_per_search == 50
            call = client.dialect.reasons_call()
            assert call is not None
            assert call.path == "/api/commerce/orders/cancel/reasons?category=CSR"

    @pytest.mark.parametrize("text", ['\n {"fraud": "FRAUD"} ', " fraud = FRAUD ,"])
    def test_blanks_around_the_reasons_are_none_of_them(self, text: str) -> None:
        assert codes_of(text) == (("fraud", "FRAUD"),)

    @WAYS
    def test_all_but_the_first_may_be_left_out(self, way: Way) -> None:
        tenant = settings(way(NATIVE))
        assert (tenant.settle_seconds, tenant.not_cancelable_states) == (60, ("Completed",))
        assert (tenant.check_reasons, tenant.search_with_or) == ("warn", False)
        assert tenant.api_url == "https://t10001.sandbox.mozu.com"
        assert tenant.token_base_url == "https://home.mozu.com"

    @WAYS
    def test_a_default_gives_way_to_what_is_written(self, way: Way) -> None:
        extra = {**NATIVE, "settle_seconds": 5, "not_cancelable_states": "Errored, Completed"}
        tenant = settings(way(extra))
        assert tenant.settle_seconds == 5
        assert tenant.not_cancelable_states == ("Errored", "Completed")

    @WAYS
    def test_without_an_api_it_is_a_translated_tenant(self, way: Way) -> None:
        for extra in ({}, {"api": "translated"}, {"api": ""}):
            tenant = settings(way({"tenant_id": "10001", "environment": "sandbox", **extra}))
            assert tenant.api == "translated"
            assert tenant.settle_seconds == 15
            assert tenant.api_url == "https://10001-translation.sandbox.mozu.com"

    @WAYS
    @pytest.mark.parametrize("api", ["Native", "ucp", "true", "None"])
    def test_there_are_two_apis(self, way: Way, api: str) -> None:
        message = error_of(way({**PRODUCTION, "api": api, "discover_host": True}))
        assert "api: Input should be 'translated' or 'native'" in message
        assert "discover_host" not in message

    @pytest.mark.parametrize("field", ["discover_host", "search_with_or"])
    @pytest.mark.parametrize("value", ["yes", 1, "on", []])
    def test_a_switch_is_on_or_off(self, field: str, value: object) -> None:
        assert f"{field}: must be true or false" in error_of({**NATIVE, field: value})

    @pytest.mark.parametrize("value", ["off", False])
    def test_reasons_may_be_left_unchecked_and_yaml_reads_that_word_as_a_boolean(
        self, value: object
    ) -> None:
        assert settings({**NATIVE, "check_reasons": value}).check_reasons == "off"

    @pytest.mark.parametrize("value", [True, "Warn", "no", 0, "None"])
    def test_there_are_three_ways_to_check_reasons(self, value: object) -> None:
        assert "check_reasons: Input should be" in error_of({**NATIVE, "check_reasons": value})


class TestReasonCodes:
    @pytest.mark.parametrize(
        "value",
        [
            {"fraud": "FRAUD", "other": "Other"},
            '{"fraud": "FRAUD", "other": "Other"}',
            "fraud=FRAUD, other=Other",
            " fraud = FRAUD ,other=Other,",
        ],
    )
    def test_they_may_be_written_in_each_of_these_ways(self, value: object) -> None:
        pairs = settings({**NATIVE, "reason_codes": value}).reason_codes
        assert pairs == (("fraud", "FRAUD"), ("other", "Other"))

    @pytest.mark.parametrize(
        "value",
        [
            *("fraud", "fraud=", "=FRAUD", "fraud=A,fraud=B", "fraud=A, fraud =B", "[1]", "{", "7"),
            *('{"fraud": 1}', '{"fraud": "A", "fraud": "B"}', '{"fraud": ""}', '["fraud"]'),
            *({"fraud": 1}, {"fraud": ""}, {"": "A"}, {"fraud": None}, {"fraud": ["A"]}),
            *({"fraud": "A", " fraud": "B"}, ["fraud=A"], [["fraud", "A"]], 7, True),
            *([["fraud", "A"], ["fraud", "B"]], [["fraud", ""]]),
        ],
    )
    def test_what_is_no_list_of_pairs_is_refused_by_name(self, value: object) -> None:
        message = error_of({**NATIVE, "reason_codes": value})
        assert "reason_codes: must be a JSON object of strings, or pairs such as" in message


class TestItsHost:
    @WAYS
    def test_in_production_it_must_be_given_or_looked_up(self, way: Way) -> None:
        message = error_of(way(PRODUCTION))
        assert "host: must be given for a native tenant in production" in message
        assert "set discover_host" in message
        assert error_of(way({**PRODUCTION, "discover_host": False})) == message
        tenant = settings(way({**PRODUCTION, "discover_host": True}))
        assert tenant.describe() == (
            "the host that https://home.mozu.com names (environment production, tenant 10001)"
        )
        given = settings(way({**PRODUCTION, "auth_url": "https://home.mozu.com"}), host=POD)
        assert given.api_url == f"https://{POD}"

    @WAYS
    def test_it_is_given_or_looked_up_and_not_both(self, way: Way) -> None:
        message = error_of(way({**PRODUCTION, "discover_host": True}), host=POD)
        assert "discover_host: looks the host up, and host is given too" in message

    @WAYS
    def test_to_look_it_up_does_not_say_which_environment_it_is(self, way: Way) -> None:
        extra = {"api": "native", "tenant_id": "10001", "discover_host": True}
        assert "environment: must be 'production' or 'sandbox'" in error_of(way(extra))

    @pytest.mark.parametrize(
        ("host", "extra", "named"),
        [
            ("t10002.tp1.mozu.com", {}, "belongs to tenant 10002, and tenant_id is 10001"),
            ("t10002.stg1.mozu.com", {}, "belongs to tenant 10002, and tenant_id is 10001"),
            ("t10002-s2.stg1.mozu.com", {}, "belongs to tenant 10002, and tenant_id is 10001"),
            ("t10002.stg2.usc1.kibocommerce.com", {}, "belongs to tenant 10002"),
            ("t10001-s3.stg1.mozu.com", {"site_id": "2"}, "belongs to site 3, and site_id is 2"),
            *(
                (f"{pod}.mozu.com", {}, "is a part of Kibo's platform and no tenant's; give the")
                for pod in ("stg1", "STG2", "stg10001", "tp1", "sandbox")
            ),
            ("sb.euw1.kibocommerce.com", {}, "is a part of Kibo's platform and no tenant's"),
            ("t10001-s3.tp1.mozu.com", {"site_id": "2"}, "belongs to site 3, and site_id is 2"),
            ("t10001.sandbox.mozu.com", {}, "is Kibo's sandbox, and environment is 'production'"),
            (POD, {"environment": "sandbox"}, "is Kibo's production, and environment is"),
            ("t10001.sb.euw1.kibocommerce.com", {}, "is Kibo's sandbox"),
            ("10001-translation.mozu.com", {}, "is not Kibo's native API"),
            ("10001.tp1.mozu.com", {}, "is not Kibo's native API"),
            ("t10001-translation.mozu.com", {}, "is not Kibo's native API"),
            ("home.mozu.com", {}, "issues access tokens and has no orders"),
            (f"{POD}/api", {}, "must not hold /api"),
            (f"{POD}/api/commerce/orders", {}, "must not hold /api/commerce/orders"),
            ("gateway.example.com/api/commerce", {}, "must not hold /api/commerce, because"),
        ],
    )
    @WAYS
    def test_what_it_contradicts_is_named(
        self, way: Way, host: str, extra: Extra, named: str
    ) -> None:
        message = error_of(way({**PRODUCTION, **extra}), host=host)
        assert "host: " in message
        assert named in message

    @pytest.mark.parametrize("host", [POD, "t10001-s2.sandbox.mozu.com", "t10001.stg1.mozu.com"])
    def test_on_a_translated_tenant_it_is_refused(self, host: str) -> None:
        message = error_of({"tenant_id": "10001"}, host=host)
        assert "is Kibo's native API" in message
        assert "set api to native" in message

    @pytest.mark.parametrize(
        "host",
        [
            *("t10001-s2.tp1.mozu.com", "t10001-s02.tp1.mozu.com", "gateway.example.com"),
            *("t10001.tp0.euw4.gcp.kibocommerce.com", "T10001.TP1.MOZU.COM", f"{POD}."),
            *("t10001.stg1.mozu.com", "t10001-s2.stg1.mozu.com", "stg1.example.com"),
        ],
    )
    def test_what_contradicts_nothing_is_taken(self, host: str) -> None:
        extra = {**PRODUCTION, "site_id": 2, "auth_url": "https://home.mozu.com"}
        assert settings(extra, host=host).base_url == f"https://{host}"

    def test_tokens_may_come_from_the_tenants_own_host_in_either_api(self) -> None:
        for api in ("native", "translated"):
            assert (
                address_problem(
                    f"https://{POD}",
                    tenant_id="10001",
                    environment="production",
                    issues_tokens=True,
                    api=api,
                )
                is None
            )

    @pytest.mark.parametrize("auth_url", ["https://t10002.tp1.mozu.com", "http://home.mozu.com"])
    def test_a_token_host_is_compared_too(self, auth_url: str) -> None:
        extra = {**PRODUCTION, "discover_host": True, "auth_url": auth_url}
        assert "auth_url: " in error_of(extra)


class TestWhatTheOtherApiHas:
    @pytest.mark.parametrize(
        "extra",
        [
            {"discover_host": True},
            {"search_with_or": "true"},
            {"reason_codes": "a=b"},
            {"check_reasons": "refuse"},
            {"reason_category": "CSR"},
        ],
    )
    @WAYS
    def test_a_translated_tenant_takes_none_of_it(self, way: Way, extra: Extra) -> None:
        message = error_of(way({"tenant_id": "1", "environment": "sandbox", **extra}))
        (field,) = extra
        assert f"{field}: has a meaning for api: native only; leave it out" in message

    @WAYS
    def test_nor_does_a_native_one(self, way: Way) -> None:
        message = error_of(way({**NATIVE, "disposition_reasons": "fraud"}))
        assert "disposition_reasons: has a meaning for api: translated only" in message

    @WAYS
    def test_what_a_form_sends_for_a_field_that_was_left_alone_is_no_contradiction(
        self, way: Way
    ) -> None:
        left = {"discover_host": False, "search_with_or": False, "check_reasons": "warn"}
        assert settings(way({"tenant_id": "1", "environment": "sandbox", **left})).api_url
        assert settings(way({**NATIVE, "disposition_reasons": ""})).api_url

    def test_all_that_does_not_fit_is_named_at_once(self) -> None:
        extra = {"tenant_id": "1", "environment": "sandbox", "discover_host": True}
        assert "discover_host, reason_category: has a meaning" in error_of(
            {**extra, "reason_category": "CSR"}
        )
