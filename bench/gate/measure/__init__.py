"""Measuring revisions in interleaved processes: checkout, controller, worker.

It calls statistics and android, and nothing of `judge` or `show`.
"""
