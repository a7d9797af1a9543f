"""Waiting for a device to cool down."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from bench.android.adb.adb_device import Device
from bench.android.adb.device_errors import ThrottledError
from bench.android.phone.phone_conditions import Conditions, record

COOL_DOWN_TIMEOUT_S = 300.0
REST_S = 30.0
"""How long a device rests after it was throttled, before it is looked at again."""

STEP_S = 1.0
LOOK_EVERY = 5
"""How many seconds of the countdown pass between two looks at the device."""


def cool_down(
    device: Device,
    cores: Collection[int],
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
        for _ in range(LOOK_EVERY):
            if remaining_s <= 0:
                break
            tell(f"{device.serial} is throttled ({reason}): cooling down, {remaining_s:.0f} s left")
            sleep(min(STEP_S, remaining_s))
            remaining_s -= STEP_S


def rest(
    device: Device,
    duration_s: float,
    reason: str,
    tell: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Let a device rest for some seconds, with a countdown; `reason` says why in the line."""
    remaining_s = duration_s
    while remaining_s > 0:
        tell(f"{device.serial} rests ({reason}): {remaining_s:.0f} s left")
        sleep(min(STEP_S, remaining_s))
        remaining_s -= STEP_S
