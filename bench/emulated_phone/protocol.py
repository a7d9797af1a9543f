"""The packets that an adb server and a device exchange.

Source: the Android Open Source Project, packages/modules/adb, protocol.txt: a header of six
little-endian 32-bit words (command, two arguments, length, checksum, complement of the command),
then the payload.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

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


@dataclass(frozen=True)
class Packet:
    """One packet.

    Attributes:
        command: four bytes, such as `OPEN`.
        first: the first argument; the sender's stream number, or the version.
        second: the second argument; the receiver's stream number, or the largest payload.
        payload: what follows the header.
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
    """Read the next packet; None at the end of the connection.

    Raises:
        ValueError: what arrived is no packet.
        OSError: the connection broke.
    """
    header = read_exactly(connection, _HEADER.size)
    if header is None:
        return None
    command, first, second, length, _checksum, magic = _HEADER.unpack(header)
    if magic != int.from_bytes(command, "little") ^ 0xFFFFFFFF:
        raise ValueError(f"not an adb packet: {header!r}")
    payload = read_exactly(connection, length) if length else b""
    return None if payload is None else Packet(command, first, second, payload)


def read_exactly(connection: socket.socket, count: int) -> bytes | None:
    """Read `count` bytes; None when the connection ends before them."""
    chunks: list[bytes] = []
    while count:
        chunk = connection.recv(min(count, 65_536))
        if not chunk:
            return None
        chunks.append(chunk)
        count -= len(chunk)
    return b"".join(chunks)
