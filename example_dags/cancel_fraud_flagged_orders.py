"""Cancel the orders that a fraud check rejected: read verdicts, cancel, write back, report.

The verdicts are rows of a SQL table behind an Airflow connection; see DOC for its columns.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import (
    DAG,
    AirflowFailException,
    BaseHook,
    Param,
    chain,
    task,
)

from airflow_provider_oms.cancellation.outcomes import Outcome
from airflow_provider_oms.hooks.oms import OmsHook
from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

log = logging.getLogger(__name__)

DOC = """
### Cancel fraud-flagged orders

Every hour, cancel the orders whose **latest** verdict is `rejected`. An order without a verdict,
or whose latest verdict is `accepted` or `review`, is not touched. Letter case counts: any other
word, such as `Rejected`, is reported, and its order is not touched. Correct it in the table, or
name it in `LEAVE_ALONE`.

Connections: `oms_default` (type `oms`), and `fraud_db`, any SQL connection with this table:

```sql
CREATE TABLE fraud_verdicts (
    verdict_id            INTEGER PRIMARY KEY,
    order_id              BIGINT NOT NULL,    -- VARCHAR(200) for a native tenant
    case_id               VARCHAR(100) NOT NULL,
    verdict               VARCHAR(20) NOT NULL,
    score                 NUMERIC,
    decided_at            TIMESTAMP NOT NULL, -- UTC, unless it carries an offset
    cancel_outcome        VARCHAR(20),        -- these two are written by this DAG
    cancel_recorded_at    TIMESTAMP
);
```

`order_id` is the OMS's number of the order. On a native tenant it is the order's id, or the name
that the param `order_key` selects; its default holds for the hourly runs. Write each order in one
way only, because its verdicts are found by it. The reason is `other`, which the connection's
`reason_codes` can translate into a code of a native tenant.

The result of an order is written to the verdict that was acted on; while a run is under way, and
if it dies, that is `unknown`. An order that an earlier run left `unknown` or `not_canceled` is read
before anything is sent. `canceled`, `already_canceled`, `not_cancelable`, `not_found` and `refused`
are final: the order is left alone until a newer verdict rejects it again. Everything else is picked
up by the next run.

To try again before the next hour, clear `read_verdicts` with all that follows it. Do not clear
`cancel` alone: it would act on the verdicts of its first time.

More than 1,000 flagged orders at once are refused as a whole: check the fraud check, and raise
`MAX_ORDERS` if it is right.

The run is green only if every flagged order is canceled. It fails, after all other orders had
their turn, when an order could not be canceled, when a row cannot be used (no case id, or a word
that is not known), or when verdicts of the same instant disagree. The task `report` names each
such order. It is red for rows that cannot be used, and `cancel` is red for orders that are not
canceled.
"""

FRAUD_DB = "fraud_db"
# Up to as many, the operator's XCom value "results" has the outcome of each order.
MAX_ORDERS = 1000
CANCELED = {Outcome.CANCELED, Outcome.ALREADY_CANCELED}
FINAL = CANCELED | {Outcome.NOT_CANCELABLE, Outcome.NOT_FOUND, Outcome.REFUSED}
IN_DOUBT = {Outcome.UNKNOWN, Outcome.NOT_CANCELED}
REJECTED = "rejected"
LEAVE_ALONE = {"accepted", "review"}
KNOWN = sorted({REJECTED, *LEAVE_ALONE})

# Every verdict on the orders that have a rejection which is not settled, or a word that is not
# known. Plain SQL for any database; each "?" becomes the placeholder of the connection's driver.
READ = """
    SELECT verdict_id, order_id, case_id, verdict, decided_at, cancel_outcome
    FROM fraud_verdicts
    WHERE order_id IN (
        SELECT order_id FROM fraud_verdicts
        WHERE verdict = 'rejected'
        AND (cancel_outcome IS NULL OR cancel_outcome NOT IN (?, ?, ?, ?, ?))
    )
    OR order_id IN (SELECT order_id FROM fraud_verdicts WHERE verdict NOT IN (KNOWN))
    OR (order_id IS NULL AND verdict = 'rejected')
""".replace("KNOWN", ", ".join("?" * len(KNOWN)))
BEGIN = "UPDATE fraud_verdicts SET cancel_outcome = ? WHERE verdict_id = ?"
WRITE = """
    UPDATE fraud_verdicts
    SET cancel_outcome = ?, cancel_recorded_at = CURRENT_TIMESTAMP
    WHERE verdict_id = ?
"""


def verdict_to_act_on(verdicts: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the rejection that an order's latest verdict is, or ``None``.

    :param verdicts: every verdict on one order.
    :return: the rejection to act on; ``None`` when the order is to be left alone.
    :raises ValueError: when the rows do not say clearly whether to cancel.
    """
    for verdict in verdicts:
        moment = datetime.fromisoformat(str(verdict["decided_at"]))
        verdict["decided_at"] = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    newest = max(verdict["decided_at"] for verdict in verdicts)
    latest = [verdict for verdict in verdicts if verdict["decided_at"] == newest]
    for verdict in latest:
        if verdict["verdict"] not in KNOWN:
            which = f"its verdict {verdict['verdict_id']}"
            raise ValueError(f"the word of {which} is none of {', '.join(KNOWN)}")
    rejections = [verdict for verdict in latest if verdict["verdict"] == REJECTED]
    if not rejections or any(verdict["cancel_outcome"] in FINAL for verdict in rejections):
        return None
    if len(rejections) < len(latest):
        raise ValueError("its latest verdicts are of the same instant and disagree")
    return min(rejections, key=lambda verdict: verdict["verdict_id"])


def cancellation_for(
    verdict: dict[str, Any], verdicts: list[dict[str, Any]], hook: OmsHook, order_key: str | None
) -> dict[str, Any]:
    """Return one cancellation, checked by the operator's own rules before anything is sent.

    :param verdict: the rejection to act on.
    :param verdicts: every verdict on the same order.
    :param hook: knows which API the tenant has, and so the form of an order's id.
    :param order_key: the kind of the table's ids, on a native tenant.
    :return: the verdict that it comes from, and the order as the operator takes it.
    :raises ValueError: when the row lacks its case id, or breaks a rule of the OMS.
    """
    case_id = str(verdict["case_id"] or "").strip()
    if not case_id:
        raise ValueError(f"its verdict {verdict['verdict_id']} has no case id")
    explanation = f"Rejected by fraud screening, case {case_id}"
    rules = hook.get_conn().dialect
    request = rules.cancel_request(verdict["order_id"], "other", explanation, order_key)
    order = {
        # It names its kind: 1010101, or external_id:SHOP-1042.
        "order_id": request.order_id,
        "disposition_other_reason": request.disposition_other_reason,
        # The cancel in doubt may be an earlier verdict's.
        "in_doubt": any(each["cancel_outcome"] in IN_DOUBT for each in verdicts),
    }
    return {"verdict_id": verdict["verdict_id"], "order": order}


# [START cancel_fraud_flagged_orders]
with DAG(
    dag_id="cancel_fraud_flagged_orders",
    schedule="@hourly",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["oms", "example"],
    doc_md=DOC,
    params={
        "order_key": Param(
            None,
            type=["null", "string"],
            enum=[None, "id", "number", "external_id"],
            title="Orders are named by",
            description="On a native tenant only: what order_id in the table is; none for the id.",
        ),
    },
) as dag:

    @task
    def read_verdicts(params: Any = None) -> dict[str, Any]:
        """Return the cancellations to make, and the errors of rows that cannot be used."""
        hook = BaseHook.get_hook(FRAUD_DB)
        words = [*sorted(FINAL), *KNOWN]
        rows = hook.get_records(READ.replace("?", hook.placeholder), parameters=words)
        columns = ("verdict_id", "order_id", "case_id", "verdict", "decided_at", "cancel_outcome")
        by_order: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            verdict = dict(zip(columns, row, strict=True))
            by_order[str(verdict["order_id"])].append(verdict)

        oms, order_key = OmsHook(), params["order_key"]
        flagged, problems = [], []
        for order_id, verdicts in by_order.items():
            try:
                rejection = verdict_to_act_on(verdicts)
                if rejection:
                    flagged.append(cancellation_for(rejection, verdicts, oms, order_key))
            except ValueError as error:
                problems.append(f"order {order_id}: {error}")
        log.info("%d orders to cancel, %d unusable", len(flagged), len(problems))
        if len(flagged) > MAX_ORDERS:
            raise AirflowFailException(
                f"{len(flagged)} orders are flagged, MAX_ORDERS is {MAX_ORDERS}; nothing was sent."
            )
        for each in flagged:
            # Written first: a run that dies from here on leaves its orders in doubt, not forgotten.
            row = (Outcome.UNKNOWN.value, each["verdict_id"])
            hook.run(BEGIN.replace("?", hook.placeholder), parameters=row)
        return {"flagged": flagged, "problems": problems}

    @task
    def orders_to_cancel(verdicts: Any) -> list[dict[str, Any]]:
        """Return the orders as the operator takes them."""
        return [each["order"] for each in verdicts["flagged"]]

    @task(trigger_rule="all_done")
    def write_back(verdicts: Any, ti: Any = None) -> None:
        """Record the result of each order; one without a result stays unknown."""
        results = ti.xcom_pull(task_ids="cancel", key="results") or []
        outcomes = {one["order_id"]: one["outcome"] for one in results}
        hook = BaseHook.get_hook(FRAUD_DB)
        for each in verdicts["flagged"] if verdicts else []:
            outcome = outcomes.get(each["order"]["order_id"])
            if outcome:
                row = (outcome, each["verdict_id"])
                hook.run(WRITE.replace("?", hook.placeholder), parameters=row)

    @task(trigger_rule="all_done")
    def report(verdicts: Any, ti: Any = None) -> None:
        """Say how every order ended, and fail where a row could not be used."""
        if not verdicts:
            log.error("The verdicts could not be used; nothing was canceled.")
            return
        results = ti.xcom_pull(task_ids="cancel", key="results") or []
        outcomes = {one["order_id"]: one["outcome"] for one in results}
        order_ids = [each["order"]["order_id"] for each in verdicts["flagged"]]
        ended = {order_id: outcomes.get(order_id, "no result") for order_id in order_ids}
        for outcome, count in sorted(Counter(ended.values()).items()):
            log.info("%s: %d", outcome, count)
        failed = {order_id: end for order_id, end in ended.items() if end not in CANCELED}
        for order_id, outcome in failed.items():
            log.error("Order %s is not canceled: %s", order_id, outcome)
        for problem in verdicts["problems"]:
            log.error("Nothing was sent for %s", problem)
        # An order that is not canceled has turned `cancel` red already.
        if verdicts["problems"]:
            raise AirflowFailException(
                f"{len(verdicts['problems'])} orders could not be used; the lines above name them."
            )

    @task(trigger_rule="none_failed")
    def succeed() -> None:
        """Let the run be green only if every task is: the reporting tasks run in any case."""

    read = read_verdicts()
    cancel = OmsBulkCancelOrdersOperator(
        task_id="cancel",
        orders=orders_to_cancel(read),
        disposition_reason="other",
        max_orders=MAX_ORDERS,
        retries=2,
        retry_delay=timedelta(minutes=5),
    )
    written = write_back(read)
    reported = report(read)
    chain(cancel, written, reported)
    chain([read, cancel, written, reported], succeed())
# [END cancel_fraud_flagged_orders]
