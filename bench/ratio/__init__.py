"""How fast one model is in proportion to others, interleaved.

It calls statistics, output and models.
"""
