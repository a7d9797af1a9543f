"""One record of a benchmark's result, and the one reader of pytest-benchmark's JSON.

It calls models, for their names and order.
"""
