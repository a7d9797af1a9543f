"""Shows results to people: on one page, in a picture, in the tables after a run.

It may call all of `bench` but the gate.
"""
