"""What a comparison comes to: verdicts, thresholds, static metrics, accuracy.

It calls `statistics` and `models`.
"""
