"""Verdicts of fraud checks, in plain Python: their content, and the orders due by them.

Nothing here imports Airflow or sends anything.
"""
