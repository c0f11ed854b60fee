"""Cancel orders on Kibo's Order Management System from Apache Airflow.

Only the version lives here: Airflow imports this package in every process it starts.
"""

__version__ = "0.1.0"
