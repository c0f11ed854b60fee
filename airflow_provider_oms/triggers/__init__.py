"""Airflow triggers: what waits in the triggerer, and changes nothing."""
