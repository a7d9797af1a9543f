"""Training from scratch: recipe, augmentation, resuming, provenance.

It calls `data`, `preprocessing` and `zoo`.
"""
