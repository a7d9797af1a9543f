"""Training from scratch: recipe, augmentation, resuming, records.

It calls `data`, `files`, `preprocessing`, `terminal` and `zoo`.
"""
