"""A device: its commands, its properties, its state.

Every command is an argument list, quoted with `shlex`; a serial, a path or a property is data.
"""

from __future__ import annotations

import contextlib
import secrets
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from adbutils import AdbConnection, AdbDevice
from adbutils.errors import AdbError, AdbTimeout

from bench.android.adb.device_errors import (
    AdbServerError,
    CommandError,
    CommandTimeoutError,
    DeviceError,
    DeviceLostError,
    printable,
)
from bench.android.adb.discovery import attached_devices, wait_for
from bench.android.adb.line_stream import LineStream
from bench.android.adb.server import Client, connect, start_server
from bench.android.adb.server_address import ServerAddress

COMMAND_TIMEOUT_S = 30.0
NOT_EXECUTABLE, NOT_FOUND = 126, 127
"""Exit statuses of a shell whose command cannot be run."""


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
    """One device that can be used."""

    def __init__(self, address: ServerAddress, serial: str) -> None:
        self.address = address
        self.serial = serial
        self.adb = AdbDevice(Client(address), serial=serial)
        self._streaming: LineStream | None = None

    @classmethod
    def open(
        cls,
        address: ServerAddress,
        serial: str | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> Device:
        """Return the device of a serial, else the only one attached; starts the adb server.

        Raises:
            AdbServerError, NoDeviceError, DeviceChoiceError: see `wait_for`.
        """
        start_server(address)
        connect(address, serial)
        return cls(address, wait_for(address, serial, tell).serial)

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
        script = f"exec {shlex.join(arguments)}" if self._has_shell_v2 else shlex.join(arguments)
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
        self._streaming = stream = self.open_stream(script)
        try:
            yield stream
        finally:
            self._streaming = None
            stream.close()

    def open_stream(self, script: str) -> LineStream:
        """Run a script as `stream` does; whoever calls this closes what it returns.

        Raises:
            DeviceLostError, AdbServerError: the shell cannot be opened.
        """
        service = "shell,v2,raw" if self._has_shell_v2 else "shell"
        doing, command = "a shell was opened", ["sh", "-c", script]
        connection = self.open_service(f"{service}:{script}", doing, command)
        return LineStream(connection, self._has_shell_v2)

    def hang_up(self) -> None:
        """End the stream that another thread reads; its reader takes the device for lost."""
        if (stream := self._streaming) is not None:
            stream.hang_up()

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
            result = self.adb.shell2(
                script, timeout=timeout_s, encoding="utf-8", v2=self._has_shell_v2
            )
        except (TimeoutError, AdbError, EOFError, OSError, ValueError) as error:
            if _is_timeout(error):
                raise CommandTimeoutError(
                    f"`{printable(shlex.join(arguments))}` said nothing for {timeout_s:g} s",
                    serial=self.serial,
                    command=arguments,
                ) from None
            raise self.refusal(error, doing, arguments) from None
        stdout = result.stdout if self._has_shell_v2 else result.output
        return Completed(
            stdout.replace("\r\n", "\n"), result.stderr.replace("\r\n", "\n"), result.returncode
        )

    def refusal(
        self, error: Exception, doing: str, arguments: Sequence[str] | None = None
    ) -> DeviceError:
        """Turn what adbutils raised into an error of this package."""
        if isinstance(error, DeviceError):
            return error
        return self.lost(doing, command=arguments)

    @cached_property
    def _has_shell_v2(self) -> bool:
        try:
            return "shell_v2" in self.adb.get_features().split(",")
        except (AdbError, EOFError, OSError) as error:
            raise self.refusal(error, "its features were asked for") from None

    def open_service(
        self, service: str, doing: str, arguments: Sequence[str] | None = None
    ) -> AdbConnection:
        """Open one of adbd's services; `doing` says in messages what was under way.

        Raises:
            DeviceLostError, AdbServerError: it cannot be opened.
        """
        connection = None
        try:
            connection = self.adb.open_transport()
            connection.send_command(service)
            connection.check_okay()
        except (AdbError, EOFError, OSError) as error:
            if connection is not None:
                connection.close()
            raise self.refusal(error, doing, arguments) from None
        return connection


def _is_timeout(error: BaseException) -> bool:
    """Return whether adbutils gave up waiting, which it says in more than one way."""
    return isinstance(error, (AdbTimeout, TimeoutError)) and not isinstance(error, DeviceError)
