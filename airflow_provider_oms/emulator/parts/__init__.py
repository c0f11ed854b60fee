"""The parts of an order: its lines and its shipments, in both dialects."""
