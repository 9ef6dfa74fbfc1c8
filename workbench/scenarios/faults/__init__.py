"""Faults that a scenario can plant: one a file."""
