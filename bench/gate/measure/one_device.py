"""The one Android device that both sides are measured on, in turns."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.gate.errors import GateError
from bench.gate.measure.controller import Settings

EMULATED = "emulated"


@contextlib.contextmanager
def on_device(settings: Settings, name: str, tool: Path | None) -> Iterator[Settings]:
    """Give settings under which both sides measure on the same device.

    The adb server is started here where none runs, so that no side takes it away from the other;
    and so is the emulated device.

    Args:
        settings: of the comparison.
        name: a serial, or "emulated".
        tool: `benchmark_model` for the device; None for the usual one.

    Raises:
        GateError: there is no adb server and none can be started.
    """
    from bench.android.adb.discovery import ServerAddress
    from bench.android.adb.errors import DeviceError
    from bench.android.adb.server import start_server, stop_server
    from bench.emulated_phone.emulated_device import EmulatedDevice

    with contextlib.ExitStack() as stack:
        environment: dict[str, str] = {}
        try:
            if name == EMULATED:
                emulated = stack.enter_context(EmulatedDevice())
                name, tool = emulated.serial, tool or emulated.tool()
                environment["ADB_SERVER_SOCKET"] = f"tcp:{emulated.address}"
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
