"""Reaching a device: discovery, choosing one, commands, files.

Every command is an argument list, quoted with `shlex`; a serial, a path or a property is data.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import shlex
import socket
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from adbutils import AdbConnection, AdbDevice
from adbutils.errors import AdbError

from bench.android.adb.discovery import READY, ServerAddress, attached_devices, choose
from bench.android.adb.errors import (
    AdbServerError,
    CommandError,
    CommandTimeoutError,
    DeviceError,
    DeviceLostError,
    TransferError,
    printable,
)
from bench.android.adb.server import Client, start_server

COMMAND_TIMEOUT_S = 30.0
TRANSFER_TIMEOUT_S = 120.0
SYNC_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True)
class Completed:
    """What a command on a device came to.

    Attributes:
        stdout: what it printed.
        stderr: what it printed to stderr; "" where the device mixes both.
        exit_status: its exit status.
    """

    stdout: str
    stderr: str
    exit_status: int

    @property
    def output(self) -> str:
        """Both streams."""
        return self.stdout + self.stderr


class Device:
    """One device that can be used.

    Args:
        address: the adb server's.
        serial: the device's.
    """

    def __init__(self, address: ServerAddress, serial: str) -> None:
        self.address = address
        self.serial = serial
        self._client = Client(address)
        self._adb = AdbDevice(self._client, serial=serial)
        self._has_shell_v2: bool | None = None

    @classmethod
    def open(cls, address: ServerAddress, serial: str | None = None) -> Device:
        """Return the device of a serial, else the only one attached; starts the adb server.

        Raises:
            AdbServerError, NoDeviceError, DeviceChoiceError: see `choose`.
        """
        start_server(address)
        return cls(address, choose(attached_devices(address), serial).serial)

    def run(
        self, arguments: Sequence[str], timeout_s: float = COMMAND_TIMEOUT_S, check: bool = True
    ) -> Completed:
        """Run a command and wait for its end.

        Args:
            arguments: the command and its arguments, each as the command shall see it.
            timeout_s: how long it may say nothing.
            check: whether another exit status than 0 is an error.

        Raises:
            CommandError, CommandTimeoutError, DeviceLostError, AdbServerError.
        """
        # The hang-up of a connection reaches the shell alone: so the command takes its place. An
        # old device's exit status is printed by the shell, which has to stay for it.
        script = f"exec {shlex.join(arguments)}" if self._shell_v2() else shlex.join(arguments)
        completed = self._run(script, arguments, timeout_s)
        if check and completed.exit_status:
            said = completed.output.strip()
            raise CommandError(
                f"`{printable(shlex.join(arguments))}` exited with status "
                f"{completed.exit_status}" + (f": {printable(said)}" if said else ""),
                serial=self.serial,
                command=arguments,
                output=completed.output,
                exit_status=completed.exit_status,
            )
        return completed

    def run_all(
        self, commands: Mapping[str, Sequence[str]], timeout_s: float = COMMAND_TIMEOUT_S
    ) -> dict[str, Completed]:
        """Run several commands one after another in one shell; none has to succeed.

        Args:
            commands: argument lists by a name of the caller's.
            timeout_s: how long they may say nothing.

        Returns:
            What each came to, by its name, both streams in `stdout`.

        Raises:
            CommandTimeoutError, DeviceLostError, AdbServerError.
        """
        token = secrets.token_hex(8)
        script = "\n".join(
            f"{shlex.join(arguments)} 2>&1\nprintf '%s %d\\n' {token} $?"
            for arguments in commands.values()
        )
        output = self._run(script, ["sh", "-c", script], timeout_s).stdout
        results = {}
        for name in commands:
            text, mark, output = output.partition(f"{token} ")
            status, newline, output = output.partition("\n")
            if not mark or not newline:
                raise DeviceLostError(
                    f"the shell ended before `{printable(shlex.join(commands[name]))}` did",
                    serial=self.serial,
                    command=commands[name],
                    output=text,
                )
            results[name] = Completed(text, "", int(status))
        return results

    def properties(self, names: Sequence[str]) -> dict[str, str]:
        """Return system properties as they are, whatever is in them; "" for one that is not set."""
        values = self.run_all({name: ["getprop", name] for name in names})
        return {name: value.stdout.removesuffix("\n") for name, value in values.items()}

    @contextlib.contextmanager
    def stream(self, script: str) -> Iterator[LineStream]:
        """Run a script whose parts are quoted already; its lines come as they are printed.

        Both streams come as one. Leaving the context hangs up. A line that the device has not
        ended when it hangs up is not given.

        Args:
            script: what the device's `sh` runs.

        Yields:
            The lines, without their ends; `set_timeout` bounds the wait for each.

        Raises:
            DeviceLostError, AdbServerError: the shell cannot be opened.
        """
        use_v2 = self._shell_v2()
        connection = self._open(f"shell,v2,raw:{script}" if use_v2 else f"shell:{script}", script)
        try:
            yield LineStream(connection, use_v2)
        finally:
            connection.close()

    def push(self, content: bytes, path: str, mode: int = 0o644) -> bool:
        """Write a file, unless the device has one there with the same sha256.

        Args:
            content: what shall be in it.
            path: where, in the device's terms.
            mode: its permissions.

        Returns:
            Whether it was sent.

        Raises:
            TransferError: the device refused it, or it arrived as something else.
        """
        digest = hashlib.sha256(content).hexdigest()
        if self.sha256(path) == digest:
            return False
        self._send(content, path, mode)
        arrived = self.sha256(path)
        if arrived != digest:
            raise TransferError(
                f"{printable(path)} arrived as something else (sha256 {arrived}, sent {digest})",
                serial=self.serial,
            )
        return True

    def sha256(self, path: str) -> str | None:
        """Return the sha256 of a file on the device (hexadecimal); None where there is none."""
        completed = self.run(["sha256sum", path], check=False, timeout_s=TRANSFER_TIMEOUT_S)
        digest = completed.stdout.lstrip("\\").partition(" ")[0]
        if completed.exit_status == 0 and len(digest) == 64:
            return digest
        if completed.exit_status == 127:  # older than Android 7
            content = self._receive(path)
            return None if content is None else hashlib.sha256(content).hexdigest()
        return None

    def pull(self, path: str) -> bytes:
        """Return a file's content.

        Raises:
            TransferError: the device has no such file, or does not give it.
        """
        content = self._receive(path)
        if content is None:
            raise TransferError(f"{printable(path)} cannot be pulled", serial=self.serial)
        return content

    def state(self) -> str:
        """Return what the adb server says of the device now; "absent" where it lists it no more."""
        try:
            states = {device.serial: device.state for device in attached_devices(self.address)}
        except AdbServerError:
            return "without adb server"
        return states.get(self.serial, "absent")

    def lost(self, doing: str, **context) -> DeviceError:
        """Return the error for a connection that ended, which says what has become of it."""
        if not self.address.is_answering():
            return AdbServerError(
                f"the adb server at {self.address} went away while {doing}",
                serial=self.serial,
                **context,
            )
        return DeviceLostError(
            f"the connection ended while {doing}; the device is now {self.state()}",
            serial=self.serial,
            **context,
        )

    def _run(self, script: str, arguments: Sequence[str], timeout_s: float) -> Completed:
        doing = f"`{printable(shlex.join(arguments))}` ran"
        try:
            result = self._adb.shell2(
                script, timeout=timeout_s, encoding="utf-8", v2=self._shell_v2()
            )
        except (TimeoutError, AdbError, EOFError, OSError, ValueError) as error:
            if _is_timeout(error):
                raise CommandTimeoutError(
                    f"`{printable(shlex.join(arguments))}` said nothing for {timeout_s:g} s",
                    serial=self.serial,
                    command=arguments,
                ) from None
            raise self._refusal(error, doing, arguments) from None
        stdout = result.stdout if self._shell_v2() else result.output
        return Completed(
            stdout.replace("\r\n", "\n"), result.stderr.replace("\r\n", "\n"), result.returncode
        )

    def _refusal(
        self, error: Exception, doing: str, arguments: Sequence[str] | None = None
    ) -> DeviceError:
        """Turn what adbutils raised into an error of this package."""
        if isinstance(error, DeviceError):
            return error
        return self.lost(doing, command=arguments)

    def _shell_v2(self) -> bool:
        if self._has_shell_v2 is None:
            try:
                self._has_shell_v2 = "shell_v2" in self._adb.get_features().split(",")
            except (AdbError, EOFError, OSError) as error:
                raise self._refusal(error, "its features were asked for") from None
        return self._has_shell_v2

    def _open(self, service: str, script: str) -> AdbConnection:
        connection = None
        try:
            connection = self._adb.open_transport()
            connection.send_command(service)
            connection.check_okay()
        except (AdbError, EOFError, OSError) as error:
            if connection is not None:
                connection.close()
            raise self._refusal(error, "a shell was opened", ["sh", "-c", script]) from None
        return connection

    def _send(self, content: bytes, path: str, mode: int) -> None:
        """Write a file through the sync service.

        adbutils' own push keeps the device's reason for a refusal to itself, so this speaks to
        the service directly (SYNC.TXT of adb).
        """
        with self._sync() as connection:
            try:
                target = f"{path},{0o100000 | mode}".encode()
                connection.sendall(b"SEND" + struct.pack("<I", len(target)) + target)
                for start in range(0, len(content), SYNC_CHUNK_BYTES):
                    chunk = content[start : start + SYNC_CHUNK_BYTES]
                    connection.sendall(b"DATA" + struct.pack("<I", len(chunk)) + chunk)
                connection.sendall(b"DONE" + struct.pack("<I", int(time.time())))
            except OSError:
                pass  # the device has refused it already, and says why
            answer, message = _read_answer(connection)
        if answer == b"OKAY":
            return
        if answer == b"FAIL":
            raise TransferError(
                f"{printable(path)} cannot be pushed ({printable(message)})",
                serial=self.serial,
                output=message,
            )
        raise self.lost(f"{printable(path)} was pushed")

    def _receive(self, path: str) -> bytes | None:
        try:
            return self._adb.sync.read_bytes(path)
        except (AdbError, EOFError, OSError) as error:
            if isinstance(error, DeviceError) or self.state() != READY:
                raise self._refusal(error, f"{printable(path)} was pulled") from None
            return None

    @contextlib.contextmanager
    def _sync(self) -> Iterator[socket.socket]:
        connection = self._open("sync:", "")
        connection.conn.settimeout(TRANSFER_TIMEOUT_S)
        try:
            yield connection.conn
        finally:
            connection.close()


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
            if identifier in (1, 2):  # stdout, stderr
                self._text += self._packets[5 : 5 + length]
            self._packets = self._packets[5 + length :]


def _read_answer(connection: socket.socket) -> tuple[bytes, str]:
    """Read the sync service's answer to SEND: its four letters, and the reason of a FAIL."""
    try:
        header = _read(connection, 8)
        answer, length = header[:4], struct.unpack("<I", header[4:])[0]
        return answer, _read(connection, length).decode("utf-8", "replace") if length else ""
    except (OSError, EOFError):
        return b"", ""


def _read(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        chunk = connection.recv(count - len(data))
        if not chunk:
            raise EOFError
        data += chunk
    return data


def _is_timeout(error: BaseException) -> bool:
    """Return whether adbutils gave up waiting, which it says in more than one way."""
    from adbutils.errors import AdbTimeout

    return isinstance(error, (AdbTimeout, TimeoutError)) and not isinstance(error, DeviceError)
