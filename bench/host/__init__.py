"""Measuring on this machine: cold memory, JPEG sources, interleaved rounds, the peak.

It calls `models`.
"""
