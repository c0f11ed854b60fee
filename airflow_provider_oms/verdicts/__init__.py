"""Verdicts of fraud checks, in plain Python: what they say, and which orders are due for it.

Nothing here imports Airflow or sends anything.
"""
