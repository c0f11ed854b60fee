"""The base of the operators for one order: offer a link, guard it, end early, push its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_oms.arguments import KeepsDefaultArguments
from airflow_provider_oms.exceptions import OmsInvalidInputError
from airflow_provider_oms.links.oms import OmsOrderLink

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_oms.cancellation.outcomes import CancellationResult
    from airflow_provider_oms.cancellation.parts.results import PartsResult
    from airflow_provider_oms.hooks.oms import OmsHook

__all__ = ["CancelsOneOrder"]


# No BaseOperator itself: of one between it and an operator, Airflow takes the defaults of a mapped
# task from the signature of BaseOperator, which differ, such as None for inlets.
class CancelsOneOrder(KeepsDefaultArguments):
    """Hold the common parts of the operators for one order."""

    #: Where a person finds the order, once the task runs; empty when the connection does not say.
    order_url = ""
    order_id: Any
    order_key: Any
    only_if_states: Any
    _is_guarded: bool
    _is_killed = False
    if TYPE_CHECKING:  # what BaseOperator has
        log: Any
        do_xcom_push: bool

    def on_kill(self) -> None:
        """Let nothing more be sent; :meth:`execute` ends by itself within seconds."""
        self._is_killed = True

    def _begin(self, context: Context, hook: OmsHook) -> None:
        """Offer the link to the order, and refuse a guard that has vanished."""
        self.order_url = OmsOrderLink().offer(
            context, hook, self.order_id, self.order_key, push=self.do_xcom_push
        )
        # None would mean "no guard" to the hook, which cannot know that there was to be one.
        if self._is_guarded and self.only_if_states is None:
            raise OmsInvalidInputError(
                "only_if_states must name at least one order state, but is None, or its template "
                "or task output came out as None; leave it out for any state. Nothing was sent."
            )

    def _push(self, context: Context, result: CancellationResult | PartsResult) -> None:
        # A failed execute leaves no return value, and the order's result must be seen.
        if not self.do_xcom_push:
            return
        try:
            context["ti"].xcom_push(key="return_value", value=result.as_dict())
        except Exception:  # the task's exception must still show the order's result
            self.log.exception("The result could not be pushed: %s", result.describe())
