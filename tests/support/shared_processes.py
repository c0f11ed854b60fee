"""Which tests one process runs, where several run side by side."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # it has no types

_SCHEDULER = "tests/scheduler/"
# Most of the time of tests under a scheduler is waiting, so they have two Airflows side by side.
_FIRST_AIRFLOW = (
    f"{_SCHEDULER}test_bulk_",
    f"{_SCHEDULER}test_part_kills.py",
    f"{_SCHEDULER}test_scheduler_kills.py",
    f"{_SCHEDULER}test_triggerer_kills.py",
)
# Verdicts wait for run after run, and have a separate Airflow. Each other file looks in several
# tests at what one fixture has made.
_ALONE = (
    "tests/scheduler/test_verdicts.py",
    "tests/cancellation/test_hostile_tenant.py",
    "tests/cancellation/parts/test_part_faults.py",
    "tests/cancellation/parts/test_part_set_stories.py",
    "tests/cancellation/parts/test_part_stories.py",
)


def process_of(nodeid: str) -> str:
    """Return a name that is the same for all tests of one process.

    :param nodeid: the test.
    """
    file = nodeid.partition("::")[0]
    if file in _ALONE:
        return file
    if file.startswith(_FIRST_AIRFLOW):
        return "first Airflow"
    return "second Airflow" if file.startswith(_SCHEDULER) else nodeid


class SharedProcesses(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist leaves it untyped
    """Let the tests of one Airflow follow each other in one process; any process takes the others.

    The largest groups begin first.
    """

    def _split_scope(self, nodeid: str) -> str:
        return process_of(nodeid)
