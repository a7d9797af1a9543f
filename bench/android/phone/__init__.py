"""The state of a phone: heat, clocks, cores, battery, screen; changed only to be restored.

It calls `adb`.
"""
