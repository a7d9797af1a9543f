"""Changes to a device, each a context manager that restores what it found; cooling it down."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from bench.android.adb.device import Device
from bench.android.adb.errors import DeviceError, ThrottledError
from bench.android.phone.conditions import Conditions, Identity, record

FIXED_PERFORMANCE_SDK = 30
"""Android 11, the first with `cmd power set-fixed-performance-mode-enabled`."""

COOL_DOWN_TIMEOUT_S = 300.0
COOL_DOWN_STEP_S = 1.0
COOL_DOWN_LOOK_EVERY = 5
"""How many seconds of the countdown pass between two looks at the device."""


@contextlib.contextmanager
def fixed_performance_mode(device: Device, identity: Identity) -> Iterator[str]:
    """Hold the device's clocks at a level that it can keep, where Android can do so.

    Android tells nobody whether the mode is on; its default is off, and a restart turns it off.
    Off is therefore what is restored.

    Yields:
        What was done: "on", "unsupported" or "refused".
    """
    if identity.sdk is None or identity.sdk < FIXED_PERFORMANCE_SDK:
        yield "unsupported"
        return
    command = ["cmd", "power", "set-fixed-performance-mode-enabled"]
    if device.run([*command, "true"], check=False).exit_status:
        yield "refused"
        return
    try:
        yield "on"
    finally:
        # Where the device is gone a restart restores it, and the reason was told already.
        with contextlib.suppress(DeviceError):
            device.run([*command, "false"], check=False)


def drop_caches_command(identity: Identity) -> list[str] | None:
    """Return the argument list that drops the page caches; None where nobody can be root."""
    if identity.root_command is None:
        return None
    drop = "sync; echo 3 > /proc/sys/vm/drop_caches"
    if identity.root_command[1:] == ("-c",):
        return [*identity.root_command, drop]
    return [*identity.root_command, "sh", "-c", drop]


def cool_down(
    device: Device,
    cores: tuple[int, ...],
    tell: Callable[[str], None],
    timeout_s: float = COOL_DOWN_TIMEOUT_S,
    sleep: Callable[[float], None] = time.sleep,
) -> Conditions:
    """Wait until a device is not throttled, with a countdown; return at once where it is not.

    Args:
        device: which.
        cores: the cores that are measured on.
        tell: is given a line every second.
        timeout_s: how long to wait.
        sleep: waits for a number of seconds.

    Returns:
        The conditions that were found good.

    Raises:
        ThrottledError: it was still throttled at the end.
    """
    remaining_s = timeout_s
    while True:
        conditions = record(device)
        reason = conditions.throttled_because(cores)
        if reason is None:
            return conditions
        if remaining_s <= 0:
            raise ThrottledError(
                f"still throttled after {timeout_s:g} s of cooling down: {reason}",
                serial=device.serial,
            )
        for _ in range(COOL_DOWN_LOOK_EVERY):
            if remaining_s <= 0:
                break
            tell(f"{device.serial} is throttled ({reason}): cooling down, {remaining_s:.0f} s left")
            sleep(min(COOL_DOWN_STEP_S, remaining_s))
            remaining_s -= COOL_DOWN_STEP_S
