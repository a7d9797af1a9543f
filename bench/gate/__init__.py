"""The gate: is this working tree slower, larger or less accurate than another revision?

Its rooms are `show`, `judge` and `measure`; it calls statistics, output, results, android, models.
"""
