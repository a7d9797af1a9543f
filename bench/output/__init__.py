"""How results are written: tables, the look of figures, files that are whole or not there.

It calls `results`, and models for their order and colours.
"""
