"""Files on a device, known by their sha256, and a directory of one's own for them."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import socket
import struct
import time
from collections.abc import Callable, Iterator
from typing import Self

from bench.android.adb.device import WAKE_S, Device
from bench.android.adb.errors import NOT_FOUND, CommandTimeoutError, DeviceError, printable

TRANSFER_TIMEOUT_S = 120.0
CHUNK_BYTES = 64 * 1024
MAX_PULLED_BYTES = 1 << 30

PARENT = "/data/local/tmp"
PREFIX = "tflite-gauge-"
SESSION_FILE, TOOL_FILE = "session.pid", "tool.pid"
"""Where the shell of the rounds writes its own number and that of the process it waits for."""

_KILL = f"""
cd "$1" 2>/dev/null || exit 0
for name in {SESSION_FILE} {TOOL_FILE}; do
  [ -f "$name" ] || continue
  read -r pid < "$name" || continue
  case $pid in ''|0*|1|*[!0-9]*) continue;; esac
  [ "/proc/$pid/cwd" -ef . ] || continue
  kill -9 "-$pid" "$pid" 2>/dev/null
done
"""
"""Ends the processes by their numbers, and their groups, which adbd makes each shell lead.

A number may be only half written, or be another process's by now. So it has to be a whole line, a
number above 1, and that of a process that works in this very directory.
"""


def push(device: Device, content: bytes, path: str, mode: int = 0o644) -> bool:
    """Write a file, unless the device has the same there; say whether it was sent."""
    digest = hashlib.sha256(content).hexdigest()
    if sha256(device, path) == digest:
        return False
    _send(device, content, path, mode)
    arrived = sha256(device, path)
    if arrived != digest:
        raise DeviceError(
            f"{printable(path)} arrived as something else (sha256 {arrived}, sent {digest})",
            device.serial,
        )
    return True


def sha256(device: Device, path: str) -> str | None:
    """Return the sha256 of a file on the device (hexadecimal); None where there is none."""
    completed = device.run(["sha256sum", path], check=False, timeout_s=TRANSFER_TIMEOUT_S)
    digest = completed.stdout.lstrip("\\").partition(" ")[0]
    if completed.exit_status == 0 and len(digest) == 64:
        return digest
    if completed.exit_status == NOT_FOUND:  # older than Android 7
        content = _receive(device, path)
        return None if content is None else hashlib.sha256(content).hexdigest()
    return None


def pull(device: Device, path: str) -> bytes:
    """Return a file's content."""
    content = _receive(device, path)
    if content is None:
        raise DeviceError(f"{printable(path)} cannot be pulled", device.serial)
    return content


@contextlib.contextmanager
def _sync(device: Device, doing: str) -> Iterator[tuple[socket.socket, Callable[[int], bytes]]]:
    """Open the sync service (SYNC.TXT of adb): its connection, and what reads so many bytes.

    adbutils' own push keeps the device's reason for a refusal to itself, and its pull has no end.
    """
    deadline_s = time.monotonic() + TRANSFER_TIMEOUT_S

    def read(count: int) -> bytes:
        data = b""
        while len(data) < count:
            if (remaining_s := deadline_s - time.monotonic()) <= 0:
                raise TimeoutError
            connection.conn.settimeout(min(remaining_s, WAKE_S))
            try:
                chunk = connection.conn.recv(count - len(data))
            except TimeoutError:
                continue
            if not chunk:
                raise EOFError
            data += chunk
        return data

    with contextlib.closing(device.open_service("sync:", doing)) as connection:
        connection.conn.settimeout(TRANSFER_TIMEOUT_S)
        try:
            yield connection.conn, read
        except TimeoutError:
            raise CommandTimeoutError(
                f"{TRANSFER_TIMEOUT_S:g} s were over while {doing}", device.serial
            ) from None
        except (EOFError, OSError):
            raise device.lost(doing) from None


def _send(device: Device, content: bytes, path: str, mode: int) -> None:
    with _sync(device, f"{printable(path)} was pushed") as (connection, read):
        try:
            target = f"{path},{0o100000 | mode}".encode()
            connection.sendall(b"SEND" + struct.pack("<I", len(target)) + target)
            for start in range(0, len(content), CHUNK_BYTES):
                chunk = content[start : start + CHUNK_BYTES]
                connection.sendall(b"DATA" + struct.pack("<I", len(chunk)) + chunk)
            connection.sendall(b"DONE" + struct.pack("<I", int(time.time())))
        except OSError:
            pass  # the device has refused it already, and says why
        answer, length = struct.unpack("<4sI", read(8))
        message = read(length).decode("utf-8", "replace")
    if answer != b"OKAY":
        raise DeviceError(
            f"{printable(path)} cannot be pushed ({printable(message)})", device.serial
        )


def _receive(device: Device, path: str) -> bytes | None:
    """Return a file's content; None where the device does not give it."""
    content = bytearray()
    with _sync(device, f"{printable(path)} was pulled") as (connection, read):
        target = path.encode()
        connection.sendall(b"RECV" + struct.pack("<I", len(target)) + target)
        while True:
            word, length = struct.unpack("<4sI", read(8))
            if word == b"DONE":
                return bytes(content)
            if word != b"DATA" or len(content) + length > MAX_PULLED_BYTES:
                return None
            content += read(length)


class Workspace:
    """Files of one run on a device; a context manager that removes them and ends what still runs.

    The directory is made when something is first put into it, and again where it was lost with the
    connection: a shell that loses its connection removes it by itself (`bench.android.session`).
    """

    def __init__(self, device: Device) -> None:
        self.device = device
        self.path = f"{PARENT}/{PREFIX}{secrets.token_hex(6)}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception) -> None:
        # Where the device is gone there is nothing to be done, and the reason was told already.
        with contextlib.suppress(DeviceError):
            self.remove()

    def put(
        self, content: bytes, suffix: str = "", mode: int = 0o644, name: str | None = None
    ) -> str:
        """Push a file under its hash and a suffix, or a name, and return its path on the device.

        One that the device has already is not sent again.
        """
        path = f"{self.path}/{name or hashlib.sha256(content).hexdigest() + suffix}"
        self.device.run(["mkdir", "-p", self.path])
        push(self.device, content, path, mode)
        return path

    def kill(self) -> None:
        """End the shell of the rounds and all that it started, where they still run."""
        self.device.run(["sh", "-c", _KILL, "sh", self.path], check=False)

    def remove(self) -> None:
        """Remove the directory and all that is in it."""
        self.kill()
        self.device.run(["rm", "-rf", self.path])
