"""Measuring revisions in interleaved processes: trees, controller, worker.

It calls `adb`, `phone`, `statistics` and models; it knows nothing of `judge` or of what is shown.
What cannot be measured is a `GateError`.
"""
