"""The evidence that the end of one call to the OMS gives about its order.

How an order's state is spelled, which status code came and which exception was raised stay below;
the decisions in ``cancellation/`` know a response by its evidence alone.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Evidence"]


class Evidence(StrEnum):
    """Name the evidence of a call; the value is the phrase for the log."""

    #: Our order, and the OMS says that it is canceled.
    CANCELED = "canceled"
    #: Our order, and the OMS does not say that it is canceled.
    OPEN = "not canceled"
    #: The OMS knows no such order.
    NOT_FOUND = "not found"
    #: The order's present state forbids the request.
    CONFLICT = "refused in its present state"
    #: The OMS calls the request invalid.
    REFUSED = "refused"
    #: The credentials were refused, or lack the permission.
    FORBIDDEN = "forbidden"
    #: Something answered that is no OMS, or a search showed orders of another tenant.
    WRONG_SERVER = "not from the tenant's OMS"
    #: A rate limit; the OMS did not act.
    THROTTLED = "throttled"
    #: The access token was not accepted; the OMS did not act.
    UNAUTHENTICATED = "token refused"
    #: The call is forbidden, maybe because its token has expired; the OMS did not act.
    DENIED = "forbidden, or its token has expired"
    #: Another call holds the order; the OMS did not act.
    LOCKED = "locked, it was not acted on"
    #: The connection leads to a server that does not serve this address; nothing acted.
    MISDIRECTED = "misdirected, it was not acted on"
    #: No byte of the call left this machine.
    NEVER_SENT = "never sent"
    #: The call left, and nothing says whether the OMS acted.
    AMBIGUOUS = "ambiguous, it may have been acted on"
