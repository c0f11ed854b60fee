"""The cancellation of parts of one order: lines, quantities of them, and shipments.

Each part has a target that a read can prove, so that the decision about it is that of an order.
"""
