"""What a model answers, and whether it is right: accuracy, robustness, several seeds together.

It calls `data`, `files`, `preprocessing`, `running`, `training` and `zoo`.
"""
