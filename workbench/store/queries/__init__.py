"""Named queries, one a file: the only place, with the engines, where SQL is written."""
