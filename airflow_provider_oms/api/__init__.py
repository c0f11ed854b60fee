"""The client of the translated OMS API in plain Python.

Nothing here imports Airflow or knows what it means to retry a cancellation.
"""
