"""How results are written: tables, the look of figures, files that are whole or not there.

It calls the table of architectures, for their order and colours.
"""
