"""`@task.oms_cancel`: a function returns the set, and the same task cancels it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowSkipException, task
from bulk_attempts import FIRST, Attempt, cancel_posts
from journal_store import Store

from airflow_provider_oms.cancellation.bulk import recovery
from airflow_provider_oms.decorators.oms import OmsCancelDecoratedOperator
from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.exceptions import OmsInvalidInputError
from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

# A lambda has no name that a task could have.
REASON: dict[str, Any] = {"task_id": "cancel", "disposition_reason": "created_by_mistake"}


def decorated(function: Callable[..., Any], *args: Any, **arguments: Any) -> Any:
    """Return the task of a decorated function."""
    with DAG("decorated", schedule=None):
        return task.oms_cancel(**{**REASON, **arguments})(function)(*args).operator


class Run(Attempt):
    """Run a decorated function as one attempt of its task."""

    def of(self, function: Callable[..., Any], *args: Any, **arguments: Any) -> Any:
        context: Any = {"ti": self.ti, "outlet_events": self.events, "ds": "2026-11-28"}
        if self.store is not None:
            context["task_state_store"] = self.store
        summary = decorated(function, *args, **arguments).execute(context)
        assert context["ti"] is self.ti
        return summary


class TestTheSet:
    @pytest.mark.slow
    def test_what_the_function_returns_is_canceled(self, oms: EmulatorProcess) -> None:
        run = Run()
        summary = run.of(lambda: [FIRST, {"order_id": FIRST + 1}])
        assert summary["outcomes"] == {"canceled": 2}
        assert cancel_posts(oms) == [FIRST, FIRST + 1]
        assert run.pushed["return_value"] == summary
        assert [row["order_id"] for row in run.pushed["results"]] == [FIRST, FIRST + 1]

    def test_it_may_yield_them(self, oms: EmulatorProcess) -> None:
        def find(first: int) -> Iterator[int]:
            yield first
            yield first + 1

        assert Run().of(find, FIRST)["outcomes"] == {"canceled": 2}

    def test_the_function_gets_its_arguments_and_what_it_names_of_the_context(
        self, oms: EmulatorProcess
    ) -> None:
        seen = []

        def find(first: int, ds: str, **context: Any) -> list[int]:
            seen.append((ds, "ti" in context))
            return [first]

        Run().of(find, FIRST)
        assert seen == [("2026-11-28", True)]

    def test_the_guards_are_those_of_the_bulk_operator(self, oms: EmulatorProcess) -> None:
        with pytest.raises(OmsInvalidInputError, match="more orders than the 1 that max_orders"):
            Run().of(lambda: [FIRST, FIRST + 1], max_orders=1)
        with pytest.raises(OmsInvalidInputError, match="cannot be used"):
            Run().of(lambda: [{"order_id": FIRST, "verdict": "keep"}])
        assert Run().of(lambda: [FIRST], dry_run=True)["outcomes"] == {"would_cancel": 1}
        assert cancel_posts(oms) == []

    def test_text_that_it_returns_is_no_template(self, oms: EmulatorProcess) -> None:
        with pytest.raises(OmsInvalidInputError):
            Run().of(lambda: "{{ [4000001] }}")
        assert oms.requests() == []

    @pytest.mark.parametrize("function", [lambda: None, lambda: {FIRST}, lambda: ""])
    def test_what_is_no_set_is_refused(
        self, oms: EmulatorProcess, function: Callable[..., Any]
    ) -> None:
        with pytest.raises(OmsInvalidInputError, match="Nothing was sent"):
            Run().of(function)
        assert oms.requests() == []

    def test_a_function_that_forgets_to_return_is_told_so(self, oms: EmulatorProcess) -> None:
        with pytest.raises(OmsInvalidInputError, match=r"returned None instead of orders"):
            Run().of(lambda: None)

    def test_what_the_function_raises_is_raised_and_nothing_is_sent(
        self, oms: EmulatorProcess
    ) -> None:
        def find() -> list[int]:
            raise AirflowSkipException("nothing to do today")

        with pytest.raises(AirflowSkipException, match="nothing to do today"):
            Run().of(find)
        assert oms.requests() == []


class TestTheNextAttempt:
    def test_it_calls_the_function_again_and_leaves_what_is_canceled(
        self, oms: EmulatorProcess
    ) -> None:
        store = Store()
        Run(store).of(lambda: [FIRST])
        oms.clear_requests()
        assert Run(store, number=2).of(lambda: [FIRST])["outcomes"] == {"canceled": 1}
        assert oms.requests() == []

    @pytest.mark.slow
    def test_an_order_that_is_new_in_the_set_is_read_before_it_is_canceled(
        self, oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(recovery, "LEASE_SECONDS", 0.1, raising=False)
        store = Store()
        Run(store).of(lambda: [FIRST, FIRST + 1])
        oms.clear_requests()
        summary = Run(store, number=2).of(lambda: [FIRST, FIRST + 2])
        assert summary["outcomes"] == {"canceled": 2}
        seen = [(each["method"], each["order_id"]) for each in oms.requests()]
        of_the_new = [method for method, order_id in seen if order_id == FIRST + 2]
        assert of_the_new[0] == "GET"
        assert of_the_new.count("POST") == 1
        # The one that is gone was canceled before, and is left alone.
        assert FIRST + 1 not in [order_id for _, order_id in seen]


class TestTheTask:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("orders", [FIRST]),
            ("orders_path", "/orders.csv"),
            ("order_id_column", "id"),
            ("where", {"a": {"cancel": ["b"], "ignore": []}}),
            ("delimiter", ";"),
        ],
    )
    def test_what_says_where_the_set_comes_from_is_refused(self, name: str, value: Any) -> None:
        with pytest.raises(TypeError, match=rf"@task\.oms_cancel: leave out {name}"):
            decorated(lambda: [FIRST], **{name: value})

    def test_a_default_of_the_dag_must_not_add_to_the_set(self) -> None:
        with (
            DAG("defaults", schedule=None, default_args={"orders_path": "/orders.csv"}),
            pytest.raises(TypeError, match="leave out orders_path"),
        ):
            task.oms_cancel(**REASON)(lambda: [FIRST])()

    def test_no_argument_of_the_set_is_a_template(self) -> None:
        fields = set(OmsCancelDecoratedOperator.template_fields)
        left = {"orders", "orders_path", "order_id_column", "where", "delimiter"}
        assert (
            fields == {"op_args", "op_kwargs", *OmsBulkCancelOrdersOperator.template_fields} - left
        )
        assert set(OmsCancelDecoratedOperator.template_fields_renderers) <= fields

    def test_the_arguments_that_are_left_out_are_those_of_the_bulk_operator(self) -> None:
        known = inspect.signature(OmsBulkCancelOrdersOperator.__init__).parameters
        assert {"orders", "orders_path", "order_id_column", "where", "delimiter"} <= set(known)

    def test_a_summary_stays_one_value_whatever_the_function_is_annotated_with(self) -> None:
        def find() -> dict[str, Any]:
            return {}

        assert decorated(find).multiple_outputs is False


class TestMapped:
    @staticmethod
    def unmapped(default_args: dict[str, Any] | None = None, **arguments: Any) -> Any:
        with DAG("mapped", schedule=None, default_args=default_args or {}):
            find = task.oms_cancel(**{**REASON, **arguments})(lambda first: [first])
            mapped: Any = find.expand(first=[FIRST, FIRST + 1]).operator
        return mapped.unmap({"op_kwargs": {"first": FIRST}})

    def test_defaults_of_the_dag_get_to_each_instance(self) -> None:
        one = self.unmapped({"oms_conn_id": "oms_sandbox", "dry_run": True}, max_orders=7)
        assert (one.oms_conn_id, one.is_dry_run, one.max_orders) == ("oms_sandbox", True, 7)

    def test_defaults_that_airflow_would_drop_are_refused(self) -> None:
        with pytest.raises(TypeError, match=r"@task\.oms_cancel: Airflow ignores dry_run in the"):
            task.oms_cancel(**REASON, default_args={"dry_run": True, "retries": 3})

    def test_each_instance_calls_the_function_with_its_own_arguments(
        self, oms: EmulatorProcess
    ) -> None:
        run = Run(map_index=0)
        context: Any = {"ti": run.ti, "outlet_events": {}}
        assert self.unmapped().execute(context)["outcomes"] == {"canceled": 1}
        assert cancel_posts(oms) == [FIRST]
