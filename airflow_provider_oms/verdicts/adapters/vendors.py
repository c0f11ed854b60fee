"""The adapters of fraud tools whose verdict is in fields of the payload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_provider_oms.verdicts.adapters.fields import Fields
from airflow_provider_oms.verdicts.adapters.payload import Path, Words

__all__ = ["Riskified", "Signifyd"]


@dataclass(frozen=True, eq=False)
class Signifyd(Fields):
    """Read a decision of Signifyd's API version 3, as its webhooks bring it.

    Its own connectors have the fields (signifyd/magento2, ``review-v3-payload.json``) and the words
    (signifyd/commercetools, ``Action.java``), of which ``WebhookFunction.java`` acts on ``ACCEPT``,
    ``REJECT`` and ``HOLD``. ``CHALLENGE`` and ``CREDIT`` are refused until a setting names them,
    because no source gives their meaning for an order. A decision on a *return* has the same fields
    and words, and a ``returnId`` (``AttemptReturnResponse.java``): it is refused.

    The settings are those of ``Fields``.
    """

    order: Path = "orderId"
    decision: Path = "decision.checkpointAction"
    cancel: Words = ("REJECT",)
    keep: Words = ("ACCEPT",)
    pending: Words = ("HOLD",)
    case_id: Path | None = "signifydId"
    decided_at: Path | None = "decision.createdAt"
    without: Sequence[Path] = ("returnId",)


@dataclass(frozen=True, eq=False)
class Riskified(Fields):
    """Read a decision notification of Riskified.

    Its own SDK has the fields (Riskified/php_sdk, ``Notification.php``), and its plug-in the words
    ``approved`` and ``declined`` (Riskified/magento, ``ResponseController.php``); ``submitted`` is
    from a copy of its API description (api-evangelist/riskified).
    A notification has neither a case nor a time. The one that tests an endpoint, with order 0 and
    the word ``test`` (Riskified/magento2new, ``Get.php``), is refused.

    The settings are those of ``Fields``.
    """

    order: Path = "order.id"
    decision: Path = "order.status"
    cancel: Words = ("declined",)
    keep: Words = ("approved",)
    pending: Words = ("submitted",)
    case_id: Path | None = None
