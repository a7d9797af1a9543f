"""adbd's side of the protocol, on a loopback port, for this user alone: packets, streams, services.

Source: the Android Open Source Project, packages/modules/adb, protocol.txt (a packet is a header of
six little-endian words: command, two arguments, length, checksum, complement of the command; then
the payload) and daemon/services.cpp.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CONNECT = b"CNXN"
AUTHENTICATE = b"AUTH"
OPEN = b"OPEN"
OKAY = b"OKAY"
WRITE = b"WRTE"
CLOSE = b"CLSE"

VERSION = 0x01000001  # from this version on, checksums are not looked at
MAX_PAYLOAD_BYTES = 256 * 1024
AUTH_TOKEN, AUTH_SIGNATURE = 1, 2
_HEADER = struct.Struct("<4s5I")
FEATURES = "shell_v2,cmd"


@dataclass
class Faults:
    """Faults of the device's connection and storage; all off to begin with."""

    unauthorized: bool = False  # the user never accepts this machine's key
    offline: bool = False  # it does not answer once connected
    storage_bytes: int | None = None  # what may be pushed before the storage is full
    drop_execute_permission: bool = False  # files arrive without their execute bits


@dataclass(frozen=True)
class Packet:
    """One packet: a command such as `OPEN`, its two arguments, and what follows the header.

    The arguments are the numbers that sender and receiver have for a stream, or the version and the
    largest payload.
    """

    command: bytes
    first: int
    second: int
    payload: bytes = b""

    def to_bytes(self) -> bytes:
        """Return the packet as it goes over the wire."""
        magic = int.from_bytes(self.command, "little") ^ 0xFFFFFFFF
        checksum = sum(self.payload) & 0xFFFFFFFF
        header = _HEADER.pack(
            self.command, self.first, self.second, len(self.payload), checksum, magic
        )
        return header + self.payload


def read_packet(connection: socket.socket) -> Packet | None:
    """Read the next packet; None at the end of the connection, ValueError where it is none."""
    header = _read_exactly(connection, _HEADER.size)
    if header is None:
        return None
    command, first, second, length, _checksum, magic = _HEADER.unpack(header)
    if magic != int.from_bytes(command, "little") ^ 0xFFFFFFFF:
        raise ValueError(f"not an adb packet: {header!r}")
    payload = _read_exactly(connection, length) if length else b""
    return None if payload is None else Packet(command, first, second, payload)


def _read_exactly(connection: socket.socket, count: int) -> bytes | None:
    """Read `count` bytes; None when the connection ends before them."""
    chunks: list[bytes] = []
    while count:
        chunk = connection.recv(min(count, 65_536))
        if not chunk:
            return None
        chunks.append(chunk)
        count -= len(chunk)
    return b"".join(chunks)


class StreamClosedError(Exception):
    """The adb server closed the stream, or went away."""


class Stream:
    """One stream of a connection, as the service that answers it sees it.

    `number` is this side's number of it, `peer` the adb server's; reading and writing raise
    `StreamClosedError` where the other side has closed it.
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
        """Send bytes and wait until each packet is acknowledged; one writer at a time."""
        for start in range(0, len(data), MAX_PAYLOAD_BYTES):
            if self.closed.is_set():
                raise StreamClosedError
            chunk = data[start : start + MAX_PAYLOAD_BYTES]
            self._send(Packet(WRITE, self.number, self.peer, chunk))
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
            self._send(Packet(OKAY, self.number, self.peer))
        return chunk

    def read_exactly(self, count: int) -> bytes:
        """Return the next `count` bytes."""
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
                self._send(Packet(CLOSE, self.number, self.peer))
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


Serve = Callable[[Stream], None]
"""A service: answers a stream until it ends."""


class Connection(threading.Thread):
    """One connection of an adb server: answers its packets until it goes away."""

    def __init__(self, daemon: Daemon, peer: socket.socket) -> None:
        super().__init__(daemon=True, name="emulated-adbd-connection")
        self._daemon = daemon
        self._socket = peer
        self._sending = threading.Lock()
        self._streams: dict[int, Stream] = {}
        self._services: list[threading.Thread] = []

    def send(self, packet: Packet) -> None:
        """Send a packet; safe from every thread."""
        with self._sending:
            self._socket.sendall(packet.to_bytes())

    def run(self) -> None:
        """Answer packets until the connection ends."""
        try:
            while (packet := read_packet(self._socket)) is not None:
                self._answer(packet)
        except (OSError, ValueError):
            pass  # the adb server went away, or is none
        finally:
            self.drop()

    def drop(self) -> None:
        """End the connection and every stream of it."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for stream in list(self._streams.values()):
            stream.end()

    def join_services(self, timeout_s: float) -> None:
        """Wait until the services of the connection have ended."""
        for service in self._services:
            service.join(timeout_s)

    def _answer(self, packet: Packet) -> None:
        if packet.command == CONNECT:
            self._greet()
        elif packet.command == AUTHENTICATE:
            if packet.first == AUTH_SIGNATURE:  # once all keys are tried the user is asked
                self.send(Packet(AUTHENTICATE, AUTH_TOKEN, 0, b"\x5a" * 20))
        elif packet.command == OPEN:
            self._open(packet)
        elif (stream := self._streams.get(packet.second)) is None:
            return
        elif packet.command == WRITE:
            stream.arrived(packet.payload)
        elif packet.command == OKAY:
            stream.acknowledged()
        elif packet.command == CLOSE:
            del self._streams[packet.second]
            stream.end()

    def _greet(self) -> None:
        if self._daemon.faults.offline:
            self.drop()
            return
        if self._daemon.faults.unauthorized:
            self.send(Packet(AUTHENTICATE, AUTH_TOKEN, 0, b"\x5a" * 20))
            return
        banner = f"device::{self._daemon.banner};features={FEATURES}".encode()
        self.send(Packet(CONNECT, VERSION, MAX_PAYLOAD_BYTES, banner))

    def _open(self, packet: Packet) -> None:
        service = packet.payload.rstrip(b"\0").decode("utf-8", "surrogateescape")
        stream = Stream(self.send, next(self._daemon.numbers), packet.first)
        serve = self._daemon.service(service)
        if serve is None:
            self.send(Packet(CLOSE, 0, packet.first))
            return
        self._streams[stream.number] = stream
        self.send(Packet(OKAY, stream.number, stream.peer))

        def run() -> None:
            try:
                serve(stream)
            except (StreamClosedError, OSError):
                pass  # the adb server closed the stream
            finally:
                stream.close()

        thread = threading.Thread(target=run, daemon=True, name=f"emulated-adbd-{service[:20]}")
        self._services.append(thread)
        thread.start()


class Daemon:
    """The emulated device's adbd: it introduces itself with the banner's properties, and `service`
    returns what answers a service of a name, None where there is none."""

    def __init__(self, banner: str, service: Callable[[str], Serve | None], faults: Faults) -> None:
        self.banner = banner
        self.service = service
        self.faults = faults
        self.numbers = itertools.count(1)
        self._connections: list[Connection] = []
        self._listener: socket.socket | None = None
        self.port = 0

    def start(self) -> None:
        """Listen on a loopback port; the same one as before after `unplug`."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(
            target=self._accept, args=(self._listener,), daemon=True, name="emulated-adbd"
        ).start()

    def unplug(self) -> None:
        """End every connection, and take no new one; return when their services have ended."""
        for connection in self.cut():
            connection.join_services(timeout_s=5)

    def cut(self) -> list[Connection]:
        """Do as `unplug`, but return the ended connections at once."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        connections, self._connections = self._connections, []
        for connection in connections:
            connection.drop()
        return connections

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return  # unplugged
            if _user_of(peer) != os.getuid():
                peer.close()  # a shell for everyone on this machine would be one too many
                continue
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self, peer)
            self._connections.append(connection)
            connection.start()


def _user_of(peer: socket.socket) -> int | None:
    """Return the number of the user whose process is at the other end; None where nobody knows.

    Source: the kernel's proc_net_tcp: addresses in hexadecimal, in the machine's byte order.
    """
    theirs, ours = (_in_hexadecimal(name) for name in (peer.getpeername(), peer.getsockname()))
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1:3] == [theirs, ours]:
            return int(fields[7])
    return None


def _in_hexadecimal(name: tuple[str, int]) -> str:
    (address,) = struct.unpack("=I", socket.inet_aton(name[0]))
    return f"{address:08X}:{name[1]:04X}"
