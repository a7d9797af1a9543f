"""Running a `.tflite` file: one interface over the runtimes, probing, operator times.

It calls `data`, `files` and `preprocessing`.
"""
