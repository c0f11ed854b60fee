"""The command line: what happened to orders, read from the OMS and from Airflow's REST API."""
