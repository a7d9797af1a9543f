"""The gate: is this working tree slower, larger or less accurate than another revision?

Its rooms are `judge` and `measure`. It calls `results`, `statistics` and models.
"""
