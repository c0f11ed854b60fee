"""The benchmark's part in virtual time: its counts, and the sources of its figures."""

from __future__ import annotations

import pytest

from bench.rounds import LATENCY
from bench.scale import WORKERS, Measured, figure, run_wave

PAGE = """
| fact | value |
|:-----|------:|
| CPU  | 7 GHz |

| workers | rate | CPU |
|:--------|-----:|----:|
| 1 | 1,234 | 0.5 / 0.6 / 0.9 |

| workers | other |
|:--------|------:|
| 2 | 5 |
"""


def test_the_middle_figure_of_a_cell_is_taken() -> None:
    assert figure(PAGE, "1", "rate") == 1234
    assert figure(PAGE, "1", "CPU") == 0.6


@pytest.mark.parametrize(("row", "column"), [("2", "rate"), ("1", "memory")])
def test_a_cell_that_is_not_in_that_table_is_not_made_up(row: str, column: str) -> None:
    with pytest.raises(KeyError):
        figure(PAGE, row, column)


def test_every_figure_that_it_needs_is_in_the_docs() -> None:
    measured = Measured.from_docs()
    assert set(measured.cluster_rates) == {1, 2}
    assert 0 < measured.cpu_seconds < 0.01
    assert 0 < measured.write_seconds < 1
    assert 50 < measured.task_mib < 2_000


def test_without_a_limit_its_workers_are_what_bounds_it() -> None:
    wave = run_wave(2, 1_000, None, 0.005)
    assert 0.9 <= wave.rate / (2 * WORKERS / LATENCY) <= 1
    assert wave.orders == 2_000
    # Each task reads one order first.
    assert (wave.tenant.requests, wave.tenant.turned_away) == (2_002, 0)


def test_tasks_share_the_limit_of_the_tenant() -> None:
    wave = run_wave(4, 500, 200, 0.005)
    assert 0.7 <= wave.rate / 200 <= 1.01
    assert 0 < wave.tenant.turned_away / wave.tenant.requests < 0.1


def test_what_a_journal_takes_is_counted() -> None:
    small, large = run_wave(1, 500, None, 0.005), run_wave(1, 2_000, None, 0.005)
    assert large.store.writes > small.store.writes
    assert large.store.written_bytes > 2_000 * 3
