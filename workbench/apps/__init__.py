"""Apps: what is served to a browser."""
