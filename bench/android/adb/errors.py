"""What can go wrong between this machine and a device; a type for each that somebody handles.

Each message is one line: what comes from a device is data, and is shown with its control characters
escaped.
"""

from __future__ import annotations

from models.terminal.table import escaped

MAX_SHOWN_CHARACTERS = 200
NOT_EXECUTABLE, NOT_FOUND = 126, 127
"""Exit statuses of a shell whose command cannot be run."""


def printable(text: str) -> str:
    """Return text on one line, control characters escaped and its middle cut when it is long."""
    shown = escaped(text).replace("\n", "\\n")
    if len(shown) <= MAX_SHOWN_CHARACTERS:
        return shown
    half = MAX_SHOWN_CHARACTERS // 2
    return f"{shown[:half]}…{shown[-half:]}"


class DeviceError(Exception):
    """Something failed on a device (of a serial, where one was reached) or on the way to it.

    `rounds` are those that were measured before (`tool.output.DeviceRound`).
    """

    def __init__(self, message: str, serial: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.serial = serial
        self.rounds: tuple = ()

    def __str__(self) -> str:
        where = f"device {printable(self.serial)}: " if self.serial else ""
        return where + " ".join(escaped(self.message).splitlines())


class AdbServerError(DeviceError):
    """The adb server cannot be reached, or went away."""


class NoDeviceError(DeviceError):
    """No device is attached."""


class DeviceChoiceError(DeviceError):
    """A device cannot be used as it is (unauthorised, offline), or is one of several."""


class DeviceLostError(DeviceError):
    """The connection ended while something ran on the device."""


class CommandTimeoutError(DeviceError):
    """A command on the device did not end in time."""


class ThrottledError(DeviceError):
    """The device slowed itself down because of heat, so the measurement is invalid."""
