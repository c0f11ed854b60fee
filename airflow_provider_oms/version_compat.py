"""What depends on the version of Airflow: every version check of the package lives here."""

from __future__ import annotations

from airflow import __version__ as AIRFLOW_VERSION  # noqa: N812 - a constant of ours

__all__ = ["AIRFLOW_VERSION"]
