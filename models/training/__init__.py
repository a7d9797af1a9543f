"""Training from scratch: recipe, augmentation, resuming, provenance.

It calls `preprocessing`, `data` and the architectures.
"""
