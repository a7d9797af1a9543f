"""What a comparison comes to: verdict, thresholds, figures that no noise touches.

It calls `measure` (for its error), `results`, `statistics` and models.
"""
