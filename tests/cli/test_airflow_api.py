"""The reads of Airflow's REST API: with GET only, page by page, and the token never shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from airflow_record import TOKEN, AirflowRecord

from airflow_provider_oms.cli.airflow_api import AirflowApi, AirflowApiError, TaskInstance


@pytest.fixture
def record() -> Iterator[AirflowRecord]:
    with AirflowRecord() as record:
        yield record


@pytest.fixture
def api(record: AirflowRecord) -> AirflowApi:
    return AirflowApi(f"{record.url}/", TOKEN)


def test_every_task_is_read_page_by_page(record: AirflowRecord, api: AirflowApi) -> None:
    for number in range(250):
        record.add("cancel", map_index=number)
    found = list(api.task_instances())
    assert [one.map_index for one in found] == list(range(250))
    assert found[0] == TaskInstance(
        "cancel",
        "manual__1",
        "cancel",
        0,
        "OmsBulkCancelOrdersOperator",
        "failed",
        1,
        "2026-11-20T08:00:00Z",
    )
    assert [method for method, *_ in record.seen] == ["GET"] * 3


def test_the_period_and_the_names_are_asked_for(record: AirflowRecord, api: AirflowApi) -> None:
    record.add("cancel", run_id="manual__2026-11-20T08:00:00+00:00")
    since = datetime(2026, 11, 1, tzinfo=UTC)
    (one,) = api.task_instances(
        dag_id="cancel", run_id="manual__2026-11-20T08:00:00+00:00", since=since
    )
    assert one.run_id == "manual__2026-11-20T08:00:00+00:00"
    parts = urlsplit(record.seen[0][1])
    assert parts.path.count("/") == 7
    assert parse_qs(parts.query)["start_date_gte"] == ["2026-11-01T00:00:00+00:00"]


def test_the_token_is_sent_and_a_netrc_does_not_replace_it(
    record: AirflowRecord, api: AirflowApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    list(api.task_instances())
    assert [headers["Authorization"] for *_, headers in record.seen] == [f"Bearer {TOKEN}"]


def test_a_value_that_is_not_there_is_none(record: AirflowRecord, api: AirflowApi) -> None:
    record.add("cancel", return_value={"orders": 1}, text='{"orders": 2}', reference="s3://x")
    (one,) = api.task_instances()
    assert api.xcom(one, "return_value") == {"orders": 1}
    assert api.xcom(one, "text") == {"orders": 2}
    assert api.xcom(one, "reference") == "s3://x"
    assert api.xcom(one, "results") is None


def test_a_store_is_read_whole_and_none_is_told_from_an_empty_one(
    record: AirflowRecord, api: AirflowApi
) -> None:
    kept: dict[str, object] = {f"oms_journal_{number}": {} for number in range(120)}
    record.add("cancel", store=kept)
    record.add("empty")
    first, second = api.task_instances()
    assert (api.state_store(first), api.state_store(second)) == (kept, {})
    record.keeps_state = False
    assert api.state_store(first) is None


# Airflow 3.2, which has no store, takes the path for that of a mapped task.
@pytest.mark.parametrize("status", [404, 422])
def test_an_airflow_without_a_store_is_no_refusal(
    record: AirflowRecord, api: AirflowApi, status: int
) -> None:
    record.add("cancel")
    (task,) = api.task_instances()
    record.status = status
    assert api.state_store(task) is None


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "does not accept the token; put a valid one into AIRFLOW_CLI_TOKEN"),
        (403, "does not show dags/~/dagRuns/~/taskInstances to the user of this token"),
        (404, "answered HTTP 404 for dags/~/dagRuns/~/taskInstances; check the names"),
        (500, "answered HTTP 500"),
    ],
)
def test_a_refusal_says_what_to_do_and_nothing_secret(
    record: AirflowRecord, api: AirflowApi, status: int, said: str
) -> None:
    record.status = status
    with pytest.raises(AirflowApiError, match=said) as failure:
        list(api.task_instances())
    assert TOKEN not in str(failure.value)


def test_an_airflow_that_is_not_there_is_said(record: AirflowRecord) -> None:
    api = AirflowApi("http://127.0.0.1:9", TOKEN)
    with pytest.raises(AirflowApiError, match=r"did not answer \(ConnectionError\)"):
        list(api.task_instances())


def test_another_program_is_told_from_airflow(record: AirflowRecord, api: AirflowApi) -> None:
    record.status = 200
    record.answer = lambda *_: {"hello": "world"}  # type: ignore[method-assign]  # another program
    with pytest.raises(AirflowApiError, match="HTTP 200"):
        list(api.task_instances())


@pytest.mark.parametrize("address", ["airflow.example", "ftp://airflow.example", ""])
def test_an_address_without_a_scheme_is_refused(address: str) -> None:
    with pytest.raises(AirflowApiError, match="must begin with http"):
        AirflowApi(address, TOKEN)
