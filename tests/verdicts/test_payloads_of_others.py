"""Payloads of tools without a dedicated adapter, read with settings or twenty lines.

Their shapes are public: signifyd/magento2 (version 2), Sift's decision webhook, forter-magento2,
kount-ris-python-sdk, Adyen's and Stripe's API descriptions, docs.cielo.com.br, Nofraud_connect,
Authorize.net's notifications, Shopify's order risk, docs.qitech.com.br, docs.apis-fiserv.com,
developer.hellgate.io. The last one is a shop's own export. Words that they do not show are made up.
"""

from __future__ import annotations

import pytest
from golden_verdicts import Golden, golden

from airflow_provider_oms.verdicts.adapters import Adapter, Fields, Payload
from airflow_provider_oms.verdicts.verdict import OmsVerdictError, Verdict

_adyen = Fields(
    order="merchantReference",
    decision="eventCode",
    cancel=["MANUAL_REVIEW_REJECT"],
    keep=["MANUAL_REVIEW_ACCEPT"],
    case_id="pspReference",
    decided_at="eventDate",
)


def adyen(payload: Payload) -> Verdict:
    """Read the one item of a notification of Adyen's."""
    items = payload.get("notificationItems")
    if not isinstance(items, list) or len(items) != 1:
        raise OmsVerdictError("notificationItems", "a list of one item", "another")
    return _adyen(items[0]["NotificationRequestItem"])


_sift = Fields(
    order="entity.id",
    decision="decision.id",
    cancel=["block_order_payment_abuse"],
    keep=["accept_order_payment_abuse"],
    case_id=None,
    decided_at="time",
    epoch="milliseconds",
    only={"entity.type": ["order"]},
)
ADAPTERS: dict[str, Adapter] = {
    "signifyd-2": Fields(
        order="orderId",
        decision="guaranteeDisposition",
        cancel=["DECLINED"],
        keep=["APPROVED"],
        pending=["PENDING", "IN_REVIEW"],
        case_id="caseId",
        decided_at="updatedAt",
    ),
    "sift": _sift,
    "sift-of-a-user": _sift,
    "forter": Fields(
        order="orderId",
        decision="action",
        cancel=["decline"],
        keep=["approve"],
        pending=["not reviewed"],
    ),
    "kount": Fields("ORDR", "AUTO", cancel=["D"], keep=["A"], pending=["R"], case_id="TRAN"),
    "adyen": adyen,
    "stripe": Fields(
        order="data.object.charge.metadata.order_number",
        decision="data.object.closed_reason",
        cancel=["refunded_as_fraud"],
        keep=["approved"],
        case_id="data.object.id",
        decided_at="created",
        epoch="seconds",
        only={"type": ["review.closed"]},
    ),
    "clearsale": Fields(
        order="ID",
        decision="Status",
        cancel=["RPM", "RPP", "SUS", "FRD"],
        keep=["APA", "APM", "APP"],
        pending=["AMA", "NVO"],
    ),
    "nofraud": Fields(
        order="invoiceNumber",
        decision="decision",
        cancel=["fail"],
        keep=["pass"],
        pending=["review"],
        case_id="id",
    ),
    "authorize-net": Fields(
        order="payload.invoiceNumber",
        decision="eventType",
        cancel=["net.authorize.payment.fraud.declined"],
        keep=["net.authorize.payment.fraud.approved"],
        pending=["net.authorize.payment.fraud.held"],
        case_id="payload.id",
        decided_at="eventDate",
    ),
    "shopify": Fields(
        order="risk.order_id",
        decision="risk.cause_cancel",
        cancel=[True],
        keep=[False],
        case_id="risk.id",
    ),
    "qi-tech": Fields(
        decision="fraud_status",
        cancel=["automatically_declined"],
        keep=["automatically_approved"],
        decided_at="event_date",
    ),
    "carat": Fields(
        order="pedido",
        decision=("analise.status",),
        cancel=["REJ"],
        keep=["ACC"],
        pending=["NOV", "REV"],
    ),
    "hellgate": Fields(decision="event", cancel=["decision.block"], keep=["decision.allow"]),
    "shop-export": Fields(
        order="Order Number",
        decision="Fraud Decision",
        cancel=["Rejected"],
        decided_at="Decided",
        zone="Europe/Berlin",
    ),
}


@pytest.mark.parametrize("given", golden("others"), ids=lambda each: str(each.name))
def test_a_payload_of_another_tool_is_read_with_settings(given: Golden) -> None:
    adapter = ADAPTERS[given.name.removeprefix("others/")]
    if given.refused is None:
        assert adapter(given.payload) == given.verdict
        return
    with pytest.raises(OmsVerdictError) as refusal:
        adapter(given.payload)
    assert (refusal.value.field, refusal.value.order) == (given.refused, given.order)


def test_every_kind_has_a_payload() -> None:
    assert {f"others/{kind}" for kind in ADAPTERS} == {each.name for each in golden("others")}
