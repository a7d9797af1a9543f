"""A loopback Android device: adbd's side of the protocol, a small userland, a `benchmark_model`.

It lets the whole path from pytest to the numbers run without a phone, through the real adb server.
What it measures is this machine, so its results are marked as emulated. It calls `adb` and models.
"""
