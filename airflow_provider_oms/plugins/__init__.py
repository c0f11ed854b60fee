"""The package's additions to Airflow's web UI."""
