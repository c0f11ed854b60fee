"""The Airflow hook: a connection turned into a client, and the protected cancellation.

How an order is canceled safely is decided in ``cancellation/``; the raw calls live in ``api/``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from airflow.providers.common.compat.sdk import BaseHook, mask_secret

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.connection_test import probe
from airflow_provider_oms.api.errors import OmsError, OmsNotSentError
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.reasons import reason_problems
from airflow_provider_oms.api.values import (
    CancelRequest,
    OrderId,
    validate_flag,
    validate_number,
    validate_only_if_states,
)
from airflow_provider_oms.cancellation import runner
from airflow_provider_oms.cancellation.notes import LeavesNotes
from airflow_provider_oms.cancellation.outcomes import CancellationResult
from airflow_provider_oms.cancellation.policy import policy_for
from airflow_provider_oms.cancellation.termination import listen_for_termination
from airflow_provider_oms.connections import client_of, settings_of
from airflow_provider_oms.exceptions import (
    OmsInvalidInputError,
    cancellation_error,
    invalid_input_is_final,
)
from airflow_provider_oms.hooks.attempts import running_attempt, warn_of_unknown_attempt
from airflow_provider_oms.hooks.form import connection_form_widgets, ui_field_behaviour
from airflow_provider_oms.hooks.parts import CancelsParts

__all__ = ["OmsHook"]

_WILL_NOT_PASS = frozenset(
    {Evidence.FORBIDDEN, Evidence.WRONG_SERVER, Evidence.REFUSED, Evidence.NOT_FOUND}
)


class OmsHook(CancelsParts, BaseHook):
    """Cancel and read orders of one Kibo OMS tenant.

    The connection is looked up when it is first needed.

    :param oms_conn_id: id of the Airflow connection of type ``oms``.
    :param pool_size: HTTP connections kept open; as many as threads share this hook.
    :param logger_name: as for every hook of Airflow's.
    """

    conn_name_attr = "oms_conn_id"
    default_conn_name = "oms_default"
    conn_type = "oms"
    hook_name = "Kibo OMS"

    def __init__(
        self,
        oms_conn_id: str = default_conn_name,
        *,
        pool_size: int = 4,
        logger_name: str | None = None,
    ) -> None:
        super().__init__(logger_name=logger_name)
        self.oms_conn_id = oms_conn_id
        self.pool_size = pool_size
        # No cached_property: on Python 3.11 a fork can leave its lock locked in the child.
        self._settings: TenantSettings | None = None
        self._client: OmsClient | None = None

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the connection form's own fields, for Airflow up to 3.1.

        :return: the fields by their names.
        """
        return connection_form_widgets()

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return the changes to the fields that every connection has, for Airflow up to 3.1.

        :return: ``hidden_fields``, ``relabeling`` and ``placeholders``.
        """
        return ui_field_behaviour()

    @property
    def settings(self) -> TenantSettings:
        """Return the tenant's checked settings.

        :raises OmsInvalidInputError: naming every field of the connection that is wrong.
        """
        if self._settings is None:
            self._settings = self._look_up()
        return self._settings

    def _look_up(self) -> TenantSettings:
        connection = self.get_connection(self.oms_conn_id)
        if connection.password:
            mask_secret(connection.password)
        with invalid_input_is_final():
            settings = settings_of(connection, self.oms_conn_id)
        for secret in settings.secrets:
            mask_secret(secret)
        if settings.warning:
            self.log.warning("%s", settings.warning)
        return settings

    def get_conn(self) -> OmsClient:
        """Return the client of this tenant, one for the life of the hook.

        :return: the raw client; its ``post_cancel`` is not protected as :meth:`cancel_order` is.
        :raises OmsInvalidInputError: when the connection's settings are wrong.
        """
        if self._client is None:
            self._client = client_of(self.settings, pool_size=self.pool_size, on_token=mask_secret)
        return self._client

    def order_url(self, order_id: Any, order_key: Any = None) -> str | None:
        """Return where a person finds an order in Kibo's admin.

        :param order_id: the order.
        :param order_key: what names it, as for :meth:`cancel_order`.
        :return: the address; ``None`` when the connection gives no ``admin_url``, or the order is
            not named by its id.
        :raises OmsInvalidInputError: when the id or the connection is not valid.
        """
        found = self.parse_order_id(order_id, order_key)
        is_id = not self.get_conn().dialect.is_found_by_search(found)
        return self.settings.order_url(found) if is_id else None

    def parse_order_id(self, order_id: Any, order_key: Any = None) -> OrderId:
        """Return what names an order, in its one form.

        :param order_id: the order.
        :param order_key: what names it, as for :meth:`cancel_order`.
        :return: an integer on a translated tenant; a text on a native one, such as
            ``number:1042``.
        :raises OmsInvalidInputError: when the id or the connection is not valid.
        """
        client = self.get_conn()
        with invalid_input_is_final():
            return client.dialect.order_id(order_id, order_key)

    def get_order(self, order_id: int | str, order_key: str | None = None) -> Order:
        """Read one order.

        :param order_id: the order: on a translated tenant an integer or a string of digits, on a
            native one 32 hexadecimal digits, or what ``order_key`` says.
        :param order_key: what names it, as for :meth:`cancel_order`.
        :return: the order; its ``raw`` holds a shopper's data, so take care where you put it.
        :raises OmsInvalidInputError: when the id or the connection is not valid.
        :raises OmsError: one of its kinds, for anything but the order that was asked for.
        """
        found = self.parse_order_id(order_id, order_key)
        with invalid_input_is_final():
            return self.get_conn().get_order(found)

    def cancel_order(  # noqa: PLR0913 - each is a separate setting
        self,
        order_id: int | str,
        disposition_reason: str,
        disposition_other_reason: str | None = None,
        *,
        order_key: str | None = None,
        note: str | None = None,
        only_if_states: Any = None,
        in_doubt: bool | None = None,
        attempt: int | str | None = None,
        on_interrupt: Callable[[CancellationResult], object] | None = None,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> CancellationResult:
        """Cancel one whole order and determine the result; this cannot be undone.

        This is the protected cancellation that the operators use: nothing is sent twice blindly,
        and success means that the OMS itself says that the order is canceled. On a task's second
        and later attempts, and where the attempt number is unknown (in a container, in a
        script), the order is read, with time to settle, before anything is sent.

        :param order_id: the order: on a translated tenant an integer or a string of digits, on a
            native one 32 hexadecimal digits, or what ``order_key`` says.
        :param disposition_reason: why; one of the reasons the tenant admits.
        :param disposition_other_reason: explanation; on a translated tenant with the reason
            ``other`` only.
        :param order_key: what ``order_id`` is on a native tenant: ``id``, the order's ``number``,
            or the ``external_id`` that it has in the shop's own system; ``None`` for the id.
        :param note: left on the order once it is canceled, at most 250 characters; on a native
            tenant only. That it cannot be left is logged, and fails nothing.
        :param only_if_states: read first and cancel only when ``orderState`` and ``orderStatus``
            are all among these states; ``None`` for any state.
        :param in_doubt: ``True`` if an earlier run may have sent a cancel for this order: it is
            then read as on a later attempt. ``False`` if none can have: an unknown attempt then
            counts as the first. On a later attempt the order is read in any case.
        :param attempt: number of the task's attempt, from 1; by default that of the running task.
            Pass ``"{{ ti.try_number }}"`` where the hook cannot see it, as in a container.
        :param on_interrupt: told how the order stands when something breaks in, such as Airflow's
            ``execution_timeout``, before that goes on.
        :param is_stopping: returns whether nothing more may be sent. When the process got SIGTERM
            since the hook's first cancellation began, nothing is sent in any case.
        :return: the result; its outcome is ``canceled`` or ``already_canceled``.
        :raises OmsInvalidInputError: when an argument or the connection is not valid.
        :raises OmsCancellationError: for every other outcome; its ``result`` says which. It is an
            ``OmsCancellationRefusedError``, which Airflow does not retry, when no retry can help.
        """
        # Before the connection is looked up, which can take a while.
        termination = listen_for_termination()

        def is_over() -> bool:
            return termination.is_requested or is_stopping()

        client = self.get_conn()
        with invalid_input_is_final():
            request = client.dialect.cancel_request(
                order_id, disposition_reason, disposition_other_reason, order_key
            )
            checked_note = client.dialect.note(note)
            states = validate_only_if_states(only_if_states)
            number = running_attempt() if attempt is None else validate_number("attempt", attempt)
            is_in_doubt = in_doubt is not None and validate_flag("in_doubt", in_doubt)
        if not number and in_doubt is None:
            is_in_doubt = True
            warn_of_unknown_attempt(self.log, request.order_id)
        self.check_reasons([request])
        self.log.info("Canceling order %s at %s", request.order_id, self.settings.describe())
        calls = LeavesNotes(client, checked_note)
        around = runner.Runtime.until(is_over)
        result = runner.cancel_order(
            calls,
            request,
            policy_for(self.settings, only_if_states=states),
            attempt=number or 1,
            in_doubt_for=0.0 if is_in_doubt else None,
            log=self.log,
            on_interrupt=on_interrupt,
            surroundings=around,
        )
        if not result.outcome.is_success:
            raise cancellation_error(result)
        self.log.info("%s", result.describe())
        try:
            calls.leave_late_notes(self.settings.deadline, around)
        except BaseException:
            # The order's result is known, and must be seen where its note is waited for.
            if on_interrupt is not None:
                on_interrupt(result)
            raise
        return result

    def check_reasons(self, requests: Iterable[CancelRequest]) -> None:
        """Compare reasons with those that the tenant lists, as the connection's check_reasons says.

        :param requests: the cancellations.
        :raises OmsInvalidInputError: when one is not listed, or lacks an explanation, and such are
            to be refused; or when the list is needed for that, and the OMS will not show it.
            Nothing was sent.
        :raises OmsError: when the list is needed, and cannot be read now.
        """
        mode, client = self.settings.check_reasons, self.get_conn()
        if mode == "off":
            return
        try:
            listed = client.list_reasons()
        except OmsError as error:
            if mode == "refuse" and error.evidence in _WILL_NOT_PASS:
                raise OmsInvalidInputError(error.explain("Nothing was sent.")) from None
            if mode == "refuse":
                message = f"The tenant's reasons could not be read: {error.message}"
                raise OmsNotSentError(message, retry_after=error.retry_after) from None
            self.log.warning("The tenant's reasons could not be read: %s", error.explain())
            return
        problems = reason_problems(requests, listed, client.dialect)
        if problems and mode == "refuse":
            raise OmsInvalidInputError(f"{'; '.join(problems)}. Nothing was sent.")
        for problem in problems:
            self.log.warning("%s; the OMS may refuse it", problem)

    def test_connection(self) -> tuple[bool, str]:
        """Return whether the connection works, by reading one order; nothing is changed.

        :return: whether it works, and one sentence about it, which says what to do if it does not.
        """
        try:
            client = self.get_conn()
        except OmsInvalidInputError as error:
            return False, str(error)
        return probe(client)
