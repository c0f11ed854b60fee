"""The switches in which two native tenants may differ; `emulator.settings` has all the others."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, Field

MAX_SECONDS: Final = 3600


def split_words(value: Any) -> Any:
    """Read a comma-separated text as a list, which is how a command line gives one.

    :param value: a list, or the text.
    """
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


Words = Annotated[tuple[str, ...], BeforeValidator(split_words)]


class NativeSettings(BaseModel):
    """How the tenant answers native calls where nothing is published."""

    native_cancel_shows: Annotated[float, Field(ge=0, le=MAX_SECONDS)] | Literal["never"] = Field(
        default=0.0,
        description="Seconds after which an accepted cancel shows; until then the order is as it "
        'was, in the answer too. "never": accepted and not carried out, as when a void fails.',
    )
    native_refused_statuses: Words = Field(
        default=("Pending", "Created", "Abandoned", "Completed"),
        description="Values of status from which a cancel is refused with 409.",
    )
    native_canceled_order_status: Literal[409, 200] = Field(
        default=409,
        description="Status for canceling a canceled order; 200 answers with it unchanged.",
    )
    native_fulfilled_status: Literal[409, 400, 200] = Field(
        default=409,
        description="Status for canceling an order that is Fulfilled; 200 answers with it "
        "unchanged.",
    )
    native_partly_fulfilled_status: Literal[409, 400, 200] = Field(
        default=409, description="The same for an order that is PartiallyFulfilled."
    )
    native_captured: Literal["refuse", "keep", "credit"] = Field(
        default="refuse",
        description="An order whose money is captured. refuse: 409; keep: it is canceled and the "
        "money kept; credit: it is canceled and the money credited.",
    )
    native_restriction_binds: bool = Field(
        default=True,
        description="Refuse with 409 to cancel an order with restrictCancellation, which certainly "
        "binds people and perhaps applications.",
    )
    native_reasons: Words = Field(
        default=("CustomerChangedMind", "NoInventory", "Fraud", "Other"),
        description="The cancel reasons that the tenant lists.",
    )
    native_explained_reasons: Words = Field(
        default=("Other",), description="Those of them that need moreInfo."
    )
    native_reason_categories: Words = Field(
        default=(),
        description="The categories of reasons that the tenant knows; any other has none. Empty: "
        "each has all.",
    )
    native_unlisted_reason: Literal["accept", 409, 400] = Field(
        default="accept", description="A cancel with a reasonCode that the tenant does not list."
    )
    native_unexplained_reason: Literal["accept", 409] = Field(
        default="accept", description="A cancel without the moreInfo that its reason needs."
    )
    native_note_on_canceled: Literal["accept", 409] = Field(
        default="accept", description="A note on a canceled order."
    )
    native_wrong_tenant: Literal["ignore", 401, 403] = Field(
        default="ignore",
        description="A native call whose x-vol-tenant names another tenant than its host.",
    )
    native_site: Literal["ignore", "require", "scope"] = Field(
        default="ignore",
        description="The header x-vol-site. require: 400 without it; scope: a call that has "
        "it sees only the orders of that site.",
    )
    native_order_numbers: Literal["tenant", "site"] = Field(
        default="tenant",
        description="Where an orderNumber is unique. It holds for orders that are loaded later.",
    )
    native_filter_or: bool = Field(
        default=False, description="Understand `or` and parentheses in a filter, not only `and`."
    )
    native_large_page: Literal["cap", 400] = Field(
        default="cap", description="A search with a pageSize above 200."
    )
    native_event_filter: Literal["accept", 400, "ignore"] = Field(
        default="accept",
        description="A filter or sortBy of the event pull: followed, refused with 400, or ignored.",
    )
    native_event_lag: Annotated[float, Field(ge=0, le=MAX_SECONDS)] = Field(
        default=0.0, description="Seconds after its createDate at which an event appears."
    )
    native_event_loses: int = Field(
        default=0,
        ge=0,
        strict=True,
        description="Events that never appear: those whose place in the sequence of all is a "
        "multiple of this; 0: none.",
    )
    native_event_copies: int = Field(
        default=1,
        ge=1,
        le=9,
        strict=True,
        description="How often each event appears; the copies differ in their id alone.",
    )
    native_error_body: Literal["platform", "fulfillment", "html", "empty"] = Field(
        default="platform",
        description="Shape of a native error: that of the order service, that of the fulfillment "
        "service, a page, or nothing.",
    )
    native_tenant_domain: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9.:-]*$",
        description="The tenant's domain as /api/platform/tenants tells it; empty: the host asked.",
    )
