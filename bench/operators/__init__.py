"""Times each operator of a model: `python -m bench operators`.

It calls `results` and models.
"""
