"""What only a native tenant can show, over real sockets: sites, look-ups that lag, other hosts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import pytest
from emulator_client import ORDERS_PATH
from spoken import BY_EXTERNAL_ID, BY_NUMBER, NATIVE, Spoken

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.errors import OmsUnexpectedResponseError
from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome
from airflow_provider_oms.cancellation.policy import policy_for
from airflow_provider_oms.cancellation.runner import cancel_order
from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = pytest.mark.slow

ONE, OTHER = 8700001, 8700002
LAG = 5


@pytest.fixture
def tenant(emulator: EmulatorProcess) -> EmulatorProcess:
    emulator.clear()
    emulator.load_orders([{"orderID": ONE}, {"orderID": OTHER}])
    return emulator


def cancel(
    tenant: EmulatorProcess, spoken: Spoken, name: object = None, *, attempt: int = 1, **extra: Any
) -> CancellationResult:
    found = spoken.settings(tenant, **{"settle_seconds": 1, "deadline": 4, **extra})
    return _cancel(found, tenant, spoken, name, attempt)


def _cancel(
    found: TenantSettings,
    tenant: EmulatorProcess,
    spoken: Spoken,
    name: object = None,
    attempt: int = 1,
) -> CancellationResult:
    with OmsClient(found, pool_size=1) as client:
        named = spoken.name_of(tenant, ONE) if name is None else name
        request = client.dialect.cancel_request(named, "Fraud", order_key=spoken.order_key)
        return cancel_order(client, request, policy_for(found), attempt=attempt)


def searches(tenant: EmulatorProcess) -> int:
    return len(tenant.requests(call="search"))


class TestASearchThatLags:
    def test_no_cancel_is_sent_again_because_of_it(self, tenant: EmulatorProcess) -> None:
        tenant.settings(search_lag=LAG)
        tenant.add_fault("drop", times=1)
        result = cancel(tenant, BY_NUMBER)
        assert (result.outcome, result.posts) == (Outcome.CANCELED, 1)
        assert tenant.cancels(ONE) == 1
        assert searches(tenant) == 1

    def test_a_later_attempt_does_not_believe_it_either(self, tenant: EmulatorProcess) -> None:
        tenant.settings(search_lag=LAG)
        assert cancel(tenant, NATIVE).outcome is Outcome.CANCELED
        result = cancel(tenant, BY_NUMBER, attempt=2)
        assert (result.outcome, result.posts) == (Outcome.CANCELED, 0)
        assert tenant.cancels(ONE) == 1


class TestSeveral:
    @pytest.mark.parametrize("spoken", [BY_NUMBER, BY_EXTERNAL_ID], ids=str)
    def test_none_of_them_is_canceled(self, tenant: EmulatorProcess, spoken: Spoken) -> None:
        self.load(tenant)
        result = cancel(tenant, spoken, "77")
        assert (result.outcome, result.posts) == (Outcome.REFUSED, 0)
        assert "2 orders have" in result.reason
        assert tenant.requests(call="cancel") == []

    @pytest.mark.parametrize("spoken", [BY_NUMBER, BY_EXTERNAL_ID], ids=str)
    def test_the_one_of_the_connections_site_is(
        self, tenant: EmulatorProcess, spoken: Spoken
    ) -> None:
        self.load(tenant)
        assert cancel(tenant, spoken, "77", site_id=3).outcome is Outcome.CANCELED
        assert (tenant.cancels(ONE), tenant.cancels(OTHER)) == (0, 1)
        result = cancel(tenant, spoken, "77", site_id=4)
        assert (result.outcome, result.posts) == (Outcome.NOT_FOUND, 0)
        assert "only site 4, which site_id names, was searched" in result.reason

    def load(self, tenant: EmulatorProcess) -> None:
        tenant.settings(native_order_numbers="site")
        both = {"orderNumber": 77, "externalId": "77"}
        tenant.load_orders(
            [
                {"orderID": ONE, "native": {**both, "siteId": 2}},
                {"orderID": OTHER, "native": {**both, "siteId": 3}},
            ]
        )

    def test_a_number_in_other_letters_is_another_one(self, tenant: EmulatorProcess) -> None:
        tenant.load_orders(
            [
                {"orderID": ONE, "native": {"externalId": "shop-1"}},
                {"orderID": OTHER, "native": {"externalId": "SHOP-1"}},
            ]
        )
        assert cancel(tenant, BY_EXTERNAL_ID, "SHOP-1").outcome is Outcome.CANCELED
        result = cancel(tenant, BY_EXTERNAL_ID, "Shop-1")
        assert (result.outcome, result.posts) == (Outcome.NOT_FOUND, 0)
        assert (tenant.cancels(ONE), tenant.cancels(OTHER)) == (0, 1)


class TestTheIdThatWasFound:
    @pytest.mark.parametrize("spoken", [BY_NUMBER, BY_EXTERNAL_ID], ids=str)
    @pytest.mark.parametrize(
        ("fault", "outcome"),
        [
            ({}, Outcome.CANCELED),
            ({"kind": "status", "status": 400}, Outcome.REFUSED),
            ({"kind": "drop"}, Outcome.UNKNOWN),
        ],
    )
    def test_log_and_result_have_it_whatever_becomes_of_the_cancel(
        self,
        tenant: EmulatorProcess,
        caplog: pytest.LogCaptureFixture,
        spoken: Spoken,
        fault: dict[str, Any],
        outcome: Outcome,
    ) -> None:
        caplog.set_level("INFO")
        if fault:
            tenant.add_fault(**fault)
            tenant.add_fault("status", call="get", status=500)
        result = cancel(tenant, spoken, settle_seconds=0.5, deadline=1.5)
        assert (result.outcome, result.looked_up_id) == (outcome, tenant.native_id(ONE))
        assert f"Order {result.order_id} has the id {tenant.native_id(ONE)}" in caplog.messages
        assert result.describe().endswith(f" Its id is {tenant.native_id(ONE)}.")
        assert result.as_dict()["looked_up_id"] == tenant.native_id(ONE)


class TestALookUpThatFails:
    @pytest.mark.parametrize("attempt", [1, 2])
    @pytest.mark.parametrize("status", [200, 404, 500])
    def test_its_line_in_the_log_calls_it_one(
        self,
        tenant: EmulatorProcess,
        caplog: pytest.LogCaptureFixture,
        attempt: int,
        status: int,
    ) -> None:
        caplog.set_level("INFO")
        if status == HTTPStatus.OK:
            cancel(tenant, BY_NUMBER, "77", attempt=attempt, settle_seconds=0, deadline=0.5)
        else:
            tenant.settings(search_status=status)
            cancel(tenant, BY_NUMBER, attempt=attempt, settle_seconds=0, deadline=0.5)
        named = [line for line in caplog.messages if f"attempt {attempt}, call 1, " in line]
        assert len(named) == 1
        assert f"attempt {attempt}, call 1, look-up: " in named[0]

    def test_so_does_that_of_a_host(
        self, tenant: EmulatorProcess, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO")
        tenant.add_fault("status", status=503, call="tenant", times=1)
        found = TestAHostThatIsLookedUp().settings(tenant)
        assert _cancel(found, tenant, NATIVE).outcome is Outcome.CANCELED
        assert any("call 1, look-up: The tenant's host" in line for line in caplog.messages)


class TestASet:
    NUMBERS = range(8800001, 8800021)

    @pytest.mark.parametrize(
        ("switch", "fault", "looked_up"),
        [
            ({}, {}, 1),
            ({}, {"kind": "status", "status": 503}, 1 + len(NUMBERS)),
            ({}, {"kind": "throttle"}, 1 + len(NUMBERS)),
            ({}, {"kind": "answer", "body": "html"}, 1 + len(NUMBERS)),
            ({"native_filter_or": False}, {}, 1 + len(NUMBERS)),
            # Orders that it leaves out are looked up once more when it has settled.
            ({"search_leaves_out": 2}, {}, 1 + 2 * (len(NUMBERS) // 2)),
        ],
    )
    def test_its_orders_are_looked_up_by_one_search_and_else_one_by_one(
        self, tenant: EmulatorProcess, switch: dict[str, Any], fault: dict[str, Any], looked_up: int
    ) -> None:
        tenant.load_orders([{"orderID": number} for number in self.NUMBERS])
        tenant.settings(**{"native_filter_or": True, **switch})
        if fault:
            tenant.add_fault(**fault, call="search", times=1)
        found = BY_NUMBER.settings(tenant, search_with_or=True, settle_seconds=1, deadline=4)
        policy = policy_for(found)
        with OmsClient(found, pool_size=4) as client, ThreadPoolExecutor(4) as threads:
            requests = [BY_NUMBER.request(client, tenant, number) for number in self.NUMBERS]
            client.expect(request.order_id for request in requests)
            ends = threads.map(lambda request: cancel_order(client, request, policy), requests)
            outcomes = [end.outcome for end in ends]
        is_left_out = [bool(switch.get("search_leaves_out")) and n % 2 == 0 for n in self.NUMBERS]
        assert outcomes == [
            Outcome.NOT_FOUND if left_out else Outcome.CANCELED for left_out in is_left_out
        ]
        assert [tenant.cancels(n) for n in self.NUMBERS] == [1 - one for one in is_left_out]
        assert searches(tenant) == looked_up


class TestAnotherTenant:
    def test_an_order_of_its_that_has_the_number_is_not_canceled(
        self, tenant: EmulatorProcess
    ) -> None:
        result = cancel(tenant, BY_NUMBER, tenant_id="10002")
        assert (result.outcome, result.posts) == (Outcome.FORBIDDEN, 0)
        says = "with an order of another tenant; check the connection's tenant_id and host"
        assert says in result.reason
        assert tenant.requests(call="cancel") == []
        # It would find the same again.
        assert searches(tenant) == 1

    def test_a_cancel_that_acted_on_its_order_is_unknown_and_nothing_more_is_sent(
        self, tenant: EmulatorProcess
    ) -> None:
        # Its id is like one of ours, so that no read comes first.
        like_ours = f"{tenant.native_id(ONE)[:24]}{10002:08x}"
        tenant.load_orders([{"orderID": OTHER + 1, "native": {"id": like_ours}}])
        result = cancel(tenant, NATIVE, like_ours, tenant_id="10002")
        assert (result.outcome, result.posts) == (Outcome.UNKNOWN, 1)
        assert "may have canceled an order of another tenant; look at that order" in result.reason
        assert "check the connection's tenant_id and host" in result.reason
        calls = [one["method"] for one in tenant.requests(path=ORDERS_PATH)]
        assert calls == ["PUT", "GET"]

    def test_what_it_says_of_an_order_is_not_believed(self, tenant: EmulatorProcess) -> None:
        found = NATIVE.settings(tenant, tenant_id="10002")
        with OmsClient(found) as client, pytest.raises(OmsUnexpectedResponseError):
            client.get_order(tenant.native_id(ONE))


class TestAHostThatIsLookedUp:
    def settings(self, tenant: EmulatorProcess) -> TenantSettings:
        fields = {"api": "native", "tenant_id": tenant.tenant, "environment": "production"}
        return TenantSettings.from_connection(
            name="discovered",
            login=tenant.client_id,
            password=tenant.client_secret,
            extra=fields
            | {"auth_url": tenant.url, "discover_host": True, "settle_seconds": 1, "deadline": 2},
        )

    @pytest.mark.parametrize("spoken", [NATIVE, BY_NUMBER], ids=str)
    def test_it_is_asked_for_once(self, tenant: EmulatorProcess, spoken: Spoken) -> None:
        result = _cancel(self.settings(tenant), tenant, spoken)
        assert (result.outcome, result.posts) == (Outcome.CANCELED, 1)
        assert len(tenant.requests(call="tenant")) == 1

    @pytest.mark.parametrize("fault", [{"kind": "status", "status": 503}, {"kind": "unauthorized"}])
    def test_a_fault_in_between_costs_no_order(
        self, tenant: EmulatorProcess, fault: dict[str, Any]
    ) -> None:
        tenant.add_fault(**fault, call="tenant", times=1)
        result = _cancel(self.settings(tenant), tenant, NATIVE)
        assert (result.outcome, result.posts) == (Outcome.CANCELED, 1)

    @pytest.mark.parametrize("domain", ["evil.example", "t10002.tp1.mozu.com", "evil-mozu.com"])
    def test_nothing_goes_to_one_that_is_not_the_tenants(
        self, tenant: EmulatorProcess, domain: str
    ) -> None:
        tenant.settings(native_tenant_domain=domain)
        result = _cancel(self.settings(tenant), tenant, NATIVE)
        assert (result.outcome, result.posts) == (Outcome.NOT_ATTEMPTED, 0)
        assert "The tenant's host could not be looked up: " in result.reason
        assert tenant.requests(path=ORDERS_PATH) == []
