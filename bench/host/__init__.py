"""Measuring on this machine: cold memory, JPEG sources, the peak, other libraries' preparation.

It calls `statistics` and models.
"""
