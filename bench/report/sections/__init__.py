"""A file a part of the page: its rows and its figure together.

Each has `sections(inputs)`, which yields what it shows, or what is missing and how to get it.
It calls `report`, `history`, `operators`, `results` and models.
"""
