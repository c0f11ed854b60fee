"""Cancel a file of orders, and have a mail sent when some of them could not be canceled.

Trigger this DAG with **orders_path**, a JSON Lines or CSV file of orders that every worker can
read, 1,000 at most unless you raise `max_orders`. Put your own addresses in place of those of
`example.com` in the file of this DAG.

Connections: `oms_default` (type `oms`), and `smtp_default` (type `smtp`): the mail server, which
the DAG processor must reach, for that is what sends the mail.

One mail is sent when the run has failed, after the task's last retry, and none when every order is
canceled. It holds the text that the task leaves for this purpose: the numbers of orders by outcome,
up to three of those that failed, and what to do; nothing about a shopper. A mail that cannot be
sent is an error in the log of the DAG processor, and changes nothing else. Airflow 3.0 sends none:
its DAG processor lets no callback read an XCom.

**When the mail arrives:** it links to the log, which has a line for each order that failed, a
hundred at most. Fix the cause, and *clear* the task: it leaves canceled orders alone, and reads
orders in doubt before it sends anything. A mail without numbers means that the task ended before
it could count: nothing was sent at all, or its process was killed.
"""

from __future__ import annotations

# [START cancel_and_notify]
from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG, Param
from airflow.providers.smtp.notifications.smtp import SmtpNotifier

from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

# The summary is in XCom also when the task failed; only one that was killed has left none.
BODY = """
{% set summary = ti.xcom_pull(task_ids='cancel') %}
<p>{{ run_id | e }}:</p>
<pre>{{ (summary.text if summary else 'The task left no summary.') | e }}</pre>
<p><a href="{{ ti.log_url | e }}">The log says more.</a></p>
"""

TELL = SmtpNotifier(
    smtp_conn_id="smtp_default",
    from_email="airflow@example.com",
    to="oms-on-call@example.com",
    subject="Orders are not canceled ({{ dag.dag_id }})",
    html_content=BODY,
)

with DAG(
    dag_id="cancel_and_notify",
    schedule=None,
    catchup=False,
    tags=["oms", "example"],
    doc_md=__doc__,
    params={"orders_path": Param("", type="string", minLength=1)},
    # Of the DAG, not of the task: a task whose process was killed calls nothing any more.
    on_failure_callback=TELL,
) as dag:
    OmsBulkCancelOrdersOperator(
        task_id="cancel",
        orders_path="{{ params.orders_path }}",
        disposition_reason="customer_changed_mind",
        retries=2,
        retry_delay=timedelta(minutes=5),
    )
# [END cancel_and_notify]
