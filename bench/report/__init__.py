"""Shows results to people: on one page, in a picture, in the tables after a run.

It calls `history`, `results` and models.
"""
