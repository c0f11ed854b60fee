"""Adapters: what turns the payload of a fraud check into a verdict.

An adapter is a callable from a payload to a ``Verdict``; it raises ``OmsVerdictError`` for a
payload that is none. It keeps no order by default: each word that it does not know is refused.
"""

from __future__ import annotations

from airflow_provider_oms.verdicts.adapters.fields import Fields
from airflow_provider_oms.verdicts.adapters.kibo import Kibo
from airflow_provider_oms.verdicts.adapters.payload import Path, Words
from airflow_provider_oms.verdicts.adapters.vendors import Riskified, Signifyd
from airflow_provider_oms.verdicts.verdict import Adapter, Payload

__all__ = ["Adapter", "Fields", "Kibo", "Path", "Payload", "Riskified", "Signifyd", "Words"]
