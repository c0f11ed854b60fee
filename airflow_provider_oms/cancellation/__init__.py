"""The cancellation of an order: decisions, outcomes, and the loop that drives them.

Nothing here imports Airflow or an HTTP library. Sets of orders are the business of ``bulk/``.
"""
