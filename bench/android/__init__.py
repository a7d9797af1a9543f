"""Measuring a `.tflite` file on an Android device: `measure` over `tool`, `phone` and `adb`.

Whatever fails there is a `DeviceError`; it carries the rounds that were measured before.

It calls `models`; it knows nothing of pytest, the report, the gate or the emulated phone.
"""
