"""Airflow operators: task parameters turned into cancellations."""
