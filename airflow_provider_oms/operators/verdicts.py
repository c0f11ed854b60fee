"""The operators around an inbox of verdicts: one takes what is due, the other settles it.

What is due is decided in ``verdicts/inbox.py``; these two fetch the events and keep the state.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Unpack

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.arguments import KeepsDefaultArguments
from airflow_provider_oms.cancellation.outcomes import Outcome
from airflow_provider_oms.exceptions import (
    OmsInvalidInputError,
    OmsUnsettledVerdictsError,
    OmsVerdictStateError,
    invalid_input_is_final,
)
from airflow_provider_oms.hooks.oms import OmsHook
from airflow_provider_oms.verdicts.inbox import (
    Due,
    Ends,
    Event,
    Inbox,
    Policy,
    read_from,
    settle,
    take,
)
from airflow_provider_oms.verdicts.verdict import Adapter, Decision, OmsVerdictError, Verdict
from airflow_provider_oms.version_compat import asset_events, asset_store

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Asset, Context

    from airflow_provider_oms.api.dialect import Dialect
    from airflow_provider_oms.api.values import OrderId
    from airflow_provider_oms.arguments import TaskArguments
    from airflow_provider_oms.version_compat import StateStore

__all__ = ["OmsSettleVerdictsOperator", "OmsTakeVerdictsOperator"]

_HANDOUT, _PROBLEMS, _KEY = "handout", "problems", "key"
_NAMED = 3


class OmsTakeVerdictsOperator(KeepsDefaultArguments, BaseOperator):
    """Take the orders that fraud checks rejected in events of an asset, and lose none.

    Its output is the argument ``orders`` of ``OmsBulkCancelOrdersOperator``, and an
    ``OmsSettleVerdictsOperator`` comes after that. The events that started the run do not matter:
    all are read since the last one that was read, and of several on one order the newest counts.
    What a run took stays due until it is settled, and a later run has the OMS asked about it before
    another cancel leaves. The DAG needs ``max_active_runs=1``.

    :param asset: the asset whose events are verdicts; it becomes an inlet of the task.
    :param adapter: what makes a verdict of an event's ``extra``; it raises an ``OmsVerdictError``
        for what is none.
    :param disposition_reason: why the orders are canceled.
    :param explanation: what is said besides; ``{case_id}`` and ``{order}`` stand for the verdict's.
    :param order_key: what a verdict calls an order, on a native tenant: ``id``, ``number`` or
        ``external_id``; ``None`` for the id.
    :param look_back: how far behind the newest event that was read an older one still counts as a
        verdict on its order; and how old an event may be that the first run of all reads.
    :param overlap: how much later than it was recorded an event may become visible to a task.
    :param at_most: how many orders one run takes; the others are left for the next run.
    :param oms_conn_id: id of the Airflow connection of type ``oms``, whose rules for orders and
        reasons hold here already (templated).
    """

    template_fields: Sequence[str] = ("oms_conn_id",)
    ui_color = "#e8d5f6"

    def __init__(
        self,
        *,
        asset: Asset,
        adapter: Adapter,
        disposition_reason: str = "other",
        explanation: str | None = "Rejected by the fraud check",
        order_key: str | None = None,
        look_back: timedelta = Policy.look_back,
        overlap: timedelta = Policy.overlap,
        at_most: int = Policy.at_most,
        oms_conn_id: str = OmsHook.default_conn_name,
        **kwargs: Unpack[TaskArguments],
    ) -> None:
        kwargs.setdefault("max_active_tis_per_dag", 1)
        super().__init__(**kwargs)
        self.inlets = [*self.inlets, asset]
        self.asset = asset
        self.adapter = adapter
        self.disposition_reason = disposition_reason
        if explanation is not None:
            _filled(explanation, "an order", None)
        self.explanation = explanation
        self.order_key = order_key
        self.policy = Policy(look_back, overlap, at_most)
        self.oms_conn_id = oms_conn_id

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Take what is due.

        :param context: the task's context.
        :return: an entry for each order, as ``OmsBulkCancelOrdersOperator`` takes them.
        :raises OmsInvalidInputError: when the connection is not valid, or the DAG lets several runs
            be active.
        :raises OmsVerdictStateError: when the state of the inbox could not be kept; then nothing
            was taken.
        """
        _refuse_runs_at_once(context)
        with invalid_input_is_final(), OmsHook(self.oms_conn_id).get_conn() as client:
            entry = _Entries(client.dialect, self)
        key = f"oms_verdicts.{self.dag_id}.{self.task_id}"
        store = asset_store(context, self.asset)
        inbox = Inbox.from_json(store.get(key))
        since = read_from(inbox, self.policy, datetime.now(UTC))
        taken = take(
            inbox,
            Ends.from_json(store.get(f"{key}.ends")),
            (Event(*one) for one in asset_events(context, self.asset, since)),
            handout=uuid.uuid4().hex,
            adapter=entry.verdict,
            policy=self.policy,
        )
        _keep(store, key, taken.inbox.to_json())
        for problem in taken.inbox.problems:
            self.log.error("%s", problem)
        self.log.info("%d orders are due", len(taken.inbox.due))
        if taken.left:
            self.log.warning(
                "%d more orders are due, and left for the next run: one run takes %d",
                taken.left,
                self.policy.at_most,
            )
        ti = context["ti"]
        ti.xcom_push(key=_KEY, value=key)
        ti.xcom_push(key=_HANDOUT, value=taken.inbox.handout)
        ti.xcom_push(key=_PROBLEMS, value=list(taken.inbox.problems))
        return [entry.of(due) for due in taken.inbox.due]


class _Entries:
    """Make entries of a set from verdicts, by the rules of the tenant's dialect.

    :param dialect: the dialect.
    :param task: the task whose settings they have.
    """

    def __init__(self, dialect: Dialect, task: OmsTakeVerdictsOperator) -> None:
        self._dialect = dialect
        self._task = task

    def verdict(self, payload: Mapping[str, Any]) -> Verdict:
        """Return the verdict of a payload, with its order named as the results name it.

        :param payload: the event's extra.
        :raises OmsVerdictError: when it is none, or the tenant's rules refuse its cancellation.
        """
        verdict = self._task.adapter(payload)
        try:
            order = self._dialect.order_id(verdict.order, self._task.order_key)
        except OmsInputError as error:
            raise OmsVerdictError(error.field, error.rule, error.kind) from None
        verdict = replace(verdict, order=order)
        if verdict.decision is Decision.CANCEL:
            try:
                self._dialect.cancel_request(*self._cancellation(order, verdict.case_id))
            except OmsInputError as error:
                raise OmsVerdictError(error.field, error.rule, error.kind, order) from None
        return verdict

    def of(self, due: Due) -> dict[str, Any]:
        """Return the entry of an order.

        :param due: the order.
        """
        order, reason, explanation = self._cancellation(due.order, due.case_id)
        return {
            "order_id": order,
            "disposition_reason": reason,
            "disposition_other_reason": explanation,
            "in_doubt": due.in_doubt,
        }

    def _cancellation(self, order: OrderId, case_id: str | None) -> tuple[OrderId, str, str | None]:
        explanation = self._task.explanation
        if explanation is not None:
            explanation = _filled(explanation, order, case_id)
        return order, self._task.disposition_reason, explanation


def _filled(explanation: str, order: OrderId, case_id: str | None) -> str:
    try:
        return explanation.format(order=order, case_id=case_id or "no case id")
    except (LookupError, ValueError) as error:
        raise ValueError(
            f"explanation may have the placeholders {{order}} and {{case_id}}, and no other brace: "
            f"{error}"
        ) from None


def _refuse_runs_at_once(context: Context) -> None:
    # Two runs with the same orders would each send a cancel that the other knows nothing of.
    at_once = context["dag"].max_active_runs
    if at_once != 1:
        raise OmsInvalidInputError(
            f"max_active_runs must be 1 where verdicts are taken, for two runs at once would "
            f"cancel the same orders; it is {at_once}. Nothing was sent."
        )
    if context["dag_run"].run_type == "backfill":
        raise OmsInvalidInputError(
            "verdicts cannot be taken by a backfill, whose runs may overlap: the next run of the "
            "schedule takes all that is due. Nothing was sent."
        )


class OmsSettleVerdictsOperator(KeepsDefaultArguments, BaseOperator):
    """Settle what a run took from an inbox of verdicts, and fail unless all of it is canceled.

    An order that is canceled, or that the OMS has refused to cancel, is settled. Any other is due
    again in the next run. What was no verdict is reported once, in the run that read it. The task
    runs whatever became of the cancellations, and is not retried.

    :param take: the ``OmsTakeVerdictsOperator``, or its id.
    :param cancel: the ``OmsBulkCancelOrdersOperator`` that canceled what it took, or its id.
    :param asset: the asset of the inbox; only needed where ``take`` is an id.
    """

    ui_color = "#e8d5f6"

    def __init__(
        self,
        *,
        take: BaseOperator | str,
        cancel: BaseOperator | str,
        asset: Asset | None = None,
        **kwargs: Unpack[TaskArguments],
    ) -> None:
        kwargs.setdefault("trigger_rule", "all_done")
        super().__init__(**kwargs)
        self.asset = asset or getattr(take, "asset", None)
        if self.asset is None:
            raise ValueError("asset is needed where take is the id of a task")
        self.inlets = [*self.inlets, self.asset]
        self.take = take if isinstance(take, str) else take.task_id
        self.cancel = cancel if isinstance(cancel, str) else cancel.task_id

    def execute(self, context: Context) -> dict[str, int]:
        """Settle what the run took.

        :param context: the task's context.
        :return: how many orders ended with each outcome.
        :raises OmsUnsettledVerdictsError: when an order was not canceled, or an event was no
            verdict; it names some of them, and the log all.
        """
        ti = context["ti"]
        key, handout = (ti.xcom_pull(task_ids=self.take, key=each) for each in (_KEY, _HANDOUT))
        if key is None or handout is None:
            raise OmsUnsettledVerdictsError(f"task {self.take} took no verdicts; see its log")
        ends = dict(_ends_in(ti.xcom_pull(task_ids=self.cancel, key="results")))
        store = asset_store(context, self.asset)
        settled = settle(
            Inbox.from_json(store.get(key)),
            handout,
            {order: _is_settled(outcome) for order, outcome in ends.items()},
        )
        if settled is not None:
            _keep(store, f"{key}.ends", settled.to_json())
        taken = ti.xcom_pull(task_ids=self.take) or []
        problems = list(ti.xcom_pull(task_ids=self.take, key=_PROBLEMS) or [])
        outcomes = {str(one["order_id"]): ends.get(str(one["order_id"])) for one in taken}
        problems += [
            f"order {order}: " + (f"{end}; {_next(end)}" if end else f"no result; {_AGAIN}")
            for order, end in outcomes.items()
            if end is None or end is Outcome.WOULD_CANCEL or not end.is_success
        ]
        for problem in problems:
            self.log.error("%s", problem)
        if problems:
            raise OmsUnsettledVerdictsError(_in_short(problems))
        return dict(Counter(str(end) for end in outcomes.values()))


_AGAIN = "the next run takes it again"


def _next(outcome: Outcome) -> str:
    return outcome.advice if _is_settled(outcome) else _AGAIN


def _is_settled(outcome: Outcome) -> bool:
    return outcome.is_definite and outcome is not Outcome.WOULD_CANCEL


def _in_short(problems: Sequence[str]) -> str:
    further = len(problems) - _NAMED
    text = "; ".join(problems[:_NAMED])
    return f"{text}; and {further} more, which the log names" if further > 0 else text


def _ends_in(results: Any) -> Iterator[tuple[str, Outcome]]:
    """Return order and outcome of each result, also where a mapped task left several lists.

    :param results: what XCom has; ``None`` where the task left nothing.
    """
    for one in results or ():
        if isinstance(one, Mapping):
            yield str(one["order_id"]), Outcome(one["outcome"])
        else:
            yield from _ends_in(one)


def _keep(store: StateStore, key: str, value: Any) -> None:
    """Store a value, and see that it is stored.

    :raises OmsVerdictStateError: when it is not.
    """
    store.set(key, value)
    if store.get(key) != value:
        raise OmsVerdictStateError(
            f"Airflow did not keep {key}; no verdict was taken or settled, and a retry begins there"
        )
