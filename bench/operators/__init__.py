"""How long each operator of a model takes: measured, written down, and shown."""
