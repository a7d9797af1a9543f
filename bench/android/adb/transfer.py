"""Files to and from a device, known by their sha256."""

from __future__ import annotations

import contextlib
import hashlib
import struct
import time

from adbutils.errors import AdbError

from bench.android.adb.adb_device import NOT_FOUND, Device
from bench.android.adb.device_errors import DeviceError, TransferError, printable
from bench.android.adb.discovery import READY

TRANSFER_TIMEOUT_S = 120.0
CHUNK_BYTES = 64 * 1024


def push(device: Device, content: bytes, path: str, mode: int = 0o644) -> bool:
    """Write a file, unless the device has one there with the same sha256.

    Returns:
        Whether it was sent.

    Raises:
        TransferError: the device refused it, or it arrived as something else.
        DeviceLostError, AdbServerError: the connection ended.
    """
    digest = hashlib.sha256(content).hexdigest()
    if sha256(device, path) == digest:
        return False
    _send(device, content, path, mode)
    arrived = sha256(device, path)
    if arrived != digest:
        raise TransferError(
            f"{printable(path)} arrived as something else (sha256 {arrived}, sent {digest})",
            serial=device.serial,
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
    """Return a file's content.

    Raises:
        TransferError: the device has no such file, or does not give it.
        DeviceLostError, AdbServerError: the connection ended.
    """
    content = _receive(device, path)
    if content is None:
        raise TransferError(f"{printable(path)} cannot be pulled", serial=device.serial)
    return content


def _send(device: Device, content: bytes, path: str, mode: int) -> None:
    """Write a file through the sync service.

    adbutils' own push keeps the device's reason for a refusal to itself, so this speaks to the
    service directly (SYNC.TXT of adb).
    """
    with contextlib.closing(
        device.open_service("sync:", f"{printable(path)} was pushed")
    ) as connection:
        connection.conn.settimeout(TRANSFER_TIMEOUT_S)
        try:
            target = f"{path},{0o100000 | mode}".encode()
            connection.conn.sendall(b"SEND" + struct.pack("<I", len(target)) + target)
            for start in range(0, len(content), CHUNK_BYTES):
                chunk = content[start : start + CHUNK_BYTES]
                connection.conn.sendall(b"DATA" + struct.pack("<I", len(chunk)) + chunk)
            connection.conn.sendall(b"DONE" + struct.pack("<I", int(time.time())))
        except OSError:
            pass  # the device has refused it already, and says why
        try:
            answer = connection.read_exact(4)
            message = connection.read_string(connection.read_uint32())
        except (AdbError, EOFError, OSError):
            raise device.lost(f"{printable(path)} was pushed") from None
    if answer != b"OKAY":
        raise TransferError(
            f"{printable(path)} cannot be pushed ({printable(message)})",
            serial=device.serial,
            output=message,
        )


def _receive(device: Device, path: str) -> bytes | None:
    try:
        return device.adb.sync.read_bytes(path)
    except (AdbError, EOFError, OSError) as error:
        if isinstance(error, DeviceError) or device.state() != READY:
            raise device.refusal(error, f"{printable(path)} was pulled") from None
        return None
