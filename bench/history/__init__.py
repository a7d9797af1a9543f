"""Many results: put in the order of their commits, with the commits at which something changed.

It calls `results`, `statistics` and models.
"""
