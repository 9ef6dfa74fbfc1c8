"""Computed operations that take arguments, one a file: the file's name is the verb of the case."""
