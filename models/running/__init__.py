"""Running a `.tflite` file: one interface over the runtimes, probing, operator times.

It calls `files` and below.
"""
