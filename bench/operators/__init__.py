"""Times each operator of a model: `python -m bench operators`.

It calls `output`, `results` and models.
"""
