"""Training from scratch: recipe, augmentation, resuming, provenance.

It calls `preprocessing` and `zoo`.
"""
