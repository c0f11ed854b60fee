"""`make demo` and `make demo-ui`: the main job on one machine, with a local OMS.

Run as `python -m demo`; nothing here is part of the distributed package.
"""
