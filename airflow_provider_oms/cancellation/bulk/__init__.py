"""What it means to cancel a set of orders: the set, the run through it, its record and its report.

What becomes of each single order is decided one folder up.
"""
