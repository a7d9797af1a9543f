"""Google's `benchmark_model`: getting it, its command line, reading what it printed.

It calls `adb`, `results`.
"""
