"""The operators around an inbox of verdicts: one takes the due orders, the other settles them.

``verdicts/inbox.py`` decides which orders are due; these two fetch the events and keep the state.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

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
from airflow_provider_oms.triggers.verdict_files import move_read
from airflow_provider_oms.verdict_arguments import (
    assets_of,
    check_adapter,
    check_placeholders,
    policy_of,
    refuse_what_stops_runs,
)
from airflow_provider_oms.verdicts.files import FileRow, from_files, without_copies
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
from airflow_provider_oms.verdicts.verdict import Adapter, OmsVerdictError, Verdict
from airflow_provider_oms.version_compat import asset_events, asset_store

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Asset, Context

    from airflow_provider_oms.api.dialect import Dialect
    from airflow_provider_oms.api.values import OrderId
    from airflow_provider_oms.version_compat import StateStore

__all__ = ["OmsSettleVerdictsOperator", "OmsTakeVerdictsOperator"]

# The key of the values that the taking task leaves for the settling one, beside the orders.
_HANDOUT = "handout"
_NAMED = 3


class OmsTakeVerdictsOperator(KeepsDefaultArguments, BaseOperator):
    """Take the orders that fraud checks rejected in events of an asset, and lose none.

    Its output is the argument ``orders`` of ``OmsBulkCancelOrdersOperator``, and an
    ``OmsSettleVerdictsOperator`` comes after that. The events that started the run do not matter:
    all are read that no run has read, and of several on one order the newest counts. An order that
    a run took stays due until it is settled, and a later run has the OMS asked about it before
    another cancel leaves. The DAG needs ``max_active_runs=1``.

    :param asset: the asset whose events are verdicts, or a list of assets; each becomes an inlet of
        the task. The first one keeps the state.
    :param adapter: makes a verdict of an event's ``extra``; it raises an ``OmsVerdictError`` for a
        payload that is none.
    :param disposition_reason: why the orders are canceled.
    :param explanation: an additional text; ``{case_id}`` and ``{order}`` stand for the verdict's.
        Where it would break the tenant's rules with its case, it is said without.
    :param order_key: the kind of order name in a verdict, on a native tenant: ``id``, ``number`` or
        ``external_id``; ``None`` for the id.
    :param look_back: how far behind the newest event that earlier runs read an older one still
        counts as a verdict on its order; and how old an event may be that the first run of all
        reads.
    :param overlap: how much later than it was recorded an event may become visible to a task, also
        because the clock that recorded it is behind.
    :param at_most: how many orders one run takes; the others are left for the next run.
    :param oms_conn_id: id of the Airflow connection of type ``oms``, whose rules for orders and
        reasons hold here already (templated).
    :raises ValueError: when an argument is none that it can work with.
    """

    template_fields: Sequence[str] = ("oms_conn_id",)
    ui_color = "#e8d5f6"

    def __init__(
        self,
        *,
        asset: Asset | Sequence[Asset],
        adapter: Adapter,
        disposition_reason: str = "other",
        explanation: str | None = "Rejected by the fraud check",
        order_key: str | None = None,
        look_back: timedelta = Policy.look_back,
        overlap: timedelta = Policy.overlap,
        at_most: int = Policy.at_most,
        oms_conn_id: str = OmsHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("max_active_tis_per_dag", 1)
        super().__init__(**kwargs)
        self.assets = assets_of(asset)
        self.inlets = [*self.inlets, *self.assets]
        check_adapter(adapter)
        self.adapter = adapter
        self.disposition_reason = disposition_reason
        if explanation is not None:
            check_placeholders(explanation)
        self.explanation = explanation
        self.order_key = order_key
        self.policy = policy_of(look_back, overlap, at_most)
        self.oms_conn_id = oms_conn_id
        refuse_what_stops_runs(self)

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Take the due orders.

        :param context: the task's context.
        :return: an entry for each order, as ``OmsBulkCancelOrdersOperator`` takes them.
        :raises OmsInvalidInputError: when the connection or an argument is not valid, or the DAG
            lets several runs be active.
        :raises OmsVerdictStateError: when the state of the inbox could not be kept; then nothing
            was taken.
        """
        _refuse_runs_at_once(context)
        with invalid_input_is_final(), OmsHook(self.oms_conn_id).get_conn() as client:
            entries = _Entries(client.dialect, self)
            entries.check_settings()
        key = _key(self.dag_id, self.task_id)
        store = asset_store(context, self.assets[0])
        earlier = Inbox.from_json(store.get(key))
        now = datetime.now(UTC)
        since = read_from(earlier, self.policy, now)
        events, rows = self._read(context, since)
        oldest_row = min((row.file.modified for row in rows), default=since)
        if oldest_row < since and earlier.watermark is not None:
            # An old file may be announced again, and newer verdicts have been read long ago.
            events, rows = self._read(context, oldest_row)
        inbox = take(
            earlier,
            Ends.from_json(store.get(f"{key}:ends")),
            without_copies(events, earlier.read),
            handout=uuid.uuid4().hex,
            adapter=entries.verdict,
            policy=self.policy,
            now=now,
        )
        _keep(store, key, inbox.to_json())
        problems = [*inbox.problems, *move_read(self.assets, rows)]
        for problem in problems:
            self.log.error("%s", problem)
        self.log.info("%d orders are due", inbox.given)
        if left := len(inbox.due) - inbox.given:
            self.log.warning(
                "%d more orders are due, and left for the next run: one run takes %d",
                left,
                self.policy.at_most,
            )
        oldest = (now - self.policy.look_back).isoformat()
        handout = {"id": inbox.handout, "problems": problems, "oldest": oldest}
        context["ti"].xcom_push(key=_HANDOUT, value=handout)
        return [entries.of(due) for due in inbox.handed_out]

    def _read(self, context: Context, since: datetime) -> tuple[list[Event], list[FileRow]]:
        """Return the events since a time, and the rows of files among them."""
        found = [Event(*one) for each in self.assets for one in asset_events(context, each, since)]
        rows = [FileRow.from_extra(event.payload) for event in found]
        return found, [row for row in rows if row is not None]


class _Entries:
    """Make entries of a set from verdicts, by the rules of the tenant's dialect.

    :param dialect: the dialect.
    :param task: the task whose settings they have.
    """

    def __init__(self, dialect: Dialect, task: OmsTakeVerdictsOperator) -> None:
        self._dialect = dialect
        self._task = task
        self._adapter = from_files(task.adapter)

    def verdict(self, payload: Mapping[str, Any]) -> Verdict:
        """Return the verdict of a payload, with its order named as the results name it.

        :param payload: the event's extra.
        :raises OmsVerdictError: when it is none, or the tenant's rules refuse its cancellation.
        """
        verdict = self._adapter(payload)
        try:
            order = self._dialect.order_id(verdict.order, self._task.order_key)
        except OmsInputError as error:
            raise OmsVerdictError(error.field, error.rule, error.kind) from None
        return replace(verdict, order=order)

    def check_settings(self) -> None:
        """Refuse settings with which no verdict could cancel an order.

        :raises OmsInputError: for the first one.
        """
        order = self._dialect.unknown_order_id
        self._dialect.cancel_request(order, self._task.disposition_reason, self._said(order, None))
        try:
            self._dialect.order_id(order, self._task.order_key)
        except OmsInputError as error:
            # A number or a name of the shop's own is another matter than this id.
            if error.field == "order_key":
                raise

    def of(self, due: Due) -> dict[str, Any]:
        """Return the entry of an order.

        :param due: the order.
        """
        reason = self._task.disposition_reason
        explanation = self._said(due.order, due.case_id)
        try:
            self._dialect.cancel_request(due.order, reason, explanation)
        except OmsInputError:
            # A label must not keep an order from being canceled.
            explanation = self._said(due.order, None)
        return {
            "order_id": due.order,
            "disposition_reason": reason,
            "disposition_other_reason": explanation,
            "in_doubt": due.in_doubt,
        }

    def _said(self, order: OrderId, case_id: str | None) -> str | None:
        explanation = self._task.explanation
        if explanation is None:
            return None
        return explanation.format(order=order, case_id=case_id or "no case id")


def _refuse_runs_at_once(context: Context) -> None:
    if getattr(context["ti"], "map_index", -1) not in (-1, None):
        raise OmsInvalidInputError("verdicts cannot be taken by a mapped task. Nothing was sent.")
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
    """Settle the orders that a run took from an inbox, and fail unless all are canceled.

    An order that is canceled, or whose state does not allow it, is settled. One that the OMS does
    not know, or whose request it calls invalid, is due again until its verdict is older than
    ``look_back``. Any other is due again in the next run. An event that was no verdict is reported
    once, in the run that read it. The task runs whatever the result of the cancellations, and is
    not retried.

    :param take: the ``OmsTakeVerdictsOperator``, or its id.
    :param cancel: the ``OmsBulkCancelOrdersOperator`` that canceled the orders taken, or its id.
    :param asset: the asset or the assets of the inbox; only needed where ``take`` is an id.
    """

    ui_color = "#e8d5f6"

    def __init__(
        self,
        *,
        take: BaseOperator | str,
        cancel: BaseOperator | str,
        asset: Asset | Sequence[Asset] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("trigger_rule", "all_done")
        super().__init__(**kwargs)
        assets = getattr(take, "assets", None) if asset is None else asset
        if assets is None:
            raise ValueError("asset is needed where take is the id of a task")
        self.assets = assets_of(assets)
        self.inlets = [*self.inlets, *self.assets]
        refuse_what_stops_runs(self)
        self.take = take if isinstance(take, str) else take.task_id
        self.cancel = cancel if isinstance(cancel, str) else cancel.task_id

    def execute(self, context: Context) -> dict[str, int]:
        """Settle the orders that the run took.

        :param context: the task's context.
        :return: how many orders ended with each outcome.
        :raises OmsUnsettledVerdictsError: when an order was not canceled, or an event was no
            verdict; it names some of them, and the log all.
        """
        if self.cancel not in self.get_flat_relative_ids(upstream=True):
            raise OmsInvalidInputError(f"task {self.cancel} must come before task {self.task_id}")
        ti = context["ti"]
        handout = ti.xcom_pull(task_ids=self.take, key=_HANDOUT)
        taken = ti.xcom_pull(task_ids=self.take)
        if handout is None or taken is None:
            raise OmsUnsettledVerdictsError(f"task {self.take} took no verdicts; see its log")
        key = _key(self.dag_id, self.take)
        store = asset_store(context, self.assets[0])
        inbox = Inbox.from_json(store.get(key))
        oldest = datetime.fromisoformat(handout["oldest"])
        has_passed = {due.key for due in inbox.due if due.decided_at < oldest}
        ends = dict(_ends_in(ti.xcom_pull(task_ids=self.cancel, key="results")))
        outcomes = {order: ends.get(order) for order in (str(one["order_id"]) for one in taken)}
        is_settled = {
            order: end is not None and _is_settled(end, has_passed=order in has_passed)
            for order, end in outcomes.items()
        }
        settled = [order for order, is_done in is_settled.items() if is_done]
        if (left := settle(inbox, handout["id"], settled)) is not None:
            _keep(store, f"{key}:ends", left.to_json())
        problems = handout["problems"] + [
            f"order {order}: {end or 'no result'}; "
            + (_ADVICE if is_settled[order] else "the next run takes it again")
            for order, end in outcomes.items()
            if end is None or end is Outcome.WOULD_CANCEL or not end.is_success
        ]
        for problem in problems:
            self.log.error("%s", problem)
        if problems:
            raise OmsUnsettledVerdictsError(_in_short(problems))
        return dict(Counter(str(end) for end in outcomes.values()))


_ADVICE = "it is not taken again, so look at the order in the OMS"
# The order may reach the OMS later than its verdict, and a wrong connection can be corrected.
_TRIED_AGAIN = frozenset({Outcome.NOT_FOUND, Outcome.REFUSED})


def _is_settled(outcome: Outcome, *, has_passed: bool) -> bool:
    """Return whether an order needs no other run.

    :param outcome: how its cancellation ended.
    :param has_passed: whether its verdict is older than the look-back.
    """
    if outcome in _TRIED_AGAIN:
        return has_passed
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


def _key(dag_id: str, task_id: str) -> str:
    """Return under which name the state of an inbox is kept.

    :param dag_id: the DAG.
    :param task_id: the task that takes; no id may have a colon.
    """
    return f"oms_verdicts:{dag_id}:{task_id}"


def _keep(store: StateStore, key: str, value: Any) -> None:
    """Store a value, and see that it is stored.

    :raises OmsVerdictStateError: when it is not.
    """
    store.set(key, value)
    if store.get(key) != value:
        raise OmsVerdictStateError(
            f"Airflow did not keep {key}; no verdict was taken or settled, and a retry begins there"
        )
