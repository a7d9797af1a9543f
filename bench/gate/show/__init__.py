"""Showing a comparison: on the terminal, as Markdown, as a picture.

It calls `judge`, `measure` (for its blocks), `statistics` and models.
"""
