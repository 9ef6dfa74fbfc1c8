"""Engines that answer named queries."""
