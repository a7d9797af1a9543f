"""One record of a benchmark's result, and the one reader of pytest-benchmark's JSON.

It calls nothing of ours.
"""
