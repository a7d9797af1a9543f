"""Where an adb server listens."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from bench.android.adb.device_errors import AdbServerError, printable

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 5037
ANSWER_TIMEOUT_S = 1.0


@dataclass(frozen=True)
class ServerAddress:
    """Host and TCP port of an adb server."""

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
            with socket.create_connection((self.host, self.port), timeout=ANSWER_TIMEOUT_S):
                return True
        except OSError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 0 < int(text) < 65_536
