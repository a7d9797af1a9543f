"""The one Android device that all workers are measured on, interleaved."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.gate.measure.block import Settings
from bench.gate.measure.checkout import ROOT
from bench.gate.measure.gate_error import GateError

EMULATED = "emulated"


@contextlib.contextmanager
def on_device(settings: Settings, name: str, tool: Path | None) -> Iterator[Settings]:
    """Give settings under which all workers measure on the same device.

    The adb server is started here where none runs, so that no worker takes it away from the other;
    and so is the emulated device.

    Args:
        name: a serial, or "emulated".
        tool: `benchmark_model` for the device; None for the usual one.

    Raises:
        GateError: several devices are named, or there is no adb server and none can be started.
    """
    from bench.android.adb.errors import DeviceError
    from bench.android.adb.server import ServerAddress, start_server, stop_server
    from bench.android.phone.control import GROUP_VARIABLE

    if name in ("all", "none"):
        raise GateError(f"--device {name}: the gate measures on one device; give its serial")
    with contextlib.ExitStack() as stack:
        environment = {GROUP_VARIABLE: secrets.token_hex(8)}
        try:
            if name == EMULATED:
                phone = stack.enter_context(_emulated_phone())
                name, tool = phone["serial"], tool or Path(phone["tool"])
                environment["ADB_SERVER_SOCKET"] = phone["server"]
            else:
                address = ServerAddress.from_environment()
                if start_server(address):
                    stack.callback(stop_server, address)
        except DeviceError as error:
            raise GateError(str(error)) from None
        # A device that is throttled in the middle of a block leaves no block behind.
        arguments = [f"--device={name}", "--require-device", "--device-retries=0"]
        if tool is not None:
            arguments.append(f"--device-tool={tool.expanduser().resolve()}")
        yield replace(
            settings,
            pytest_arguments=(*arguments, *settings.pytest_arguments),
            is_device=True,
            shares_core=False,
            environment=environment,
        )


@contextlib.contextmanager
def _emulated_phone() -> Iterator[dict[str, str]]:
    """Run an emulated phone in a process of its own, which all workers reach as they do any phone.

    Raises:
        GateError: it does not start.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "bench.emulated_phone"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the gate, which ends it by closing its input
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise GateError("the emulated phone does not start")
        yield json.loads(line)
