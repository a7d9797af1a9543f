"""How fast one model is in proportion to others, interleaved.

It calls `results`, `statistics` and models.
"""
