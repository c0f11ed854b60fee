"""Airflow sensors: tasks that wait for an order, and change nothing."""
