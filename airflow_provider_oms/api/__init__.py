"""The client of the translated OMS API in plain Python.

Nothing here imports Airflow or knows about retries of a cancellation.
"""
