"""Commands: a file adds one verb, or one family of verbs, by its ``register(app)``."""
