"""The emulator's behavior switches: everything in which two real tenants may differ.

Identity (tenant, client, port) is no behavior and lives in `tenant`; faults are not here either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ConfigDict, Field

from airflow_provider_oms.emulator.native.settings import NativeSettings, Words
from airflow_provider_oms.emulator.parts.settings import PartSettings


class Settings(NativeSettings, PartSettings):
    """How this tenant answers where the documentation is silent; each default is the likeliest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unknown_order_status: Literal[404, 400] = Field(
        default=404, description="Status for an order the tenant does not have."
    )
    refused_states: Words = Field(
        default=("SHIPPED",),
        description="Values of orderState or orderStatus from which a cancel is refused.",
    )
    refused_state_status: Literal[409, 400] = Field(
        default=409, description="Status for a cancel refused because of the order's state."
    )
    canceled_order_status: Literal[200, 409] = Field(
        default=200,
        description="Status for canceling a canceled order; 200 answers with it unchanged.",
    )
    reasons: Literal["strict", "lenient"] = Field(
        default="strict",
        description="strict: only known dispositionReason values; lenient: any text but an empty.",
    )
    extra_reasons: Words = Field(
        default=(), description="dispositionReason values known in addition to the documented ones."
    )
    explanation_without_other: Literal["ignore", "refuse"] = Field(
        default="ignore",
        description="A well-formed dispositionOtherReason with a reason that is not `other`.",
    )
    other_without_explanation: Literal["refuse", "accept"] = Field(
        default="refuse", description="The reason `other` without dispositionOtherReason."
    )
    latin1_lengths: bool = Field(
        default=True,
        description="Count a character outside latin-1 as the entity it is stored as.",
    )
    numeric_string_ids: bool = Field(
        default=False, description='Accept an orderID given as digits in a string: "1010101".'
    )
    missing_tenant_status: Literal[400, 401, 403] = Field(
        default=400, description="Status for a call without x-vol-tenant."
    )
    wrong_tenant_status: Literal[400, 401, 403, 404] = Field(
        default=403, description="Status for a call whose x-vol-tenant names another tenant."
    )
    expired_token_status: Literal[401, 403] = Field(
        default=401,
        description="Status for a token that is expired, revoked or was never issued; 403 comes "
        "with the classic OMS's body, whatever error_body says.",
    )
    token_lifetime: int = Field(
        default=3600,
        ge=0,
        le=10**9,
        strict=True,
        description="Seconds a new token lives (expires_in); 0 makes tokens that expired at birth.",
    )
    error_body: Literal["platform", "classic", "html", "empty"] = Field(
        default="platform",
        description="Shape of an error under /api/v2. With `classic`, the gateway's own refusals "
        "(token, tenant) keep the platform's shape; the token endpoint always does.",
    )
    search_status: Literal[200, 404, 500] = Field(
        default=200, description="Status of every search; 404: the tenant has none."
    )
    search_shape: Literal["collection", "list", "items"] = Field(
        default="collection",
        description="The body of a search response: an object with the orders under that name, "
        "or a bare list of them.",
    )
    search_lag: float = Field(
        default=0,
        ge=0,
        le=3600,
        description="Seconds by which a search shows a new order, and a change to an order, "
        "later than Get Order.",
    )
    search_leaves_out: int = Field(
        default=0,
        ge=0,
        strict=True,
        description="Orders that a search never finds: those whose id is a multiple of this; 0: "
        "none.",
    )
    search_ignores_ids: bool = Field(
        default=False, description="Search as if no orderID were given, among all orders."
    )
    trailing_slash: bool = Field(
        default=True,
        description="Tolerate a trailing slash that is not documented, or the lack of one that is.",
    )

    def changed(self, changes: Mapping[str, Any]) -> Settings:
        """Return these settings with some replaced, after validating all of them.

        :param changes: new values by name.
        """
        return Settings.model_validate({**self.model_dump(), **changes})
