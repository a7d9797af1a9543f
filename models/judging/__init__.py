"""What a model answers, and whether it is right: accuracy, robustness, canary images.

It calls `running` and below.
"""
