"""Which version of Airflow has the features that the tests need: only this module knows."""

from __future__ import annotations

from importlib.metadata import version

from packaging.specifiers import SpecifierSet
from packaging.version import Version

AIRFLOW = Version(version("apache-airflow"))
IS_AIRFLOW_2 = AIRFLOW.major == 2

FEATURES = {
    "task_state_store": SpecifierSet(">=3.3"),
    "pages of a plugin": SpecifierSet(">=3.1"),
    "tabs of a plugin": SpecifierSet(">=3.4.0b1"),
    "retry policies": SpecifierSet(">=3.3"),
    "a step that waits for a person": SpecifierSet(">=3.1"),
    "connection form from the provider info": SpecifierSet(">=3.2"),
    "connection form without any hook": SpecifierSet(">=3.3"),
    "connection form without Flask-AppBuilder": SpecifierSet(">=3.1"),
    "connection form of Airflow 3": SpecifierSet(">=3.0"),
    "connection form of Airflow 2": SpecifierSet("<3.0"),
    "a scheduler that is driven over its REST API": SpecifierSet(">=3.0"),
    "a scheduler of Airflow 2": SpecifierSet("<3.0"),
    "retries of a task whose process was killed": SpecifierSet("!=3.0.*"),
    "clears that discard a task's state": SpecifierSet(">=3.4.0b1"),
    # The scheduler ends of a violated unique constraint.
    "retries of a task without a heartbeat": SpecifierSet("!=3.4.0b2"),
    "XComs in a DAG's failure callback": SpecifierSet("!=3.0.*"),
    "a dag.test() that goes on after a task's timeout": SpecifierSet(">=3.0"),
    # The types of what compat.sdk gives are those of Airflow 3.
    "the environment that the docs are built in": SpecifierSet(">=3.3"),
    "a dag.test() that calls a DAG's callbacks": SpecifierSet("<3.0"),
    "renderers of the web UI in Python": SpecifierSet("<3.0"),
    "no way to ask a person": SpecifierSet("<3.1"),
    "deadline alerts": SpecifierSet(">=3.1"),
    "no deadline alerts": SpecifierSet("<3.1"),
    # Before that, all events are one response, for which a worker waits five seconds.
    "events of an asset in pages": SpecifierSet(">=3.2"),
    "asset watchers": SpecifierSet(">=3.0"),
    "no asset watchers": SpecifierSet("<3.0"),
    "deadlines whose callback is a separate row": SpecifierSet(">=3.3"),
    "DAG files in YAML": SpecifierSet(">=3.4.0b1"),
    "commands of providers": SpecifierSet(">=3.2"),
    "a log of dag.test() that is like a worker's": SpecifierSet("!=3.0.*"),
    # Airflow 3.0's shows in any case what a task is given, such as the events of assets.
    "a LocalExecutor that keeps to the log level": SpecifierSet("!=3.0.*"),
    # Airflow 3.0 and 3.1 say that there is no such connection.
    "hooks that see an extra that is no JSON": SpecifierSet("!=3.0.*,!=3.1.*"),
}


def has(feature: str) -> bool:
    """Return whether the Airflow under test has a feature.

    :param feature: its name above.
    :raises KeyError: when there is no such name.
    """
    return AIRFLOW in FEATURES[feature]
