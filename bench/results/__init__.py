"""One record of a benchmark's result, and the one reader of pytest-benchmark's JSON.

It calls the table of architectures, for their names and order.
"""
