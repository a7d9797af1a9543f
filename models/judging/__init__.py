"""What a model answers, and whether it is right: accuracy, robustness, canary images.

It calls `data`, `files`, `preprocessing`, `running`, `training` and `zoo`.
"""
