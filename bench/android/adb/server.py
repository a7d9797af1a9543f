"""The adb server: starting it, and a client that never starts another one."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import adbutils
from adbutils import AdbClient, AdbConnection
from adbutils.errors import AdbError

from bench.android.adb.device_errors import AdbServerError
from bench.android.adb.server_address import ServerAddress

CONNECT_TIMEOUT_S = 3.0
START_TIMEOUT_S = 20.0
ANSWER_TIMEOUT_S = 10.0
_USB = Path("/dev/bus/usb")
_LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")


class Client(AdbClient):
    """adbutils' client of one server.

    Where nothing listens, adbutils would start a server by itself, and always on the user's own
    port; this client fails instead.
    """

    def __init__(self, address: ServerAddress) -> None:
        super().__init__(address.host, address.port, socket_timeout=ANSWER_TIMEOUT_S)

    def make_connection(self, timeout: float | None = None) -> AdbConnection:
        """Connect to the server.

        Raises:
            AdbServerError: nothing answers there.
        """
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
    """Return the path of `adb`: of ADBUTILS_ADB_PATH, PATH, adbutils' own, or the Android SDK's.

    Raises:
        AdbServerError: there is none; the message says how to get it.
    """
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
    """Start the user's adb server, unless it runs; return whether it had to be started.

    Raises:
        AdbServerError: it cannot be started, or is one of another machine.
    """
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
            command,
            check=True,
            timeout=START_TIMEOUT_S,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError, AdbError) as error:
        raise AdbServerError(
            f"the adb server cannot be started with `{' '.join(command)}` ({error})"
        ) from None
    return True


def connect(address: ServerAddress, serial: str | None) -> None:
    """Let the server connect to a device whose serial is HOST:PORT, as `adb connect` does.

    A server that has it already does nothing; what becomes of it stands in the list of devices.

    Raises:
        AdbServerError: the server does not answer.
    """
    if serial is not None and re.fullmatch(r"\[?[\w.:-]+\]?:\d{1,5}", serial, re.ASCII):
        with contextlib.suppress(AdbError, OSError):
            Client(address).connect(serial, timeout=START_TIMEOUT_S)


def stop_server(address: ServerAddress) -> None:
    """Stop an adb server that `start_server` started; one that is gone already is none to stop."""
    with contextlib.suppress(AdbServerError, AdbError, OSError):
        Client(address).server_kill()
