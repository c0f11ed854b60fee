"""The options of a cancellation of parts: what holds where nothing is said, and what is refused."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.native import Native
from airflow_provider_oms.api.parts import Flags, PartKind, Reason
from airflow_provider_oms.api.translated import Translated
from airflow_provider_oms.cancellation.parts.tasks import PartOptions
from airflow_provider_oms.cancellation.parts.wanted import Wanted

# What holds where nothing is said, with the careful choice for each that can do harm.
DEFAULTS = {
    "send_notifications": None,
    "rectify_order": True,
    "cancel_child_items": False,
    "block_assignment": False,
    "allow_whole_order": False,
    "allow_order_edit": False,
}
WANTED = (Wanted(1, Reason("other"), quantity=2),)


def told(options: PartOptions | None) -> dict[str, Any]:
    """Return all options by their names."""
    assert options is not None
    return {
        **asdict(options.flags),
        "allow_whole_order": options.allow_whole_order,
        "allow_order_edit": options.allow_order_edit,
    }


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("name", [None, *DEFAULTS])
@pytest.mark.parametrize("value", [True, False, "true", "False"])
def test_each_has_its_default_unless_it_is_given(
    name: str | None, value: bool | str, as_json: bool
) -> None:
    given = {} if name is None else {name: value}
    expected = {**DEFAULTS, **{one: str(value).lower() == "true" for one in given}}
    assert told(PartOptions.checked(**given)) == expected
    assert told(PartOptions.of_set(json.dumps(given) if as_json else given)) == expected


def test_without_a_check_they_are_the_same() -> None:
    assert told(PartOptions(Flags())) == DEFAULTS


@pytest.mark.parametrize("name", DEFAULTS)
@pytest.mark.parametrize("value", [None, 1, "perhaps", [True]])
def test_what_is_no_flag_is_refused_by_its_name(name: str, value: Any) -> None:
    if value is None and DEFAULTS[name] is None:
        value = ""
    with pytest.raises(OmsInputError, match=name):
        PartOptions.checked(**{name: value})


@pytest.mark.parametrize(
    "given", ["{", "[]", "7", [], 7, {"send_notification": True}, {"": True}, '{"a": 1, "a": 2}']
)
def test_what_is_no_dict_of_them_is_refused(given: Any) -> None:
    with pytest.raises(OmsInputError, match="part_options must be a dict"):
        PartOptions.of_set(given)


@pytest.mark.parametrize("given", [None, "null"])
def test_none_are_none(given: Any) -> None:
    assert PartOptions.of_set(given) is None


@pytest.mark.parametrize("is_allowed", [False, True])
@pytest.mark.parametrize("has_children", [False, True])
def test_lines_below_another_are_canceled_only_where_the_whole_order_may_be(
    is_allowed: bool, has_children: bool
) -> None:
    flags = Flags(send_notifications=False, cancel_child_items=has_children)
    options = PartOptions(flags, is_allowed)
    if has_children and not is_allowed:
        with pytest.raises(OmsInputError, match="given together with allow_whole_order"):
            options.check(Translated().parts(), PartKind.LINE)
    else:
        options.check(Translated().parts(), PartKind.LINE)


@pytest.mark.parametrize("is_shipment", [False, True])
@pytest.mark.parametrize("is_allowed", [False, True])
@pytest.mark.parametrize("is_native", [False, True])
@pytest.mark.parametrize("quantity", [None, 2])
def test_a_task_carries_them_to_the_plan(
    is_shipment: bool, is_allowed: bool, is_native: bool, quantity: int | None
) -> None:
    options = PartOptions(Flags(block_assignment=True), is_allowed, allow_order_edit=True)
    wanted = (replace(WANTED[0], quantity=quantity),)
    rules = (Native() if is_native else Translated()).parts()
    task = options.task(rules, 7, wanted, is_shipment=is_shipment)
    assert (task.order_id, task.wanted, task.flags) == (7, wanted, options.flags)
    assert (task.is_shipment, task.allow_whole_order) == (is_shipment, is_allowed)
    # A quantity says how many more, so that a repetition cancels once more.
    assert task.is_relative is (is_native and quantity is not None)
    given: Any = task.plan
    edit = {} if is_shipment else {"whole_lines_only": not is_native, "allow_order_edit": True}
    assert given.keywords == {"wanted": wanted, "allow_whole_order": is_allowed, **edit}


@pytest.mark.parametrize(
    ("dialect", "is_told"), [(Native().parts(), True), (Translated().parts(), None)]
)
def test_shipments_of_a_set_keep_the_options_that_their_calls_carry(
    dialect: Any, is_told: bool | None
) -> None:
    given = PartOptions.checked(
        send_notifications=True, block_assignment=True, cancel_child_items=True
    )
    flags = given.for_shipments(dialect).flags
    assert flags == Flags(is_told, block_assignment=True)
