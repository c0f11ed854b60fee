"""Airflow's own record of tasks, over its REST API; only ``GET`` requests leave.

No client comes with Airflow: ``apache-airflow-client`` and ``apache-airflow-ctl`` are installed
separately, and each speaks to some versions of the API. Three of its addresses are read here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import quote, urlsplit

import requests
from requests.auth import AuthBase

__all__ = ["AirflowApi", "AirflowApiError", "TaskInstance"]

_CONNECT_TIMEOUT, _READ_TIMEOUT = 10, 60
# The most that Airflow gives in one response, unless it is set up to give more.
_PAGE = 100
_MISSING = (404,)
# Airflow 3.2 takes the last part of the path to its values between attempts, which it does not
# have, for a number that is not valid.
_NO_SUCH_PATH = (404, 422)


class AirflowApiError(Exception):
    """Report that Airflow's REST API did not show the requested value."""


class _Bearer(AuthBase):
    """Send a token; with an ``auth`` of the session's, a ``.netrc`` cannot replace it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


@dataclass(frozen=True, slots=True)
class TaskInstance:
    """Hold one task of one run.

    :param dag_id: the DAG.
    :param run_id: the run.
    :param task_id: the task.
    :param map_index: of a mapped task; -1 of any other.
    :param operator: the class of its operator.
    :param state: its state, if it has one.
    :param try_number: the attempt.
    :param started_at: when that began, as Airflow has it.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    operator: str | None
    state: str | None
    try_number: int
    started_at: str | None

    @classmethod
    def of(cls, shown: Mapping[str, Any]) -> Self:
        """Return a task instance as the API shows it.

        :param shown: an element of the API's list.
        :raises KeyError: when it is no task instance.
        """
        return cls(
            shown["dag_id"],
            shown["dag_run_id"],
            shown["task_id"],
            shown["map_index"],
            shown["operator"],
            shown["state"],
            shown["try_number"],
            shown["start_date"],
        )

    @property
    def path(self) -> str:
        """Return its address in the API."""
        dag_id, run_id, task_id = (
            quote(part, safe="") for part in (self.dag_id, self.run_id, self.task_id)
        )
        return f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"


class AirflowApi:
    """Read Airflow's REST API, version 2, as Airflow 3.0 and later have it.

    :param address: where Airflow is, with its base path.
    :param token: lets the reader in.
    """

    def __init__(self, address: str, token: str) -> None:
        self.address = address.rstrip("/")
        if urlsplit(self.address).scheme not in ("http", "https"):
            raise AirflowApiError(
                "The address of Airflow's REST API must begin with http:// or https://; correct "
                "--api-url, or [api] base_url in Airflow's configuration."
            )
        self._session = requests.Session()
        self._session.auth = _Bearer(token)

    def task_instances(
        self, *, dag_id: str = "~", run_id: str = "~", since: datetime | None = None
    ) -> Iterator[TaskInstance]:
        """Return task instances, the earliest first.

        :param dag_id: of which DAG; ``~`` for all.
        :param run_id: of which run; ``~`` for all.
        :param since: the time before which none began; ``None`` for all, also those that have not
            begun.
        :raises AirflowApiError: when they cannot be read.
        """
        dag, run = quote(dag_id, safe="~"), quote(run_id, safe="~")
        query: dict[str, Any] = {"order_by": "start_date"}
        if since is not None:
            query["start_date_gte"] = since.isoformat()
        shown = self._all(f"dags/{dag}/dagRuns/{run}/taskInstances", "task_instances", query)
        return map(TaskInstance.of, shown)

    def xcom(self, instance: TaskInstance, key: str) -> Any:
        """Return an XCom value; ``None`` where there is none.

        :param instance: whose value.
        :param key: its key.
        :raises AirflowApiError: when it cannot be read.
        """
        query = {"map_index": instance.map_index, "stringify": "false"}
        shown = self._get(f"{instance.path}/xcomEntries/{key}", query, missing=_MISSING)
        value = shown and shown["value"]
        if isinstance(value, str):
            # As some versions keep it; anything else may be a custom backend's reference.
            try:
                return json.loads(value)
            except ValueError:
                return value
        return value

    def state_store(self, instance: TaskInstance) -> dict[str, Any] | None:
        """Return a task's values between attempts; ``None`` where Airflow has no such store.

        :param instance: whose values.
        :raises AirflowApiError: when they cannot be read.
        """
        query = {"map_index": instance.map_index}
        path = f"{instance.path}/state-store"
        if self._get(path, {**query, "limit": 1}, missing=_NO_SUCH_PATH) is None:
            return None
        return {one["key"]: one["value"] for one in self._all(path, "task_state_store", query)}

    def _all(self, path: str, name: str, query: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            shown = self._get(path, {**query, "limit": _PAGE, "offset": offset})
            if not isinstance(shown, dict) or name not in shown:
                raise AirflowApiError(self._refusal(path, HTTPStatus.OK))
            yield from shown[name]
            offset += len(shown[name])
            if not shown[name] or offset >= shown["total_entries"]:
                return

    def _get(self, path: str, query: Mapping[str, Any], *, missing: Collection[int] = ()) -> Any:
        address = f"{self.address}/api/v2/{path}"
        try:
            answer = self._session.get(
                address, params=query, timeout=(_CONNECT_TIMEOUT, _READ_TIMEOUT)
            )
        except requests.RequestException as error:
            # Its text may hold more of the request than a person should see.
            raise AirflowApiError(
                f"Airflow at {self.address} did not answer ({type(error).__name__}); check "
                f"--api-url, or [api] base_url in Airflow's configuration."
            ) from None
        if answer.status_code in missing:
            return None
        if answer.status_code != HTTPStatus.OK:
            raise AirflowApiError(self._refusal(path, answer.status_code))
        try:
            return answer.json()
        except ValueError:
            raise AirflowApiError(self._refusal(path, answer.status_code)) from None

    def _refusal(self, path: str, status: int) -> str:
        if status == HTTPStatus.UNAUTHORIZED:
            return (
                f"Airflow at {self.address} does not accept the token; put a valid one into "
                f"AIRFLOW_CLI_TOKEN."
            )
        if status == HTTPStatus.FORBIDDEN:
            return (
                f"Airflow at {self.address} does not show {path} to the user of this token; give "
                f"that user the permission to read the DAG's runs, task instances and XComs."
            )
        return (
            f"Airflow at {self.address} answered HTTP {status} for {path}; check the names and "
            f"--api-url. Airflow 3.0 and later have this API."
        )
