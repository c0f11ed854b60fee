"""A local OMS tenant, for developing DAGs and for tests: `python -m airflow_provider_oms.emulator`.

It is written from the API's documentation and shares no code with the client it is used to test.
"""
