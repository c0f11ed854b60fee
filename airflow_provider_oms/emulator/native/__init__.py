"""Kibo's native order API, over the same orders as the translated one."""
