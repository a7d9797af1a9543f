"""The sync service: STAT, SEND and RECV.

Source: the Android Open Source Project, packages/modules/adb, SYNC.TXT.
"""

from __future__ import annotations

import contextlib
import os
import stat
import struct
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.emulated_phone.faults import Faults
    from bench.emulated_phone.stream import Stream

MAX_DATA_BYTES = 64 * 1024
_WORD = struct.Struct("<I")


def serve_sync(stream: Stream, root: Path, faults: Faults) -> None:
    """Answer requests until the client quits."""
    while True:
        request = stream.read_exactly(4)
        argument = stream.read_exactly(_read_word(stream))
        if request == b"QUIT":
            return
        path = argument.decode("utf-8", "surrogateescape")
        if request == b"STAT":
            stream.write(b"STAT" + _status(_on_host(root, path)))
        elif request == b"RECV":
            _receive(stream, _on_host(root, path))
        elif request == b"SEND":
            name, _, mode = path.rpartition(",")
            _send(stream, root, _on_host(root, name), int(mode), faults)
        else:
            _fail(stream, f"unknown command {request!r}")
            return


def _on_host(root: Path, path: str) -> Path:
    """Return where a device's path is on this machine; never outside the root."""
    return root / os.path.normpath("/" + path).lstrip("/")


def _read_word(stream: Stream) -> int:
    return _WORD.unpack(stream.read_exactly(4))[0]


def _status(path: Path) -> bytes:
    try:
        status = path.lstat()
    except OSError:
        return struct.pack("<3I", 0, 0, 0)
    return struct.pack("<3I", status.st_mode, status.st_size & 0xFFFFFFFF, int(status.st_mtime))


def _receive(stream: Stream, path: Path) -> None:
    try:
        content = path.read_bytes()
    except OSError as error:
        _fail(stream, f"open failed: {error.strerror}")
        return
    for start in range(0, len(content), MAX_DATA_BYTES):
        chunk = content[start : start + MAX_DATA_BYTES]
        stream.write(b"DATA" + _WORD.pack(len(chunk)) + chunk)
    stream.write(b"DONE" + _WORD.pack(0))


def _send(stream: Stream, root: Path, path: Path, mode: int, faults: Faults) -> None:
    """Write a file as it arrives; after a failure, take the rest and say why."""
    failure = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    except OSError as error:
        failure = f"couldn't create file: {error.strerror}"
    while (identifier := stream.read_exactly(4)) == b"DATA":
        chunk = stream.read_exactly(_read_word(stream))
        limit_bytes = faults.storage_bytes
        if limit_bytes is not None and _stored_bytes(root) + len(chunk) > limit_bytes:
            failure = failure or "write failed: No space left on device"
        if not failure:
            with path.open("ab") as file:
                file.write(chunk)
    stream.read_exactly(4)  # the modification time
    if identifier != b"DONE" and not failure:
        failure = f"invalid data message {identifier!r}"
    if failure:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        _fail(stream, failure)
        return
    permissions = stat.S_IMODE(mode)
    path.chmod(permissions & ~0o111 if faults.drop_execute_permission else permissions)
    stream.write(b"OKAY" + _WORD.pack(0))


def _stored_bytes(root: Path) -> int:
    storage = root / "data/local/tmp"
    return sum(file.stat().st_size for file in storage.rglob("*") if file.is_file())


def _fail(stream: Stream, message: str) -> None:
    text = message.encode()
    stream.write(b"FAIL" + _WORD.pack(len(text)) + text)
