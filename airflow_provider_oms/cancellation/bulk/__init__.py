"""The cancellation of a set of orders: the set, the run through it, its record and its report.

The modules one folder up decide about each single order.
"""
