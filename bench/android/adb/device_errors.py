"""What can go wrong between this machine and a device, as types.

The message of each is one line: what comes from a device is data, and is printed with its control
characters escaped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_SHOWN_CHARACTERS = 200


def printable(text: str) -> str:
    """Return text on one line, control characters escaped and its middle cut when it is long."""
    escaped = _escaped(text)
    if len(escaped) <= MAX_SHOWN_CHARACTERS:
        return escaped
    half = MAX_SHOWN_CHARACTERS // 2
    return f"{escaped[:half]}…{escaped[-half:]}"


def _escaped(text: str) -> str:
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


class DeviceError(Exception):
    """Something failed on a device or on the way to it.

    Attributes:
        serial: the device's serial; None where no device was reached.
        command: the argument list that ran on the device, if one did.
        output: what it printed, both streams.
        exit_status: its exit status; None where it never ended.
        rounds: the rounds that were measured before the failure, if any were
            (`bench.android.session.Round`).
    """

    def __init__(
        self,
        message: str,
        *,
        serial: str | None = None,
        command: Sequence[str] | None = None,
        output: str = "",
        exit_status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.serial = serial
        self.command = tuple(command) if command is not None else None
        self.output = output
        self.exit_status = exit_status
        self.rounds: tuple = ()

    def __str__(self) -> str:
        where = f"device {printable(self.serial)}: " if self.serial else ""
        return where + " ".join(map(_escaped, self.message.splitlines()))


class AdbServerError(DeviceError):
    """The adb server cannot be reached, or went away."""


class NoDeviceError(DeviceError):
    """No device is attached."""


class DeviceChoiceError(DeviceError):
    """A device cannot be used as it is (unauthorised, offline), or is one of several."""


class DeviceLostError(DeviceError):
    """The connection ended while something ran on the device."""


class CommandError(DeviceError):
    """A command on the device exited with another status than 0."""


class CommandTimeoutError(DeviceError):
    """A command on the device did not end in time."""


class TransferError(DeviceError):
    """A file did not arrive as it was sent."""


class ToolError(DeviceError):
    """`benchmark_model` is missing, unusable, crashed, or refused the model or a flag."""


class OutputError(ToolError):
    """`benchmark_model` printed something that is not understood.

    Attributes:
        line: the line that was not understood; "" where a line is missing.
    """

    def __init__(self, message: str, line: str = "", **context) -> None:
        super().__init__(message, **context)
        self.line = line


class ClockError(DeviceError):
    """The device's clock ran backwards or does not agree with itself."""


class ThrottledError(DeviceError):
    """The device slowed itself down because of heat, so the measurement is invalid."""


class WrongAnswerError(DeviceError):
    """The device computed another answer than the host."""


class CoresError(DeviceError):
    """The cores that were asked for cannot be had."""


class DeviceBusyError(DeviceError):
    """Another suite measures on the device."""
