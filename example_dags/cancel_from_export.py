"""Cancel the orders of an export, as an order system or a spreadsheet has written it.

No column has to be renamed and no row deleted first. Each DAG takes **export_path**: a CSV file
(`.csv`, `.tsv`), JSON Lines (`.jsonl`) or a workbook (`.xlsx`), each but the workbook also packed
(`.gz`). A pattern, such as `s3://exports/review-*.csv`, is several files as one set.

* `cancel_exported_orders` cancels **every** order of the export. One argument names the column of
  the order ids, `Order Number`; other columns say nothing.
* `cancel_rejected_in_export` cancels only the orders whose `Decision` is `Rejected`, and ignores
  those that are `Approved` or `Pending`. Any other value, such as `rejected`, refuses the whole
  export; the log names its line.
* `cancel_rejected_in_mixed_export` does the same on a **native** tenant, whose orders the column
  names by Kibo's ids, by order numbers (`1042`) and by the shop's own numbers (`SHOP-1042`) alike.
  A value of no such kind refuses the whole export, too.

Put the names of your columns and values into the file of this DAG. An order that has shipped is
reported as `not_cancelable`, and does not turn the run red.

While **dry_run** is on, each order is only read. Look at the counts in the log or in the summary in
XCom (`rows` has the rows by value), and trigger the DAG again without it.

Connections: `oms_default` (type `oms`), and the one for the path's storage. A workbook needs
`pip install 'airflow-provider-oms[xlsx]'` on the workers.

**When it fails:** the log names each line that cannot be used, or each order that is not canceled.
Correct the cause and *clear* the task: it reads the orders that may have been canceled before it
sends anything.
"""

from __future__ import annotations

# [START cancel_from_export]
import re
from datetime import timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator
from airflow_provider_oms.storage import read_orders

OF_EACH: dict[str, Any] = {
    "catchup": False,
    "tags": ["oms", "example"],
    "doc_md": __doc__,
    "params": {
        "export_path": Param(
            "",
            type="string",
            minLength=1,
            title="Export",
            examples=["s3://exports/review-2026-11-24.xlsx", "s3://exports/review-*.csv"],
        ),
        "dry_run": Param(True, type="boolean", title="Dry run"),
    },
    "default_args": {"retries": 2, "retry_delay": timedelta(minutes=5)},
}

with DAG(dag_id="cancel_exported_orders", schedule=None, **OF_EACH) as every_order:
    OmsBulkCancelOrdersOperator(
        task_id="cancel",
        orders_path="{{ params.export_path }}",
        order_id_column="Order Number",
        disposition_reason="created_by_mistake",
        accepted_outcomes="not_cancelable",
        dry_run="{{ params.dry_run }}",
    )

with DAG(dag_id="cancel_rejected_in_export", schedule=None, **OF_EACH) as rejected_orders:
    OmsBulkCancelOrdersOperator(
        task_id="cancel",
        orders_path="{{ params.export_path }}",
        order_id_column="Order Number",
        where={"Decision": {"cancel": ["Rejected"], "ignore": ["Approved", "Pending"]}},
        disposition_reason="other",
        disposition_other_reason="Rejected by fraud screening",
        accepted_outcomes="not_cancelable",
        dry_run="{{ params.dry_run }}",
    )


def with_its_kind(name: str) -> str:
    """Return the name of an order with its kind in front; an id, or an unknown name, as it is."""
    if re.fullmatch(r"SHOP-[0-9]+", name):
        return f"external_id:{name}"
    return f"number:{name}" if re.fullmatch(r"[0-9]{1,10}", name) else name


with DAG(dag_id="cancel_rejected_in_mixed_export", schedule=None, **OF_EACH) as mixed_names:

    @task(retries=0)
    def read_rejected(export_path: str) -> list[dict[str, Any]]:
        """Return the rejected orders, or fail for a decision that is not named here."""
        where = {"Decision": {"cancel": ["Rejected"], "ignore": ["Approved", "Pending"]}}
        orders = read_orders(export_path, order_id_column="Order Number", where=where)
        return [{**order, "order_id": with_its_kind(str(order["order_id"]))} for order in orders]

    OmsBulkCancelOrdersOperator(
        task_id="cancel",
        orders=read_rejected("{{ params.export_path }}"),
        disposition_reason="Fraud",
        accepted_outcomes="not_cancelable",
        dry_run="{{ params.dry_run }}",
    )
# [END cancel_from_export]
