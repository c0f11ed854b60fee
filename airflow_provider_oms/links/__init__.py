"""Airflow links: from a task to its order or orders."""
