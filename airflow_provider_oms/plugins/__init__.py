"""What the package adds to Airflow's web UI."""
