"""The benchmark behind `make bench`: this provider next to the ways that people do it without.

It ships with the source only. Whether the code is right is the tests' business, not its own.
"""
