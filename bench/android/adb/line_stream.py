"""The lines that a shell on a device prints, as they come."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator

from adbutils import AdbConnection
from adbutils.errors import AdbError

STDIN, STDOUT, STDERR = 0, 1, 2
"""Packet identifiers of the shell protocol v2 (shell_protocol.h of adb)."""


class LineStream:
    """The lines that a shell prints, as they come.

    Args:
        connection: an open shell.
        use_v2: whether its packets have headers (shell protocol v2).
    """

    def __init__(self, connection: AdbConnection, use_v2: bool) -> None:
        self._connection = connection
        self._use_v2 = use_v2
        self._packets = b""
        self._text = b""
        self.has_ended = False

    def set_timeout(self, timeout_s: float) -> None:
        """Bound the wait for the next line."""
        self._connection.conn.settimeout(timeout_s)

    def write(self, data: bytes) -> None:
        """Send bytes to the shell's standard input."""
        header = struct.pack("<BI", STDIN, len(data)) if self._use_v2 else b""
        self._connection.conn.sendall(header + data)

    def is_open(self) -> bool:
        """Return whether the connection still stands, without waiting."""
        connection = self._connection.conn
        before_s = connection.gettimeout()
        connection.setblocking(False)
        try:
            return bool(connection.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            connection.settimeout(before_s)

    def hang_up(self) -> None:
        """End the stream for whoever reads it, in whichever thread."""
        with contextlib.suppress(OSError, AdbError):
            self._connection.conn.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Hang up, and give the connection back."""
        self._connection.close()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """Return the next line, without its end.

        Raises:
            StopIteration: the shell has ended or the connection is gone.
            TimeoutError: nothing came in time.
        """
        while b"\n" not in self._text:
            if self.has_ended:
                raise StopIteration
            self._receive()
        line, _, self._text = self._text.partition(b"\n")
        return line.decode("utf-8", "replace").removesuffix("\r")

    def _receive(self) -> None:
        try:
            chunk = self._connection.conn.recv(65_536)
        except TimeoutError:
            raise
        except OSError:
            chunk = b""
        if not chunk:
            self.has_ended = True
        elif self._use_v2:
            self._packets += chunk
            self._unpack()
        else:
            self._text += chunk

    def _unpack(self) -> None:
        while len(self._packets) >= 5:
            identifier, length = struct.unpack_from("<BI", self._packets)
            if len(self._packets) < 5 + length:
                return
            if identifier in (STDOUT, STDERR):
                self._text += self._packets[5 : 5 + length]
            self._packets = self._packets[5 + length :]
