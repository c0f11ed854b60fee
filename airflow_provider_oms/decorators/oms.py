"""The decorator ``@task.oms_cancel``: a function returns a set of orders, its task cancels them.

Everything but the call of the function is the bulk operator's.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    DecoratedOperator,
    context_merge,
    determine_kwargs,
    task_decorator_factory,
)

from airflow_provider_oms.arguments import refuse_dropped_defaults
from airflow_provider_oms.exceptions import OmsInvalidInputError
from airflow_provider_oms.operators.bulk import OmsBulkCancelOrdersOperator
from airflow_provider_oms.version_compat import DECORATOR_LOOKS_UP_XCOM_PUSH

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, TaskDecorator

    from airflow_provider_oms.approval import Answer
    from airflow_provider_oms.cancellation.bulk.report import Summary

__all__ = ["OmsCancelDecoratedOperator", "oms_cancel_task"]

_NAME = "@task.oms_cancel"
# Where the set comes from, and how its file is read: here the function says that.
_OF_THE_SET = ("orders", "orders_path", "order_id_column", "where", "delimiter")


class OmsCancelDecoratedOperator(DecoratedOperator, OmsBulkCancelOrdersOperator):
    """Cancel the orders that a function returns, in the same task; this cannot be undone.

    It takes the arguments of ``OmsBulkCancelOrdersOperator`` that do not say where the set comes
    from. Every attempt calls the function again.

    :param python_callable: returns the set, as the argument ``orders`` would have it.
    :param op_args: the function's positional arguments (templated).
    :param op_kwargs: the function's other arguments (templated).
    """

    template_fields: Sequence[str] = (
        *DecoratedOperator.template_fields,
        *(name for name in OmsBulkCancelOrdersOperator.template_fields if name not in _OF_THE_SET),
    )
    template_fields_renderers = {  # noqa: RUF012 - as Airflow declares it
        **DecoratedOperator.template_fields_renderers,
        **{
            name: renderer
            for name, renderer in OmsBulkCancelOrdersOperator.template_fields_renderers.items()
            if name not in _OF_THE_SET
        },
    }
    custom_operator_name = _NAME
    if DECORATOR_LOOKS_UP_XCOM_PUSH:
        xcom_push = None

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # After defaults of the DAG have been filled in: they must not add to the function's set.
        if given := [name for name in _OF_THE_SET if getattr(self, name) is not None]:
            raise TypeError(
                f"{_NAME}: leave out {', '.join(given)}; the function returns the orders"
            )

    def _execute(self, context: Context, answer: Answer | None) -> Summary:
        # The values are not rendered: data from elsewhere must not be taken for a template.
        self.orders = self._call_function(context)
        return super()._execute(context, answer)

    def _call_function(self, context: Context) -> Any:
        # In a copy: an argument called like a key of the context must not replace it for the run.
        values = copy.copy(context)
        context_merge(values, self.op_kwargs)
        kwargs = determine_kwargs(self.python_callable, self.op_args, values)
        orders = self.python_callable(*self.op_args, **kwargs)
        if orders is None:
            raise OmsInvalidInputError(
                f"The function of the task {self.task_id} returned None instead of orders; return "
                f"an empty list where there are none. Nothing was sent."
            )
        return orders


def oms_cancel_task(
    python_callable: Callable[..., Any] | None = None,
    multiple_outputs: bool = False,
    **kwargs: Any,
) -> TaskDecorator:
    """Make a function a task that cancels the orders it returns: ``@task.oms_cancel``.

    :param python_callable: the function.
    :param multiple_outputs: whether each part of the summary is a separate XCom value, too.
    :param kwargs: arguments of :class:`OmsCancelDecoratedOperator`.
    :return: the task, to be called or mapped.
    :raises TypeError: for a default that Airflow would drop where the task is mapped.
    """
    refuse_dropped_defaults(_NAME, OmsCancelDecoratedOperator, kwargs)
    return task_decorator_factory(
        python_callable=python_callable,
        multiple_outputs=multiple_outputs,
        decorated_operator_class=OmsCancelDecoratedOperator,
        **kwargs,
    )
