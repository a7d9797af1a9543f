"""Which devices an adb server has, and choosing one.

The server is asked directly, in its own protocol (the Android Open Source Project,
packages/modules/adb, OVERVIEW.TXT and SERVICES.TXT): so collecting benchmarks imports no adb
library, and a state of several words ("no permissions …") is kept whole.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.android.adb.errors import (
    AdbServerError,
    DeviceChoiceError,
    NoDeviceError,
    printable,
)

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 5037
ANSWER_TIMEOUT_S = 10.0
READY = "device"


STATE_ADVICE = {
    "unauthorized": "accept this computer's key on the phone's screen, then try again",
    "offline": "plug the cable out and in again, or run `adb reconnect`",
    "no permissions": "let your user access USB devices (udev rules), then try again",
    "recovery": "restart it into Android",
    "bootloader": "restart it into Android",
    "sideload": "restart it into Android",
}


@dataclass(frozen=True)
class ServerAddress:
    """Where an adb server listens."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> ServerAddress:
        """Read `ADB_SERVER_SOCKET`, else `ANDROID_ADB_SERVER_ADDRESS` and `…_PORT`, as adb does.

        Raises:
            AdbServerError: a variable is set to something that is no TCP address.
        """
        if specification := environment.get("ADB_SERVER_SOCKET"):
            kind, _, rest = specification.partition(":")
            host, _, port = rest.rpartition(":")
            if kind != "tcp" or not port.isdecimal():
                raise AdbServerError(
                    f"ADB_SERVER_SOCKET={printable(specification)} is not tcp:PORT or tcp:HOST:PORT"
                )
            return cls(host or DEFAULT_HOST, int(port))
        port = environment.get("ANDROID_ADB_SERVER_PORT", str(DEFAULT_PORT))
        if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65_536):
            raise AdbServerError(f"ANDROID_ADB_SERVER_PORT={printable(port)} is not a port number")
        return cls(environment.get("ANDROID_ADB_SERVER_ADDRESS", DEFAULT_HOST), int(port))

    def is_answering(self) -> bool:
        """Return whether something listens there."""
        try:
            with socket.create_connection((self.host, self.port), timeout=1.0):
                return True
        except OSError:
            return False

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Attached:
    """A device that the adb server lists.

    Attributes:
        serial: its serial.
        state: "device" where it can be used, else what is the matter, such as "unauthorized".
    """

    serial: str
    state: str

    @property
    def complaint(self) -> str:
        """What is the matter and what to do about it, without the serial."""
        advice = next(
            (advice for state, advice in STATE_ADVICE.items() if self.state.startswith(state)),
            "look at the phone's screen and at `adb devices`",
        )
        return f"{printable(self.state)}: {advice}"


def attached_devices(address: ServerAddress) -> list[Attached]:
    """Return what the adb server lists.

    Raises:
        AdbServerError: it does not answer.
    """
    try:
        text = _ask(address, "host:devices")
    except (OSError, ValueError) as error:
        raise AdbServerError(
            f"the adb server at {address} does not list its devices ({error})"
        ) from None
    pairs = [line.partition("\t") for line in text.splitlines()]
    return [Attached(serial, state) for serial, tab, state in pairs if tab]


def _ask(address: ServerAddress, service: str) -> str:
    """Send a request to the server and return its answer.

    Raises:
        OSError: it does not answer.
        ValueError: it answers something else.
    """
    where = (address.host, address.port)
    with socket.create_connection(where, timeout=ANSWER_TIMEOUT_S) as connection:
        connection.sendall(f"{len(service):04x}{service}".encode())
        with connection.makefile("rb") as answer:
            status = answer.read(4)
            if status != b"OKAY":
                raise ValueError(f"it says {status!r}")
            length = int(answer.read(4), 16)
            return answer.read(length).decode("utf-8", "replace")


def choose(devices: Sequence[Attached], serial: str | None) -> Attached:
    """Return the device of a serial, else the only one attached.

    Raises:
        NoDeviceError: none is attached, or not this one.
        DeviceChoiceError: there are several, or it cannot be used as it is.
    """
    if serial is not None:
        found = [device for device in devices if device.serial == serial]
        if not found:
            others = ", ".join(printable(device.serial) for device in devices) or "none"
            raise NoDeviceError(f"no device {printable(serial)} is attached; attached: {others}")
        device = found[0]
    elif not devices:
        raise NoDeviceError(
            "no Android device is attached: plug one in and allow USB debugging, or give "
            "--device emulated"
        )
    else:
        usable = [device for device in devices if device.state == READY]
        if len(usable) > 1:
            serials = ", ".join(printable(device.serial) for device in usable)
            raise DeviceChoiceError(
                f"{len(usable)} devices are attached ({serials}): choose one with --device SERIAL "
                "or ANDROID_SERIAL, or give --device all"
            )
        device = usable[0] if usable else devices[0]
    if device.state != READY:
        raise DeviceChoiceError(device.complaint, serial=device.serial)
    return device
