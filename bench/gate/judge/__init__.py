"""What a comparison comes to: verdicts, thresholds, static metrics, accuracy.

It calls `measure` (for its error), `results`, `statistics` and models.
"""
