"""Measuring a `.tflite` file on an Android device: `measure` over `tool`, `phone` and `adb`.

It calls `models`; it knows nothing of pytest, the report, the gate or the emulated phone.
"""
