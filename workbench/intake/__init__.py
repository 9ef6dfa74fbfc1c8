"""Intake: what arrives as files or live is checked, masked and written durably."""
