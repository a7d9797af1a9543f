"""A device: its commands, its properties, its state.

Every command is an argument list, quoted with `shlex`; a serial, a path or a property is data.
Every wait has an end, and so has what is read.
"""

from __future__ import annotations

import contextlib
import secrets
import shlex
import socket
import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from adbutils import AdbConnection, AdbDevice
from adbutils.errors import AdbError

from bench.android.adb import errors, server

COMMAND_TIMEOUT_S = 30.0
WAKE_S = 0.5
"""How long a wait takes at most: a signal that comes just before one, or to another thread, wakes
nobody, and Python looks for it after the wait alone."""

MAX_OUTPUT_BYTES = 8 << 20
BOOT_ID = "/proc/sys/kernel/random/boot_id"

STDIN, STDOUT, STDERR, EXIT = range(4)
"""Packet identifiers of the shell protocol v2 (shell_protocol.h of adb)."""
_HEADER = struct.Struct("<BI")


class ShellStream:
    """What a shell on a device prints, as it comes; an iterator of its lines, without their ends.

    A line that the device has not ended when it hangs up is not given. Reading raises TimeoutError
    at the end of the time that `allow` gave, `DeviceError` after its number of bytes.

    Attributes:
        exit_status: of the shell; None where it is not known (yet).
        has_ended: whether the shell has ended or the connection is gone.
    """

    def __init__(self, connection: AdbConnection, is_v2: bool, serial: str) -> None:
        self._connection = connection
        self._is_v2 = is_v2
        self._serial = serial
        self._packets = self._line = b""
        self.exit_status: int | None = None
        self.has_ended = False
        self.allow(COMMAND_TIMEOUT_S)

    def allow(self, time_s: float, max_bytes: int = MAX_OUTPUT_BYTES) -> None:
        """Bound all that is read from now on together: seconds, and bytes."""
        self._deadline_s = time.monotonic() + time_s
        self._allowed_bytes = self._left_bytes = max_bytes

    def write(self, data: bytes) -> None:
        """Send bytes to the shell's standard input."""
        header = _HEADER.pack(STDIN, len(data)) if self._is_v2 else b""
        self._connection.conn.sendall(header + data)

    def is_open(self) -> bool:
        """Return whether the connection still stands, without waiting."""
        connection = self._connection.conn
        connection.setblocking(False)
        try:
            return bool(connection.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return True
        except OSError:
            return False

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
        while b"\n" not in self._line:
            if self.has_ended:
                raise StopIteration
            self._line += b"".join(data for _, data in self._receive())
        line, _, self._line = self._line.partition(b"\n")
        return line.decode("utf-8", "replace").removesuffix("\r")

    def read(self) -> tuple[str, str]:
        """Return all that comes to the end: stdout, and stderr ("" where the device mixes them)."""
        found = {STDOUT: bytearray(), STDERR: bytearray()}
        while not self.has_ended:
            for identifier, data in self._receive():
                found[identifier] += data
        stdout, stderr = (data.decode("utf-8", "replace") for data in found.values())
        return stdout.replace("\r\n", "\n"), stderr.replace("\r\n", "\n")

    def _receive(self) -> list[tuple[int, bytes]]:
        remaining_s = self._deadline_s - time.monotonic()
        if remaining_s <= 0:
            raise TimeoutError
        self._connection.conn.settimeout(min(remaining_s, WAKE_S))
        try:
            chunk = self._connection.conn.recv(65_536)
        except TimeoutError:
            return []
        except OSError:
            chunk = b""
        self._left_bytes -= len(chunk)
        if self._left_bytes < 0:
            raise errors.DeviceError(
                f"a command printed more than {self._allowed_bytes} bytes", self._serial
            )
        self.has_ended = not chunk
        return self._unpack(chunk) if self._is_v2 else [(STDOUT, chunk)]

    def _unpack(self, chunk: bytes) -> list[tuple[int, bytes]]:
        self._packets += chunk
        found = []
        while len(self._packets) >= _HEADER.size:
            identifier, length = _HEADER.unpack_from(self._packets)
            end = _HEADER.size + length
            if len(self._packets) < end:
                break
            data, self._packets = self._packets[_HEADER.size : end], self._packets[end:]
            if identifier in (STDOUT, STDERR):
                found.append((identifier, data))
            elif identifier == EXIT and data:
                self.exit_status, self.has_ended = data[0], True
        return found


@dataclass(frozen=True)
class Completed:
    """What a command on a device came to; `stderr` is "" where the device mixes both streams."""

    stdout: str
    stderr: str
    exit_status: int

    @property
    def output(self) -> str:
        """Both streams."""
        return self.stdout + self.stderr


class Device:
    """One device that can be used."""

    def __init__(self, address: server.ServerAddress, serial: str) -> None:
        self.address = address
        self.serial = serial
        self._adb = AdbDevice(server.Client(address), serial=serial)
        self._streaming: ShellStream | None = None

    @classmethod
    def open(
        cls, address: server.ServerAddress, serial: str | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> Device:  # fmt: skip
        """Return the device of a serial, else the only one attached; starts the adb server."""
        server.start_server(address)
        said = server.connect(address, serial)
        if serial is None:
            ready = [each.serial for each in attached_phones(address) if each.state == server.READY]
            serial = ready[0] if len(ready) == 1 else None
        try:
            return cls(address, server.wait_for(address, serial, tell).serial)
        except errors.NoDeviceError as error:
            if said:
                error.message += f" (adb connect: {errors.printable(said)})"
            raise

    def run(
        self, arguments: Sequence[str], timeout_s: float = COMMAND_TIMEOUT_S, check: bool = True
    ) -> Completed:
        """Run a command, each argument as it shall see it; with `check`, another exit status than 0
        is an error."""
        # The hang-up of a connection reaches the shell alone: so the command takes its place. An
        # old device's exit status is printed by the shell, which has to stay for it.
        script = f"exec {shlex.join(arguments)}" if self._has_shell_v2 else shlex.join(arguments)
        completed = self._run(script, arguments, timeout_s)
        if check and completed.exit_status:
            said = errors.printable(completed.output.strip())
            raise errors.DeviceError(
                f"{_quoted(arguments)} exited with status {completed.exit_status}"
                + (f": {said}" if said else ""),
                self.serial,
            )
        return completed

    def run_all(self, commands: Mapping[str, Sequence[str]]) -> dict[str, Completed]:
        """Run commands by the caller's names for them in one shell; none has to succeed.

        Returns what each came to, by its name, both streams in `stdout`.
        """
        token = secrets.token_hex(8)
        script = "\n".join(
            f"{shlex.join(arguments)} 2>&1\nprintf '%s %d\\n' {token} $?"
            for arguments in commands.values()
        )
        output = self._run(script, ["sh", "-c", script], COMMAND_TIMEOUT_S).stdout
        results = {}
        for name, arguments in commands.items():
            text, mark, output = output.partition(f"{token} ")
            status, newline, output = output.partition("\n")
            if not mark or not newline:
                raise errors.DeviceLostError(
                    f"the shell ended before {_quoted(arguments)} did", self.serial
                )
            results[name] = Completed(text, "", int(status))
        return results

    def properties(self, names: Sequence[str]) -> dict[str, str]:
        """Return system properties as they are, whatever is in them; "" for one that is not set."""
        values = self.run_all({name: ["getprop", name] for name in names})
        return {name: value.stdout.removesuffix("\n") for name, value in values.items()}

    @contextlib.contextmanager
    def stream(self, script: str) -> Iterator[ShellStream]:
        """Run a script whose parts are quoted already; both its streams come as one.

        Leaving the context hangs up.
        """
        self._streaming = stream = self.open_stream(script)
        try:
            yield stream
        finally:
            self._streaming = None
            stream.close()

    def open_stream(self, script: str, doing: str = "a shell was opened") -> ShellStream:
        """Run a script as `stream` does; whoever calls this closes what it returns."""
        service = "shell,v2,raw" if self._has_shell_v2 else "shell"
        connection = self.open_service(f"{service}:{script}", doing)
        return ShellStream(connection, self._has_shell_v2, self.serial)

    def hang_up(self) -> None:
        """End the stream that another thread reads; its reader takes the device for lost."""
        if (stream := self._streaming) is not None:
            stream.hang_up()

    def state(self) -> str:
        """Return what the adb server says of the device now; "absent" where it lists it no more."""
        try:
            devices = server.attached_devices(self.address)
        except errors.AdbServerError:
            return "without adb server"
        return next((each.state for each in devices if each.serial == self.serial), "absent")

    def lost(self, doing: str) -> errors.DeviceError:
        """Return the error for a connection that ended, which says what has become of it."""
        if not self.address.is_answering():
            return errors.AdbServerError(
                f"the adb server at {self.address} went away while {doing}", self.serial
            )
        return errors.DeviceLostError(
            f"the connection ended while {doing}; the device is now {self.state()}", self.serial
        )

    def open_service(self, service: str, doing: str) -> AdbConnection:
        """Open one of adbd's services; `doing` says in messages what was under way."""
        connection = None
        try:
            connection = self._adb.open_transport()
            connection.send_command(service)
            connection.check_okay()
        except (AdbError, EOFError, OSError) as error:
            if connection is not None:
                connection.close()
            raise self._refusal(error, doing) from None
        return connection

    def _run(self, script: str, arguments: Sequence[str], timeout_s: float) -> Completed:
        doing = f"{_quoted(arguments)} ran"
        token = "" if self._has_shell_v2 else secrets.token_hex(8)
        if token:
            script += f"\nprintf '%s%d' {token} $?"
        with contextlib.closing(self.open_stream(script, doing)) as stream:
            stream.allow(timeout_s)
            try:
                stdout, stderr = stream.read()
            except TimeoutError:
                raise errors.CommandTimeoutError(
                    f"{_quoted(arguments)} did not end within {timeout_s:g} s", self.serial
                ) from None
            status = stream.exit_status
        if token:
            stdout, _, said = stdout.rpartition(token)
            status = int(said) if said.isdecimal() else None
        if status is None:
            raise self.lost(doing)
        return Completed(stdout, stderr, status)

    def _refusal(self, error: Exception, doing: str) -> errors.DeviceError:
        """Turn what adbutils raised into an error of this package."""
        return error if isinstance(error, errors.DeviceError) else self.lost(doing)

    @cached_property
    def _has_shell_v2(self) -> bool:
        try:
            return "shell_v2" in self._adb.get_features().split(",")
        except (AdbError, EOFError, OSError) as error:
            raise self._refusal(error, "its features were asked for") from None


def attached_phones(address: server.ServerAddress) -> list[server.Attached]:
    """Return what the adb server lists, a phone that has several serials (USB, Wi-Fi) once."""
    devices = server.attached_devices(address)
    if sum(device.state == server.READY for device in devices) < 2:
        return devices
    found: dict[str, server.Attached] = {}
    for device in sorted(devices, key=lambda each: ":" in each.serial or "._adb" in each.serial):
        found.setdefault(_who(address, device), device)
    return [device for device in devices if device in found.values()]


def _who(address: server.ServerAddress, attached: server.Attached) -> str:
    """Return what a phone is known by under all its serials, while it runs."""
    names = {"serial": ["getprop", "ro.serialno"], "boot": ["cat", BOOT_ID]}
    try:
        said = (
            Device(address, attached.serial).run_all(names)
            if attached.state == server.READY
            else {}
        )
    except errors.DeviceError:
        said = {}
    is_told = bool(said) and said["boot"].exit_status == 0
    return "".join(each.stdout for each in said.values()) if is_told else attached.serial


def _quoted(arguments: Sequence[str]) -> str:
    return f"`{errors.printable(shlex.join(arguments))}`"
