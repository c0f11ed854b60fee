"""`make cluster-test`: the mapped-chunks DAG on Celery, Redis and Postgres, with parts that die.

Run as `python -m cluster`; nothing here is part of the distributed package.
"""
