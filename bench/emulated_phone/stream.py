"""One stream of an adb connection, as the service that answers it sees it."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable

from bench.emulated_phone import protocol
from bench.emulated_phone.protocol import Packet


class StreamClosedError(Exception):
    """The adb server closed the stream, or went away."""


class Stream:
    """A stream.

    Attributes:
        number: this side's number of the stream.
        peer: the adb server's number of the stream.
    """

    def __init__(self, send: Callable[[Packet], None], number: int, peer: int) -> None:
        self._send = send
        self._incoming: queue.Queue[bytes | None] = queue.Queue()
        self._acknowledged = threading.Semaphore(0)
        self._pending = b""
        self.number = number
        self.peer = peer
        self.closed = threading.Event()
        self.on_close: list[Callable[[], None]] = []

    def write(self, data: bytes) -> None:
        """Send bytes and wait until each packet is acknowledged; one writer at a time.

        Raises:
            StreamClosedError: the other side has closed the stream.
        """
        for start in range(0, len(data), protocol.MAX_PAYLOAD_BYTES):
            if self.closed.is_set():
                raise StreamClosedError
            chunk = data[start : start + protocol.MAX_PAYLOAD_BYTES]
            self._send(Packet(protocol.WRITE, self.number, self.peer, chunk))
            self._acknowledged.acquire()
            if self.closed.is_set():
                raise StreamClosedError

    def read(self) -> bytes:
        """Return the next bytes that arrived; b"" at the end of the stream."""
        if self.closed.is_set() and self._incoming.empty():
            return b""
        chunk = self._incoming.get()
        if chunk is None:
            return b""
        with contextlib.suppress(OSError):
            self._send(Packet(protocol.OKAY, self.number, self.peer))
        return chunk

    def read_exactly(self, count: int) -> bytes:
        """Return the next `count` bytes.

        Raises:
            StreamClosedError: the stream ended before them.
        """
        while len(self._pending) < count:
            chunk = self.read()
            if not chunk:
                raise StreamClosedError
            self._pending += chunk
        data, self._pending = self._pending[:count], self._pending[count:]
        return data

    def close(self) -> None:
        """Tell the other side that the stream ends here."""
        if not self.closed.is_set():
            with contextlib.suppress(OSError):
                self._send(Packet(protocol.CLOSE, self.number, self.peer))
            self.end()

    def arrived(self, data: bytes) -> None:
        """Take bytes from the connection."""
        self._incoming.put(data)

    def acknowledged(self) -> None:
        """Take note that the other side has taken the last packet."""
        self._acknowledged.release()

    def end(self) -> None:
        """Wake whoever waits: nothing more arrives or is taken."""
        if self.closed.is_set():
            return
        self.closed.set()
        self._incoming.put(None)
        self._acknowledged.release()
        for callback in self.on_close:
            callback()
