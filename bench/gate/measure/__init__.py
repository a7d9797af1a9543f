"""Measuring two revisions in interleaved processes: checkout, controller, worker.

It calls nothing of `judge` or `show`.
"""
