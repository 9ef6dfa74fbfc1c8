"""Scores as other tools define them, equal to their numbers at 1e-9; docs/drift.md says where they mislead."""
