"""The links of a task: to its order in Kibo's admin, and to the table of its orders.

Where in the admin an order is, the connection's ``admin_url`` says; nothing is guessed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

from airflow_provider_oms.exceptions import OmsInvalidInputError
from airflow_provider_oms.version_compat import address_of_task, orders_page_place

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, Context, TaskInstanceKey

    from airflow_provider_oms.cancellation.bulk.report import Kept
    from airflow_provider_oms.hooks.oms import OmsHook

__all__ = ["ORDERS_ROUTE", "OmsOrderLink", "OmsOrdersLink"]

#: Where in the web UI the *Orders* page is: ``plugin/`` and this.
ORDERS_ROUTE = "oms-orders"


# Where the table of a task's orders is, in an Airflow that has one.
_TABLES = {
    "tab": "the tab Orders of this task",
    "page": "the button Orders in this task's tab Details, under Extra Links",
}


class OmsOrderLink(BaseOperatorLink):
    """Lead from a task to its order, where the connection gives ``admin_url``."""

    name = "Order in Kibo"

    @property
    def xcom_key(self) -> str:
        """Return the key of the address in XCom."""
        # Airflow 3 reads the address from here. The task writes it there by itself before it does
        # anything, so that the link is there also for a task that was killed.
        return "oms_order_link"

    def offer(
        self, context: Context, hook: OmsHook, order_id: Any, order_key: Any = None, *, push: bool
    ) -> str:
        """Put the address of a task's order where the web UI finds it.

        A link is not worth a failure: whatever is wrong, the task will say itself.

        :param context: the task's context.
        :param hook: the hook of the tenant.
        :param order_id: the order, not validated yet.
        :param order_key: what names it, not validated yet.
        :param push: whether the task may write to XCom.
        :return: the address; empty when there is none.
        """
        url = ""
        try:
            url = hook.order_url(order_id, order_key) or ""
            if url and push:
                context["ti"].xcom_push(key=self.xcom_key, value=url)
        except OmsInvalidInputError:
            pass  # The task is about to fail of it.
        except Exception as error:  # noqa: BLE001 - Airflow's, of whatever kind
            hook.log.warning(
                "The link to the order could not be kept, which keeps nothing else: %s", error
            )
        return url

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the address of the task's order.

        :param operator: the task.
        :param ti_key: which run of it.
        :return: the address; empty when there is none.
        """
        # Airflow 3 asks in the task's own process, where the task knows it. There a look into XCom
        # for a missing value would put an error into the log of each task.
        url: str | None = getattr(operator, "order_url", None)
        if url is None:
            url = XCom.get_value(key=self.xcom_key, ti_key=ti_key)
        return str(url or "")


class OmsOrdersLink(BaseOperatorLink):
    """Lead from a task for a set to the table of its orders.

    Airflow 3.4 shows the table in a tab of the task, 3.1 to 3.3 on a page. Before that there is
    none, and the link leads to the task's XComs.
    """

    name = "Orders"

    @property
    def xcom_key(self) -> str:
        """Return the key of the address in XCom."""
        return "oms_orders_link"

    def offer(self, context: Context, log: Any) -> None:
        """Put the address where the web UI finds it while the task runs, and if it is killed.

        A link is not worth a failure.

        :param context: the task's context.
        :param log: the task's log.
        """
        ti: Any = context["ti"]
        try:
            ti.xcom_push(key=self.xcom_key, value=self._address(ti))
        except Exception as error:  # noqa: BLE001 - Airflow's, of whatever kind
            log.warning(
                "The link to the orders could not be kept, which keeps nothing else: %s", error
            )

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002 - as Airflow calls it
        """Return the address of the table.

        :param operator: the task.
        :param ti_key: which run of it.
        """
        return self._address(ti_key)

    def tell(self, log: Any, orders: int, kept: Kept, *, is_well: bool) -> None:
        """Log where a person finds the orders: in XCom, in a file, and in the web UI's table.

        :param log: the task's log.
        :param orders: how many orders there are.
        :param kept: where their outcomes were stored.
        :param is_well: whether every order ended as it should.
        """
        places = ["the XCom value results"] if kept.rows else []
        if kept.results_path:
            places.append(kept.results_path)
        if table := _TABLES.get(orders_page_place() or ""):
            advice = "" if is_well else ", with what to do,"
            places.append(f"in the web UI{advice} {table}")
        which = "The order" if orders == 1 else f"All {orders} orders"
        if orders and places:
            log.info("%s: %s", which, "; ".join(places))

    @staticmethod
    def _address(key: Any) -> str:
        place = orders_page_place()
        if place == "page":
            fields = ("dag_id", "run_id", "task_id", "map_index")
            query = urlencode({name: getattr(key, name) for name in fields})
            return f"plugin/{ORDERS_ROUTE}?{query}"
        return address_of_task(key, part=f"plugin/{ORDERS_ROUTE}" if place else "xcom")
