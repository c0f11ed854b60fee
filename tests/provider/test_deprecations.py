"""What Airflow is about to drop, this package must not use: every test fails at such a warning."""

from __future__ import annotations

import warnings

import pytest

# Each of these is deprecated in some Airflow, and none can be had without a warning in all.
OLD_WAYS = (
    "from airflow.decorators import task",
    "from airflow.hooks.base import BaseHook",
    "from airflow.models.baseoperator import BaseOperator",
    "from airflow.models.param import Param",
    "from airflow.operators.bash_operator import BashOperator",
    "from airflow.sensors.base import BaseSensorOperator",
    "from airflow.utils.log.secrets_masker import mask_secret",
    "from airflow.utils.trigger_rule import TriggerRule",
)


def run_as(module: str, code: str) -> None:
    """Run code as if it stood in a module."""
    exec(compile(code, f"{module}.py", "exec"), {"__name__": module})  # noqa: S102 - lines above


def deprecated_here() -> list[str]:
    """Return the old ways that this Airflow warns of."""
    found = []
    for code in OLD_WAYS:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                run_as("somebody_else", code)
            except ImportError:
                continue
        if any("somebody_else" in warning.filename for warning in caught):
            found.append(code)
    return found


def test_a_deprecated_import_in_this_package_is_an_error() -> None:
    codes = deprecated_here()
    assert codes, "this Airflow warns of none of them; name one that it warns of"
    for code in codes:
        with pytest.raises((DeprecationWarning, FutureWarning)):
            run_as("airflow_provider_oms.hooks.imagined", code)


def test_the_same_in_somebody_elses_module_is_theirs() -> None:
    with warnings.catch_warnings(record=True):
        run_as("somebody_else", deprecated_here()[0])


@pytest.mark.parametrize("category", [DeprecationWarning, FutureWarning, UserWarning])
@pytest.mark.parametrize("module", ["airflow_provider_oms", "airflow_provider_oms.api.client"])
def test_any_warning_that_is_put_to_this_package_is_an_error(
    module: str, category: type[Warning]
) -> None:
    with pytest.raises(category, match="old"):
        run_as(module, f"import warnings; warnings.warn('old', {category.__name__})")
