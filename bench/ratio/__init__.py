"""How fast one model is in proportion to others, interleaved.

It calls `output`, `results`, `statistics` and models.
"""
