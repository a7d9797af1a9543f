"""Waiting for a device to cool down."""

from __future__ import annotations

import math
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
        cores: the cores that are measured on.
        tell: is given a line every second.

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
        doing = f"{device.serial} is throttled ({reason}): cooling down,"
        remaining_s = _count_down(doing, remaining_s, LOOK_EVERY, tell, sleep)


def rest(device: Device, duration_s: float, reason: str, tell: Callable[[str], None]) -> None:
    """Let a device rest for some seconds, with a countdown; `reason` says why in the line."""
    _count_down(f"{device.serial} rests ({reason}):", duration_s, math.inf, tell, time.sleep)


def _count_down(
    doing: str,
    remaining_s: float,
    steps: float,
    tell: Callable[[str], None],
    sleep: Callable[[float], None],
) -> float:
    """Tell and wait, a second a step; return what remains, 0 or less at the end."""
    while remaining_s > 0 and steps > 0:
        tell(f"{doing} {remaining_s:.0f} s left")
        sleep(min(STEP_S, remaining_s))
        remaining_s, steps = remaining_s - STEP_S, steps - 1
    return remaining_s
