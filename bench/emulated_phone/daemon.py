"""adbd's side of the protocol, on a loopback port, for this user alone.

Source: the Android Open Source Project, packages/modules/adb: protocol.txt (packets),
daemon/services.cpp (services), shell_protocol.h (shell v2), SYNC.TXT (sync).
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
from pathlib import Path

from bench.emulated_phone import protocol
from bench.emulated_phone.faults import Faults
from bench.emulated_phone.protocol import Packet, read_packet
from bench.emulated_phone.shell import Shell
from bench.emulated_phone.stream import Stream, StreamClosedError
from bench.emulated_phone.sync import serve_sync

FEATURES = "shell_v2,cmd"


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
        if packet.command == protocol.CONNECT:
            self._greet()
        elif packet.command == protocol.AUTHENTICATE:
            self._refuse_key(packet)
        elif packet.command == protocol.OPEN:
            self._open(packet)
        elif (stream := self._streams.get(packet.second)) is None:
            return
        elif packet.command == protocol.WRITE:
            stream.arrived(packet.payload)
        elif packet.command == protocol.OKAY:
            stream.acknowledged()
        elif packet.command == protocol.CLOSE:
            del self._streams[packet.second]
            stream.end()

    def _greet(self) -> None:
        if self._daemon.faults.offline:
            self.drop()
            return
        if self._daemon.faults.unauthorized:
            self.send(Packet(protocol.AUTHENTICATE, protocol.AUTH_TOKEN, 0, b"\x5a" * 20))
            return
        banner = f"device::{self._daemon.banner};features={FEATURES}".encode()
        self.send(Packet(protocol.CONNECT, protocol.VERSION, protocol.MAX_PAYLOAD_BYTES, banner))

    def _refuse_key(self, packet: Packet) -> None:
        """Ask for the next key; once all are tried the user is asked, who never answers."""
        if packet.first == protocol.AUTH_SIGNATURE:
            self.send(Packet(protocol.AUTHENTICATE, protocol.AUTH_TOKEN, 0, b"\x5a" * 20))

    def _open(self, packet: Packet) -> None:
        service = packet.payload.rstrip(b"\0").decode("utf-8", "surrogateescape")
        stream = Stream(self.send, self._daemon.next_stream_number(), packet.first)
        serve = self._daemon.service(service)
        if serve is None:
            self.send(Packet(protocol.CLOSE, 0, packet.first))
            return
        self._streams[stream.number] = stream
        self.send(Packet(protocol.OKAY, stream.number, stream.peer))

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
    """The emulated device's adbd.

    Args:
        root: the device's root directory on this machine.
        banner: the properties that the device introduces itself with.
        shell: what runs its commands.
    """

    def __init__(self, root: Path, banner: str, shell: Shell) -> None:
        self.root = root
        self.banner = banner
        self.faults = Faults()
        self._shell = shell
        self._numbers = iter(range(1, 2**31))
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
        """End every connection, and take no new one."""
        self._join(self._cut())

    def stop(self) -> None:
        """End every connection and every process of the device."""
        connections = self._cut()
        self._shell.kill_all()
        self._join(connections)
        self._shell.kill_all()  # what a service began while it ended

    def _cut(self) -> list[Connection]:
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        connections, self._connections = self._connections, []
        for connection in connections:
            connection.drop()
        return connections

    @staticmethod
    def _join(connections: list[Connection]) -> None:
        for connection in connections:
            connection.join_services(timeout_s=5)

    def next_stream_number(self) -> int:
        """Return a number that no stream has had."""
        return next(self._numbers)

    def service(self, name: str):
        """Return what answers a service, as a function of the stream; None for no such service."""
        kind, _, command = name.partition(":")
        kind, *options = kind.split(",")
        if kind in ("shell", "exec") and command:
            return lambda stream: self._shell.serve(stream, command, "v2" in options)
        if name == "sync:":
            return lambda stream: serve_sync(stream, self.root, self.faults)
        return None

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
