"""The page about the table of a task's orders agrees with the code."""

from __future__ import annotations

import importlib
import shlex

import pytest
from pages import blocks, text_of

from airflow_provider_oms.cancellation.bulk import orders_page, report
from airflow_provider_oms.links.oms import OmsOrdersLink
from airflow_provider_oms.plugins.orders_page import _OPERATORS

PAGE = text_of("docs/orders-tab.md")


def test_it_names_what_has_the_table_and_how_it_is_called() -> None:
    assert all(f"`{operator}`" in PAGE for operator in _OPERATORS)
    assert f"**{OmsOrdersLink.name}**" in PAGE


def test_it_names_what_goes_into_xcom_and_how_much() -> None:
    assert f"`{orders_page.PAGE_KEY}`" in PAGE
    assert f"`{OmsOrdersLink().xcom_key}`" in PAGE
    assert f"up to {orders_page._MOST_ORDERS:,} orders that" in " ".join(PAGE.split())
    assert f"up to {report._MOST_ROWS:,} orders |" in PAGE
    assert "400 KiB at most" in PAGE
    assert orders_page._MOST_BYTES < 400 * 1024


@pytest.mark.needs("connection form of Airflow 2")
def test_the_commands_for_viewers_are_commands() -> None:
    # Airflow 2 has the commands of the FAB auth manager in the environment of the tests.
    parser = importlib.import_module("airflow.cli.cli_parser").get_parser()
    ((_, commands),) = blocks(PAGE, "console")
    for line in commands.splitlines():
        prompt, airflow, *words = shlex.split(line)
        assert (prompt, airflow) == ("$", "airflow")
        assert parser.parse_args(words).func
