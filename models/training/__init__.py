"""Training from scratch: recipe, augmentation, distillation, resuming, provenance.

It calls `preprocessing`, `data` and the architectures.
"""
