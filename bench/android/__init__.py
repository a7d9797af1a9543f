"""Measuring a `.tflite` file on an Android device over ADB.

The way of a number: `device` reaches the phone, `tool` finds `benchmark_model`, `session` runs it
once a round in one shell, `parsing` reads what it printed, `measurement` puts it all together with
the `conditions` it was measured under, and `clock` hands the device's time to pytest-benchmark.
"""
