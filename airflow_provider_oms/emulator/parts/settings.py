"""The switches in which two tenants may differ where lines and shipments are canceled."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from airflow_provider_oms.emulator.native.settings import MAX_SECONDS


class PartSettings(BaseModel):
    """How the tenant answers calls about parts of orders where nothing is published."""

    order_follows_parts: Annotated[float, Field(ge=0, le=MAX_SECONDS)] | Literal["never"] = Field(
        default=0.0,
        description="Seconds after which an order is canceled by the system once nothing is left "
        'of its lines; "never": it stays open.',
    )
    item_search_status: Literal[200, 404] = Field(
        default=200,
        description="Status of every search for order items; 404: the tenant has none.",
    )
    native_canceled_shipment_status: Literal[409, 200] = Field(
        default=409,
        description="Status for canceling a canceled shipment; 200 answers with it unchanged.",
    )
    native_excess_quantity: Literal[409, 400, "cap"] = Field(
        default=409,
        description="A cancel of more of a line than is open in the shipment; cap: it cancels the "
        "open quantity.",
    )
    native_items_left: Literal["drop", "keep", "unchanged"] = Field(
        default="drop",
        description="The items of a shipment after a cancel of lines in it. drop: their quantities "
        "fall, and an item at 0 is gone; keep: their quantities fall, down to 0; unchanged: only "
        "canceledItems shows the cancel.",
    )
    native_whole_shipment_items: Literal["cancel", "leave"] = Field(
        default="cancel",
        description="The lines of a shipment that is canceled as a whole: moved to canceledItems, "
        "or left in its items as they were.",
    )
    native_if_match: Literal[412, "ignore"] = Field(
        default=412, description="A cancel whose If-Match is not the shipment's present ETag."
    )
    native_shipment_success: Literal[200, 201] = Field(
        default=200, description="Status of a cancel of shipments, or of lines in one."
    )
    native_empty_page: Literal["absent", "empty"] = Field(
        default="absent", description="The _embedded of a page without shipments."
    )
    native_shipments_as_xml: bool = Field(
        default=False,
        description="Answer in XML, as the first media type that is documented, unless Accept "
        "names JSON.",
    )
