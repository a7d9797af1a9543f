"""The adb server: where it is, starting it, and a client that never starts another one."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

import adbutils
from adbutils import AdbClient, AdbConnection
from adbutils.errors import AdbError

from bench.android.errors import AdbServerError, printable

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 5037
START_TIMEOUT_S = 20.0
ANSWER_TIMEOUT_S = 10.0
_LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")


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
    def _safe_connect(self) -> socket.socket:
        return self._create_socket()


def start_server(address: ServerAddress) -> bool:
    """Start the user's adb server, unless it runs; return whether it had to be started.

    Raises:
        AdbServerError: it cannot be started, or is one of another machine.
    """
    if address.is_answering():
        return False
    if address.host not in _LOCAL_HOSTS:
        raise AdbServerError(
            f"the adb server at {address} does not answer; start it there with `adb -a start-server`"
        )
    command = [adbutils.adb_path(), "-P", str(address.port), "start-server"]
    environment = {k: v for k, v in os.environ.items() if k != "ADB_SERVER_SOCKET"}
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


def stop_server(address: ServerAddress) -> None:
    """Stop an adb server that `start_server` started; one that is gone already is none to stop."""
    with contextlib.suppress(AdbServerError, AdbError, OSError):
        Client(address).server_kill()
