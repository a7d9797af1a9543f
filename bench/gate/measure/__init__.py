"""Measuring revisions in interleaved processes: checkout, controller, worker.

It calls `adb`, `phone`, `statistics` and models; it knows nothing of `judge` or `show`.
"""
