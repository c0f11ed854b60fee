"""The typed errors of the OMS client: what went wrong, for which order, and what to do.

No error holds a token, a secret or any part of an order; nothing here decides about retries.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from airflow_provider_oms.api.evidence import Evidence

__all__ = [
    "OmsAnotherTenantError",
    "OmsConfigError",
    "OmsConflictError",
    "OmsCredentialsError",
    "OmsError",
    "OmsForbiddenError",
    "OmsHttpError",
    "OmsInputError",
    "OmsLockedError",
    "OmsMisdirectedError",
    "OmsNamedTwiceError",
    "OmsNoHostError",
    "OmsNoResponseError",
    "OmsNotFoundError",
    "OmsNotSentError",
    "OmsRedirectedError",
    "OmsRefusedError",
    "OmsSearchError",
    "OmsServerError",
    "OmsThrottledError",
    "OmsUnauthorizedError",
    "OmsUnexpectedResponseError",
    "OmsWrongServerError",
]


class OmsError(Exception):
    """Stand for anything the OMS client can raise.

    :param message: what happened and what to do, free of secrets and of shoppers' data.
    """

    #: The failed call's evidence about its order; an instance may know better than its class.
    evidence: Evidence = Evidence.AMBIGUOUS
    #: Whether the call itself may have left this machine.
    was_sent: bool = True
    #: Whether the call that failed was a look-up, which the one that was asked for needs.
    is_of_look_up: bool = False
    #: The order that the failed call was about; ``None`` when it was about none.
    order_id: int | str | None = None
    #: The id that was looked up for it; ``None`` where it is named by its id, or was not found.
    looked_up_id: int | str | None = None
    #: Seconds that the OMS asked to wait, if it did.
    retry_after: float | None = None
    #: Status code of the response, when there was one.
    http_status: int | None = None
    #: Error code of the response, when it held one.
    oms_code: str | None = None
    #: Correlation id of the response, when it had one.
    correlation_id: str | None = None
    #: For how many seconds a cache had kept the response.
    age: float = 0.0
    #: Whether the response was about an order of another tenant.
    is_of_another_tenant: bool = False
    #: Whether a server wants a client certificate, or refuses the one that the connection gives.
    is_about_client_certificate: bool = False
    #: The advice to a person, in one sentence; empty where the message itself has it.
    advice: str = ""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[Any, ...], dict[str, Any]]:
        # An exception is unpickled from its text, which is not what most of these are made of.
        return type(self).__new__, (type(self), *self.args), self.__dict__

    def about(self, order_id: int | str, found: int | str | None = None) -> Self:
        """Return the same error, naming the order it is about.

        It is a copy, because threads that wait for one token share its failure.

        :param order_id: what names the order.
        :param found: its id, by which the call named it; ``None`` where none was found.
        :return: the copy.
        """
        looked_up = None if found == order_id else found
        return self._copy(*self.args, order_id=order_id, looked_up_id=looked_up)

    def reworded(self, message: str) -> Self:
        """Return the same error with another message.

        :param message: what happened.
        :return: the copy.
        """
        return self._copy(message, message=message)

    def _copy(self, *args: Any, **changes: Any) -> Self:
        copy = type(self).__new__(type(self), *args)
        copy.__dict__.update(self.__dict__, **changes)
        return copy

    def explain(self, *more: str) -> str:
        """Return the message and what to do about it.

        :param more: sentences that come after it.
        """
        text = self.message
        for sentence in filter(None, (self.advice, *more)):
            text += f" {sentence}" if text.endswith(".") else f". {sentence}"
        return text

    def __str__(self) -> str:
        """Return the message and what to do, with the order in front where one is known."""
        text = self.explain()
        return text if self.order_id is None else f"Order {self.order_id}: {text}"


class OmsInputError(OmsError, ValueError):
    """Refuse a value before anything is sent.

    :param field: name of the argument that was refused.
    :param rule: the rule for the argument, after "must be".
    :param kind: the kind of value given instead, described without quoting it.
    """

    evidence = Evidence.NEVER_SENT
    was_sent = False

    def __init__(self, field: str, rule: str, kind: str) -> None:
        super().__init__(f"{field} must be {rule}; got {kind}. Nothing was sent.")
        self.field = field
        self.rule = rule
        self.kind = kind


class OmsConfigError(OmsError, ValueError):
    """Refuse a connection whose settings are missing, unknown or contradictory."""

    evidence = Evidence.NEVER_SENT
    was_sent = False


class OmsNotSentError(OmsError):
    """Report that no byte of the request left this machine, so it is safe to send it again.

    :param message: what happened.
    :param host: the host that could not be reached; ``None`` when one was reached.
    :param reason: why not, in a few words.
    :param unresolved: whether the host's name did not resolve.
    :param is_unknown: whether it did not because there is no such name, as far as the resolver
        knows; a resolver that is away does not know.
    :param refused_certificate: whether the host's certificate is not one that is trusted.
    :param lacks_scheme: whether a host on this machine was taken for one that speaks TLS.
    :param is_of_proxy: whether a proxy kept it from being sent.
    :param retry_after: seconds the token endpoint asked to wait, if it did.
    """

    evidence = Evidence.NEVER_SENT
    was_sent = False
    advice = "Correct the cause, then try again."

    def __init__(
        self,
        message: str,
        *,
        host: str | None = None,
        reason: str = "",
        unresolved: bool = False,
        is_unknown: bool = False,
        refused_certificate: bool = False,
        lacks_scheme: bool = False,
        is_of_proxy: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.host = host
        self.reason = reason
        self.unresolved = unresolved
        self.is_unknown = is_unknown
        self.refused_certificate = refused_certificate
        self.lacks_scheme = lacks_scheme
        self.is_of_proxy = is_of_proxy
        self.retry_after = retry_after

    @classmethod
    def because_of(cls, error: OmsError, message: str) -> OmsNotSentError:
        """Return the error of a call that needed another one, which failed.

        :param error: the failure.
        :param message: what happened.
        :return: the same error if it was not sent either, with another message.
        """
        if isinstance(error, OmsNotSentError):
            return error.reworded(message)
        reason = error.facts if isinstance(error, OmsHttpError) else error.message
        unsent = cls(message, reason=reason, retry_after=error.retry_after)
        unsent.is_about_client_certificate = error.is_about_client_certificate
        return unsent


class OmsNoHostError(OmsNotSentError):
    """Report that a tenant's host could not be looked up, so that nothing was sent there."""

    is_of_look_up = True


class OmsNamedTwiceError(OmsError):
    """Refuse a cancel of an order for which one was made under another name; nothing was sent."""

    evidence = Evidence.REFUSED
    was_sent = False
    advice = "Name the order once."


class OmsNoResponseError(OmsError):
    """Report that the request left and no answer came: it may or may not have been acted on."""

    evidence = Evidence.AMBIGUOUS
    advice = "Whether it was acted on is not known: read the order before anything is sent again."


class OmsHttpError(OmsError):
    """Report an answer that is not the order that was asked for.

    :param message: what happened, in one sentence.
    :param http_status: status code of the answer.
    :param oms_code: error code from the answer's body (``5002``, ``ITEM_NOT_FOUND`` …), if any.
    :param correlation_id: ``x-vol-correlation`` of the answer; quote it to Kibo's support.
    :param detail: the OMS's own message, cut and cleaned.
    :param retry_after: seconds the OMS asked to wait, if it did.
    """

    http_status: int

    def __init__(
        self,
        message: str,
        *,
        http_status: int,
        oms_code: str | None = None,
        correlation_id: str | None = None,
        detail: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        parts = [f"HTTP {http_status}"]
        if oms_code:
            parts.append(f"OMS code {oms_code}")
        if detail:
            parts.append(f"message {detail!r}")
        if correlation_id:
            parts.append(f"correlation id {correlation_id}")
        #: What identifies the response, for a person or for Kibo's support.
        self.facts = ", ".join(parts)
        super().__init__(f"{message} ({self.facts})")
        self.http_status = http_status
        self.oms_code = oms_code
        self.correlation_id = correlation_id
        self.detail = detail
        self.retry_after = retry_after

    def restated(
        self, kind: type[OmsHttpError], message: str, *, retry_after: float | None = None
    ) -> OmsHttpError:
        """Return an error about the same answer that says something else about it.

        :param kind: its kind.
        :param message: what happened.
        :param retry_after: seconds the OMS asked to wait, where that still counts.
        :return: the error.
        """
        restated = kind(
            message,
            http_status=self.http_status,
            oms_code=self.oms_code,
            correlation_id=self.correlation_id,
            detail=self.detail,
            retry_after=retry_after,
        )
        restated.is_about_client_certificate = self.is_about_client_certificate
        return restated


class OmsUnauthorizedError(OmsHttpError):
    """Report that the OMS did not accept the access token (401)."""

    evidence = Evidence.UNAUTHENTICATED
    advice = "Check the connection's login (client id) and password (client secret)."


class OmsForbiddenError(OmsHttpError):
    """Report that credentials were refused or lack the permission (403, or 401 for a token)."""

    evidence = Evidence.FORBIDDEN


class OmsCredentialsError(OmsForbiddenError):
    """Report that the token endpoint issues no access token for the client id and secret."""

    was_sent = False


class OmsWrongServerError(OmsForbiddenError):
    """Report an answer that is not from the tenant's OMS: from no OMS, or about another tenant."""

    evidence = Evidence.WRONG_SERVER


class OmsNotFoundError(OmsHttpError):
    """Report that the OMS knows no such order (its own 404)."""

    evidence = Evidence.NOT_FOUND
    advice = "Check the order id and the connection's tenant and environment."


class OmsRefusedError(OmsHttpError):
    """Report that the OMS calls the request invalid (400 and the other 4xx)."""

    evidence = Evidence.REFUSED
    advice = "Correct the request or the connection."


class OmsConflictError(OmsHttpError):
    """Report that the order's present state forbids the request (409, or such a 4xx)."""

    evidence = Evidence.CONFLICT
    advice = "Look at the order in the OMS."


class OmsLockedError(OmsHttpError):
    """Report that another call holds the order, so that the OMS did not act (423)."""

    evidence = Evidence.LOCKED
    advice = "Try again in a moment."


class OmsMisdirectedError(OmsHttpError):
    """Report a server that does not serve this address, so that nothing acted (421)."""

    evidence = Evidence.MISDIRECTED
    advice = "Try again, and check the connection's host if it stays so."


class OmsThrottledError(OmsHttpError):
    """Report that the OMS did not act because of a rate limit (429, or the classic 403)."""

    evidence = Evidence.THROTTLED
    advice = "Try again later, and let fewer tasks call it at a time."


class OmsServerError(OmsHttpError):
    """Report a 5xx, 408 or 425: whether the OMS acted is not known."""

    evidence = Evidence.AMBIGUOUS
    advice = (
        "Read the order before anything is sent again; if it stays so, quote the correlation id to "
        "Kibo's support."
    )


class OmsRedirectedError(OmsHttpError):
    """Report a redirection (3xx), which is not followed: whether anything acted is not known."""

    evidence = Evidence.AMBIGUOUS
    advice = "Read the order before anything is sent again."


class OmsUnexpectedResponseError(OmsHttpError):
    """Report a 2xx that does not hold the order that was asked for: it proves nothing."""

    evidence = Evidence.AMBIGUOUS
    advice = "Read the order before anything is sent again."


class OmsAnotherTenantError(OmsUnexpectedResponseError):
    """Report a 2xx with an order of another tenant, on which the call may have acted."""

    is_of_another_tenant = True


class OmsSearchError(OmsHttpError):
    """Report a tenant whose order search is not the documented one: it proves nothing."""

    evidence = Evidence.AMBIGUOUS
    advice = "Read the orders one by one."
