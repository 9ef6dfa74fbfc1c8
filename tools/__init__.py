"""What writes generated files: ``make docs`` runs it, tests compare."""
