"""The adb server: where it listens, starting it, which devices it has, and which of them is meant.

Its client never starts another server by itself.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import adbutils
from adbutils import AdbClient, AdbConnection
from adbutils.errors import AdbError

from bench.android.adb.errors import AdbServerError, DeviceChoiceError, NoDeviceError, printable

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 5037
LISTEN_TIMEOUT_S = 1.0
CONNECT_TIMEOUT_S = 3.0
START_TIMEOUT_S = 20.0
ANSWER_TIMEOUT_S = 10.0
_USB = Path("/dev/bus/usb")
_LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")

READY = "device"
_NETWORK_SERIAL = re.compile(r"\[?[\w.:-]+\]?:\d{1,5}", re.ASCII)
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
class ServerAddress:
    """Host and TCP port of an adb server."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> ServerAddress:
        """Read `ADB_SERVER_SOCKET`, else `ANDROID_ADB_SERVER_ADDRESS` and `…_PORT`, as adb does."""
        if specification := environment.get("ADB_SERVER_SOCKET"):
            kind, _, rest = specification.partition(":")
            host, _, port = rest.rpartition(":")
            if kind != "tcp" or not _is_port(port):
                raise AdbServerError(
                    f"ADB_SERVER_SOCKET={printable(specification)} is not tcp:PORT or "
                    "tcp:HOST:PORT, with a port from 1 to 65535"
                )
            return cls(host.removeprefix("[").removesuffix("]") or DEFAULT_HOST, int(port))
        port = environment.get("ANDROID_ADB_SERVER_PORT", str(DEFAULT_PORT))
        if not _is_port(port):
            raise AdbServerError(f"ANDROID_ADB_SERVER_PORT={printable(port)} is not a port number")
        return cls(environment.get("ANDROID_ADB_SERVER_ADDRESS", DEFAULT_HOST), int(port))

    def is_answering(self) -> bool:
        """Return whether something listens there."""
        try:
            with socket.create_connection((self.host, self.port), timeout=LISTEN_TIMEOUT_S):
                return True
        except OSError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 0 < int(text) < 65_536


class Client(AdbClient):
    """adbutils' client of one server.

    Where nothing listens, adbutils would start a server by itself, and always on the user's own
    port; this client raises `AdbServerError` instead.
    """

    def __init__(self, address: ServerAddress) -> None:
        super().__init__(address.host, address.port, socket_timeout=ANSWER_TIMEOUT_S)

    def make_connection(self, timeout: float | None = None) -> AdbConnection:
        """Connect to the server."""
        try:
            connection = _Connection(self.host, self.port)
        except (AdbError, OSError) as error:
            raise AdbServerError(
                f"the adb server at {self.host}:{self.port} does not answer ({error})"
            ) from None
        connection.conn.settimeout(timeout or ANSWER_TIMEOUT_S)
        return connection


class _Connection(AdbConnection):
    """A connection that starts no server, and reaches IPv6 addresses as well."""

    def __init__(self, host: str, port: int) -> None:
        self._where = (host, port)
        super().__init__(host, port)

    def _safe_connect(self) -> socket.socket:
        connection = socket.create_connection(self._where, timeout=CONNECT_TIMEOUT_S)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return connection


def adb_program() -> str:
    """Return the path of `adb`: of ADBUTILS_ADB_PATH, PATH, adbutils' own, or the Android SDK's."""
    try:
        return adbutils.adb_path()
    except AdbError:  # its wheels for Linux x86-64, Windows and older Macs alone bring one along
        pass
    for variable in ("ANDROID_HOME", "ANDROID_SDK_ROOT"):
        program = Path(os.environ.get(variable) or os.devnull, "platform-tools", "adb")
        if program.is_file():
            return str(program)
    raise AdbServerError(
        "there is no adb program: install it (`apt install adb`, or on a Mac `brew install "
        "android-platform-tools`), or set ANDROID_HOME to the Android SDK"
    )


def start_server(address: ServerAddress) -> bool:
    """Start the user's adb server, unless it runs; return whether it had to be started."""
    if address.is_answering():
        return False
    if address.host not in _LOCAL_HOSTS:
        raise AdbServerError(
            f"the adb server at {address} does not answer: start it there, `adb -a start-server`"
        )
    command = [adb_program(), "-P", str(address.port), "start-server"]
    environment = {k: v for k, v in os.environ.items() if k != "ADB_SERVER_SOCKET"}
    if sys.platform == "linux" and not _USB.exists():
        environment["ADB_LIBUSB"] = "0"  # libusb would be waited for, 3 s, to find none
    try:
        # The server inherits open pipes and would keep them open: so none are given to it.
        subprocess.run(
            command, check=True, timeout=START_TIMEOUT_S, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError, AdbError) as error:
        raise AdbServerError(
            f"the adb server cannot be started with `{' '.join(command)}` ({error})"
        ) from None
    return True


def stop_server(address: ServerAddress) -> None:
    """Stop an adb server that `start_server` started; one that is gone already is none to stop."""
    with contextlib.suppress(AdbServerError, AdbError, OSError):
        Client(address).server_kill()


def connect(address: ServerAddress, serial: str | None) -> str:
    """Let the server connect to a device whose serial is HOST:PORT; return what it says, or "".

    A server that has it already does nothing; what becomes of it stands in the list of devices.
    """
    if serial is None or not _NETWORK_SERIAL.fullmatch(serial):
        return ""
    try:
        return Client(address).connect(serial, timeout=START_TIMEOUT_S)
    except (AdbError, OSError) as error:
        return str(error)


@dataclass(frozen=True)
class Attached:
    """A device that the adb server lists; `state` is "device", or what is the matter with it."""

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
    """Return what the adb server lists; `AdbServerError` where it does not answer."""
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
    """Return what `choose` does, after waiting for a device that is about to be there; `tell` is
    given a line where a person has something to do."""
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
    """Return the device of a serial, else the only one attached."""
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
