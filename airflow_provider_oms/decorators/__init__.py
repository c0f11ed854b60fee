"""Decorators for TaskFlow, imported from their modules."""
