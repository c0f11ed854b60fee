"""Cancel rejected orders before they ship, or have a person told.

Trigger this DAG with **orders_path**, a JSON Lines or CSV file of rejected orders that every worker
can read. Put the time that your warehouse leaves you in place of the 30 minutes of
`BEFORE_IT_SHIPS`, and your own addresses in place of those of `example.com`.

Connections: `oms_default` (type `oms`), and `smtp_default` (type `smtp`): the mail server, which
the triggerer must reach, for that is what sends the mail.

A mail is sent when a run has not succeeded 30 minutes after it was queued, whatever the cause: no
worker was free, the OMS asks to wait, a retry comes too late, an order has shipped already, the
task failed or was killed. The run itself goes on. No mail is sent for a run that was green by then,
and green means that every order is canceled.

Airflow's deadline alerts do this; they came with Airflow 3.1, and Airflow calls them experimental.
An older Airflow cancels the same, but sends no such mail: the task `deadline_alert` is skipped, and
its log says why. From Airflow 3.2 to 3.3.1, the mails of a DAG stop once its file is changed, so
use 3.3.2 or later. `airflow dags test` knows no deadline, and fails for a DAG that has one.

**When the mail arrives:** look at the run. If its task has failed, correct the cause that its log
names, and *clear* it: it reads the orders that may have been canceled before it sends anything. If
it still runs or waits, the log of the scheduler shows why. Until then, have the warehouse hold the
orders.
"""

from __future__ import annotations

# [START cancel_before_it_ships]
from datetime import timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, AirflowSkipException, Param, task
from airflow.providers.smtp.notifications.smtp import SmtpNotifier

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

BEFORE_IT_SHIPS = timedelta(minutes=30)

# Of the run, a deadline alert knows what Airflow's REST API shows of it.
BODY = """
<p>The run {{ dag_run.dag_run_id | e }} of {{ dag_run.dag_id | e }} was to be done by
{{ deadline.deadline_time }}, and is {{ dag_run.state }}.</p>
<p>Orders may ship that should be canceled.</p>
"""

DEADLINE: dict[str, Any] = {}
try:
    from airflow.sdk.definitions.deadline import (  # type: ignore[attr-defined]  # as 3.1 has it
        AsyncCallback,
        DeadlineAlert,
        DeadlineReference,
    )
except ImportError:
    pass  # the task deadline_alert says it
else:
    mail = {
        "smtp_conn_id": "smtp_default",
        "from_email": "airflow@example.com",
        "to": "oms-on-call@example.com",
        "subject": "Orders are not canceled in time ({{ dag_run.dag_id }})",
        "html_content": BODY,
    }
    DEADLINE["deadline"] = DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=BEFORE_IT_SHIPS,
        callback=AsyncCallback(SmtpNotifier, kwargs=mail),
    )

with DAG(
    dag_id="cancel_before_it_ships",
    schedule=None,
    catchup=False,
    tags=["oms", "example"],
    doc_md=__doc__,
    params={"orders_path": Param("", type="string", minLength=1)},
    **DEADLINE,
) as dag:
    OmsBulkCancelOrdersOperator(
        task_id="cancel",
        orders_path="{{ params.orders_path }}",
        disposition_reason="other",
        disposition_other_reason="Rejected by fraud screening",
        retries=2,
        retry_delay=timedelta(minutes=5),
    )

    if not DEADLINE:

        @task
        def deadline_alert() -> None:
            """Show in the grid and in the log that this Airflow lacks a feature."""
            raise AirflowSkipException(
                "This Airflow has no deadline alerts (3.1 has), so no mail is sent when the orders "
                "are not canceled in time. They are canceled nevertheless."
            )

        deadline_alert()
# [END cancel_before_it_ships]
