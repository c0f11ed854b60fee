"""Airflow links: from a task to what it is about."""
