"""The emulated device, attached to an adb server of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Self

import adbutils

from bench.android.adb.errors import AdbServerError
from bench.android.adb.server import Client, ServerAddress, adb_program
from bench.emulated_phone import benchmark_model, userland
from bench.emulated_phone.daemon import Daemon, Faults
from bench.emulated_phone.services import Shell, services
from bench.emulated_phone.userland import FILE_NAME, GALAXY_S8, TOOL_FAULTS, Profile

REPOSITORY = Path(__file__).parents[2]
START_TIMEOUT_S = 20.0
_GUARD = """
cat > /dev/null
[ -d "$1" ] || exit 0
read -r pid < "$1/adb.pid"
case $pid in ''|0*|1|*[!0-9]*) ;; *) [ "/proc/$pid/cwd" -ef "$1" ] && kill -9 "$pid";; esac
rm -rf "$1"
"""
"""A shell that waits for the end of this process, and cleans up where it was killed."""


class EmulatedDevice:
    """A loopback device and the real adb server that it is attached to.

    The server listens on a private port and keeps its keys in a temporary home, so that neither
    the user's server nor the user's keys are touched. A context manager: leaving it ends every
    process and removes every file, on both sides.
    """

    def __init__(self, profile: Profile = GALAXY_S8) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="emulated-android-"))
        self.root = self._home / "root"
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "guard", str(self._home)], stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        userland.install(self.root, profile)
        banner = ";".join(
            f"{name}={userland.PROPERTIES[name]}"
            for name in ("ro.product.name", "ro.product.model", "ro.product.device")
        )
        self._shell = Shell(self.root)
        faults = Faults()
        self.daemon = Daemon(banner, services(self.root, self._shell, faults), faults)
        self.address = ServerAddress(port=adbutils._utils.get_free_port())
        self._server: subprocess.Popen | None = None

    def __enter__(self) -> Self:
        try:
            _let_shells_notice_hangups()
            self.daemon.start()
            self.start_server()
            self.attach()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_exception) -> None:
        self.close()

    @property
    def serial(self) -> str:
        """The serial that the adb server knows the device by."""
        return f"127.0.0.1:{self.daemon.port}"

    def start_server(self) -> None:
        """Start the private adb server, unless it runs."""
        if self._server is not None and self._server.poll() is None:
            return
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("ADB_", "ANDROID_"))
        }
        # No look-out for devices of the machine: this server's only one is the emulated device.
        environment |= {"HOME": str(self._home), "ADB_MDNS": "0", "ADB_USB": "0", "ADB_EMU": "0"}
        with (self._home / "adb.log").open("ab") as log:
            self._server = subprocess.Popen(
                [adb_program(), "-P", str(self.address.port), "nodaemon", "server"],
                env=environment,
                cwd=self._home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is pytest's; the server ends with the device
            )
        (self._home / "adb.pid").write_text(f"{self._server.pid}\n")
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not self.address.is_answering():
            if self._server.poll() is not None or time.monotonic() > deadline_s:
                log_text = (self._home / "adb.log").read_text(errors="replace").strip()
                raise AdbServerError(f"the private adb server does not start: {log_text}")
            time.sleep(0.02)

    def attach(self) -> None:
        """Let the adb server connect to the device."""
        Client(self.address).connect(self.serial, timeout=START_TIMEOUT_S)

    def revive(self) -> None:
        """Bring the adb server and the connection back where they are gone, but not the device."""
        if self._server is None or self._server.poll() is not None:
            self.start_server()
            self.attach()

    def kill_server(self) -> None:
        """Kill the adb server, as `adb kill-server` does in the middle of something."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()

    def unplug(self) -> None:
        """Cut the connection and take no new one."""
        self.daemon.unplug()

    def restart(self) -> None:
        """End every process of the device at once, as a restart does; files stay."""
        self._shell.kill_all()
        (self.root / "system/fixed-performance-mode").write_text("false\n")

    def tool(self, generation: str = "interpreter") -> Path:
        """Write a `benchmark_model` of a generation, and return where it is.

        It has the flags and the output of the "interpreter" or of the "compiled" (model) tool.
        """
        path = self._home / "tools" / generation / "benchmark_model"
        path.parent.mkdir(parents=True, exist_ok=True)
        python_path = os.pathsep.join(
            [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
        )
        path.write_text(
            "#!/bin/sh\n"
            f"export PYTHONPATH={shlex.quote(python_path)}\n"
            f"exec {shlex.quote(sys.executable)} -m {benchmark_model.__name__} "
            f'--emulated_generation={generation} "$@"\n'
        )
        return path

    def set_tool_fault(self, fault: str | None, from_run: int = 0) -> None:
        """Let each run of `benchmark_model` from number `from_run` on do one of `TOOL_FAULTS`."""
        if fault is not None and fault not in TOOL_FAULTS:
            raise ValueError(f"unknown fault {fault!r}")
        state = {"fault": fault, "from_run": from_run, "runs": 0}
        (self.root / FILE_NAME).write_text(json.dumps(state))

    def tool_runs(self) -> int:
        """Return how many runs of the tool have begun since a fault was set."""
        try:
            return json.loads((self.root / FILE_NAME).read_text())["runs"]
        except (FileNotFoundError, ValueError):  # none was set, or it is being written
            return 0

    def set_property(self, name: str, value: str) -> None:
        """Let `getprop` answer with a value, whatever is in it."""
        (self.root / "system/properties" / name).write_text(value + "\n")

    def log(self) -> list[str]:
        """Return the commands that changed something, in their order."""
        return (self.root / "system/log").read_text().splitlines()

    def files(self) -> list[str]:
        """Return what lies in the directory that runs may write to."""
        directory = self.root / "data/local/tmp"
        return sorted(path.name for path in directory.iterdir() if path.name != ".keep")

    def processes(self) -> list[int]:
        """Return the processes of the device that live (on Linux)."""
        return self._shell.processes()

    def close(self) -> None:
        """End every process and remove every file."""
        connections = self.daemon.cut()
        self._shell.kill_all()
        for connection in connections:
            connection.join_services(timeout_s=5)
        self._shell.kill_all()  # what a service began while it ended
        self.kill_server()
        shutil.rmtree(self._home, ignore_errors=True)
        self._guard.communicate()


def _let_shells_notice_hangups() -> None:
    """Undo what `nohup` did, for the device's shells: one that is born deaf to SIGHUP stays so.

    A signal that has a handler here is back at its default in a child; one that is ignored is not.
    """
    with contextlib.suppress(ValueError):  # not the main thread, which alone may set handlers
        if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
            signal.signal(signal.SIGHUP, lambda *_: None)
