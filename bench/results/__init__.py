"""ONE record of a session of pytest and of a benchmark's result, and the one reader of their JSON.

It calls models, for their names and order.
"""
