"""Widgets: one Python class beside one self-contained ES module; they know neither the bench nor pandas."""
