"""Which devices an adb server has, and which of them is meant."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from adbutils.errors import AdbError

from bench.android.adb.device_errors import (
    AdbServerError,
    DeviceChoiceError,
    NoDeviceError,
    printable,
)
from bench.android.adb.server import Client
from bench.android.adb.server_address import ServerAddress

READY = "device"
LOOK_EVERY_S = 0.05
WAITED_FOR_S = {"connecting": 15.0, "authorizing": 30.0, "offline": 2.0}
"""States that pass, and how long one waits for that: a new connection is offline for a moment."""

STATE_ADVICE = {
    "connecting": "it does not answer; plug the cable out and in again",
    "authorizing": "tap Allow on the phone's screen, then try again",
    "unauthorized": "accept this computer's key on the phone's screen, then try again",
    "offline": "plug the cable out and in again, or run `adb reconnect`",
    "no permissions": "let your user access USB devices (udev rules), then try again",
    "recovery": "restart it into Android",
    "bootloader": "restart it into Android",
    "sideload": "restart it into Android",
}


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
        with Client(address).make_connection() as connection:
            connection.send_command("host:devices")
            connection.check_okay()
            # adbutils' own list cuts a state such as "no permissions" at its space.
            text = connection.read_string_block()
    except (AdbServerError, AdbError, OSError, ValueError) as error:
        raise AdbServerError(
            f"the adb server at {address} does not list its devices ({error})"
        ) from None
    pairs = [line.partition("\t") for line in text.splitlines()]
    return [Attached(serial, state) for serial, tab, state in pairs if tab]


def wait_for(
    address: ServerAddress, serial: str | None, tell: Callable[[str], None] = lambda _: None
) -> Attached:
    """Return what `choose` does, after waiting for a device that is about to be there.

    Args:
        serial: the device's; None for the only one.
        tell: is given a line where a person has something to do.

    Raises:
        AdbServerError, NoDeviceError, DeviceChoiceError: see `attached_devices` and `choose`.
    """
    start_s = time.monotonic()
    told = None
    while True:
        devices = attached_devices(address)
        meant = [device for device in devices if serial in (None, device.serial)]
        state = meant[0].state if len(meant) == 1 else READY
        if time.monotonic() - start_s >= WAITED_FOR_S.get(state, 0.0):
            return choose(devices, serial)
        if state == "authorizing" and told != state:
            tell(f"{printable(meant[0].serial)} asks: tap Allow on the phone's screen")
            told = state
        time.sleep(LOOK_EVERY_S)


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
