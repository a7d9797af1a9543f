"""What the emulated device's adbd serves: a shell among the emulated userland, and its files.

Source of the files' part: the Android Open Source Project, packages/modules/adb, SYNC.TXT.

The device's directories are directories below a root on this machine. A command names them as a
device has them, so their prefixes are rewritten on the way in, and the root is taken out of what
is printed on the way out; everything else of the command reaches `sh` as it was sent, so that
quoting is put to the test by a real shell.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import stat
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.emulated_phone.daemon import Faults, Serve, Stream, StreamClosedError
from bench.emulated_phone.userland import shell_of

STDIN, STDOUT, STDERR, EXIT, CLOSE_STDIN = range(5)
"""Packet identifiers of the shell protocol (shell_protocol.h)."""

_DEVICE_PATH = re.compile(r"(?<![\w./-])/(?=(?:data/local/tmp|proc(?!/(?:\$|\d))|sys)(?:/|\b))")
"""Where a command names a directory of the device. Processes are this machine's own."""
_V2_HEADER = struct.Struct("<BI")
_WORD = struct.Struct("<I")
MAX_DATA_BYTES = 64 * 1024
KILL_TIMEOUT_S = 10.0


def services(root: Path, shell: Shell, faults: Faults) -> Callable[[str], Serve | None]:
    """Return a function that finds what answers a service of a name, such as "shell,v2:ls"."""

    def find(name: str) -> Serve | None:
        kind, _, command = name.partition(":")
        kind, *options = kind.split(",")
        if kind == "shell" and command:
            return lambda stream: shell.serve(stream, command, "v2" in options)
        return (lambda stream: serve_sync(stream, root, faults)) if name == "sync:" else None

    return find


class Shell:
    """Runs the commands of the emulated device, whose root on this machine is `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._mark = f"EMULATED_ANDROID_ROOT={root}".encode()
        self._processes: list[subprocess.Popen] = []

    def serve(self, stream: Stream, command: str, is_v2: bool) -> None:
        """Run a command and send back what it prints.

        Under `is_v2` its streams and exit status go back in packets of their own; else both streams
        go back as one, and no exit status.
        """
        process = self._start(command, subprocess.PIPE if is_v2 else subprocess.STDOUT)
        stream.on_close.append(lambda: self._hang_up(process, is_v2))
        sending = threading.Lock()

        def send(identifier: int, data: bytes) -> None:
            with sending:
                header = _V2_HEADER.pack(identifier, len(data)) if is_v2 else b""
                stream.write(header + data)

        feed = self._feed_v2 if is_v2 else self._feed
        threading.Thread(target=feed, args=(stream, process), daemon=True).start()
        stderr = threading.Thread(
            target=self._forward, args=(process.stderr, partial(send, STDERR)), daemon=True
        )
        if is_v2:
            stderr.start()
        self._forward(process.stdout, partial(send, STDOUT))
        status = process.wait()
        if is_v2:
            stderr.join()
            # A shell says 128 + signal; so does a device whose shell itself was killed.
            send(EXIT, bytes([status if status >= 0 else 128 - status]))

    def processes(self) -> list[int]:
        """Return the processes of the device that live (on Linux)."""
        numbers = (int(path.name) for path in Path("/proc").glob("[0-9]*"))
        return [number for number in numbers if _environment_has(number, self._mark)]

    def kill_all(self) -> None:
        """Kill every process of the device, and wait until it is gone.

        A number may be another process's by the time that it is used. So each process is held by
        a descriptor, looked at again, and only then killed through it.
        """
        deadline_s = time.monotonic() + KILL_TIMEOUT_S
        while (numbers := self.processes()) and time.monotonic() < deadline_s:
            for number in numbers:
                with contextlib.suppress(OSError):
                    self._kill(number)
        for process in self._processes:
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()

    def _kill(self, number: int) -> None:
        descriptor = os.pidfd_open(number)
        try:
            if _environment_has(number, self._mark):
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                select.select([descriptor], [], [], KILL_TIMEOUT_S)  # readable once it is dead
        finally:
            os.close(descriptor)

    def _start(self, command: str, stderr: int) -> subprocess.Popen:
        self._processes = [process for process in self._processes if process.poll() is None]
        program, path = shell_of(self._root)
        process = subprocess.Popen(
            [program, "-c", _DEVICE_PATH.sub(f"{self._root}/", command)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=stderr, cwd=self._root,
            env={"PATH": path, "EMULATED_ANDROID_ROOT": str(self._root)}, start_new_session=True,
        )  # fmt: skip
        self._processes.append(process)
        return process

    def _forward(self, pipe, write) -> None:
        """Send what a process prints, without the root, as it comes."""
        root = str(self._root).encode()
        try:
            while chunk := os.read(pipe.fileno(), 65_536):
                write(chunk.replace(root, b""))
        except (StreamClosedError, OSError):
            pipe.close()  # so that the process's next write fails, as on a device

    @staticmethod
    def _feed(stream: Stream, process: subprocess.Popen) -> None:
        assert process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            while chunk := stream.read():
                process.stdin.write(chunk)
                process.stdin.flush()
            process.stdin.close()

    @staticmethod
    def _feed_v2(stream: Stream, process: subprocess.Popen) -> None:
        assert process.stdin is not None
        with contextlib.suppress(Exception):  # the stream was closed or the process has ended
            while True:
                identifier, length = _V2_HEADER.unpack(stream.read_exactly(_V2_HEADER.size))
                data = stream.read_exactly(length)
                if identifier == STDIN:
                    process.stdin.write(data)
                    process.stdin.flush()
                elif identifier == CLOSE_STDIN:
                    process.stdin.close()

    @staticmethod
    def _hang_up(process: subprocess.Popen, is_v2: bool) -> None:
        """Do as adbd does when the client goes away: SIGHUP for the shell alone; an old one closes
        the shell's terminal, which all that run in it notice."""
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                (os.kill if is_v2 else os.killpg)(process.pid, signal.SIGHUP)
        assert process.stdin is not None
        # Not stdout's: a thread still reads it, and closes it when it can send no more.
        with contextlib.suppress(OSError, ValueError):
            process.stdin.close()


def _environment_has(number: int, mark: bytes) -> bool:
    try:
        return mark in Path(f"/proc/{number}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


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
