"""All rounds of a model, from one shell on the device; each is a process of its own.

The shell does all of a round by itself and reports as it goes, so that no round waits for the
connection. It says what it does in lines that begin with a token which nobody else knows;
everything else is the tool's. It cleans up after itself where the connection ends, since then
nobody else can.
"""

from __future__ import annotations

import contextlib
import math
import re
import secrets
import shlex
import statistics
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bench.android.adb import errors
from bench.android.adb.device import Device, ShellStream
from bench.android.adb.files import SESSION_FILE, TOOL_FILE, Workspace
from bench.android.phone import conditions
from bench.android.phone.conditions import is_another_frequency, whole_number
from bench.android.tool.output import DeviceRound, exit_error, parse_round

CLEAR_EVERY_S = 10
"""How long background apps stay ended: `am` takes as long as many a round, and apps do not come
back at once."""

THERMAL_STATUS_EVERY_S = 5
"""How long passes between two looks at the thermal service, which are slow."""

_UPTIME = re.compile(r"\d+(\.\d+)?", re.ASCII)


@dataclass(frozen=True)
class Plan:
    """What a shell does in each round, which messages call by `name`.

    `caps_khz` says by files what each says of a phone whose clocks are as they were before.
    """

    command: Sequence[str]
    rounds: int
    inferences: int
    name: str = "round"
    cpu_mask: str | None = None
    kill_background_apps: bool = True
    drop_caches: Sequence[str] | None = None
    caps_khz: Mapping[str, int] = field(default_factory=dict)
    watch_thermal_service: bool = False
    duration_s: float | None = None  # no round begins after it


@dataclass(frozen=True)
class Sitting:
    """All rounds of a model, measured without a break.

    `whole_s` is from opening the shell to its last word, on this machine's clock.
    """

    rounds: tuple[DeviceRound, ...]
    whole_s: float
    killed_background_apps: int
    dropped_caches: int

    def describe(self) -> dict[str, Any]:
        """Return what results carry of all rounds together."""
        processes_s = sum(each.process_s for each in self.rounds)
        return {
            "rounds_with_background_apps_killed": self.killed_background_apps,
            "rounds_with_caches_dropped": self.dropped_caches,
            "caches_dropped": self.dropped_caches > 0,
            "overhead": {
                "whole_s": self.whole_s,
                "processes_s": processes_s,
                "ratio": self.whole_s / processes_s if processes_s else None,
            },
            "percentiles_ns": self._percentiles_ns(),
            "footprint_init_mb": _mean([each.footprint_init_mb for each in self.rounds]),
            "footprint_overall_mb": _mean([each.footprint_overall_mb for each in self.rounds]),
        }

    def _percentiles_ns(self) -> list[float] | None:
        """The 5th, the median and the 95th inside a process; of each the median of the rounds."""
        known = [each.percentiles_ns for each in self.rounds if each.percentiles_ns]
        return list(map(statistics.median, zip(*known, strict=True))) if known else None


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def run_rounds(
    device: Device, workspace: Workspace, plan: Plan, timeout_s: float,
    on_round: Callable[[int], None] = lambda _: None,
    before_round: Callable[[], None] | None = None,
) -> Sitting:  # fmt: skip
    """Run all rounds of a plan in a workspace.

    Each process may take `timeout_s`. `on_round` is told the number of rounds done; `before_round`
    waits until a round may begin, and each then has a shell of its own.
    """
    if before_round is None:
        return _in_one_shell(device, workspace, plan, timeout_s, on_round)
    found = Sitting((), 0.0, 0, 0)
    for done in range(1, plan.rounds + 1):
        before_round()
        try:
            one = _in_one_shell(device, workspace, replace(plan, rounds=1), timeout_s)
        except errors.DeviceError as error:
            error.rounds = found.rounds + error.rounds
            raise
        pairs = zip(vars(found).values(), vars(one).values(), strict=True)
        found = Sitting(*(before + more for before, more in pairs))
        on_round(done)
    return found


def _in_one_shell(
    device: Device, workspace: Workspace, plan: Plan, timeout_s: float, on_round=lambda _: None
) -> Sitting:
    token = secrets.token_hex(8)
    reader = _Reader(device, plan, token, timeout_s, on_round)
    start_s = time.monotonic()
    try:
        with device.stream(round_script(plan, workspace.path, token)) as lines:
            reader.read(lines)
    except BaseException as error:
        if isinstance(error, errors.DeviceError):
            error.rounds = tuple(reader.rounds)
        if not isinstance(error, errors.DeviceLostError):
            with contextlib.suppress(errors.DeviceError):  # where it is gone, `error` says so
                workspace.kill()
        raise
    return Sitting(
        tuple(reader.rounds), time.monotonic() - start_s, reader.killed_background_apps,
        reader.dropped_caches,
    )  # fmt: skip


@dataclass
class _Reader:
    """Reads what the shell says."""

    device: Device
    plan: Plan
    token: str
    timeout_s: float
    on_round: Callable[[int], None]
    rounds: list[DeviceRound] = field(default_factory=list)
    killed_background_apps: int = 0
    dropped_caches: int = 0

    def read(self, lines: ShellStream) -> None:
        """Read to the last word; raises as `run_rounds`."""
        output: list[str] = []
        lines.allow(self.timeout_s)
        while True:
            line = self._next_line(lines)
            before, mark, words = line.partition(self.token + " ")
            if not mark:
                output.append(line + "\n")
                continue
            word, _, rest = words.partition(" ")
            if word == "begin":
                output = [before] if before else []
                lines.allow(self.timeout_s)
            elif word == "end":
                # Text before the token is a line that the tool did not end.
                self._finish("".join(output) + before, rest.split())
            elif word == "thermal":
                status = whole_number(rest.rpartition(":")[2].strip())
                if status is not None and status >= conditions.THROTTLED_STATUS:
                    raise errors.ThrottledError(
                        f"thermal status {status} after round {len(self.rounds)}",
                        self.device.serial,
                    )
            elif word == "done":
                return

    def _next_line(self, lines: ShellStream) -> str:
        number = len(self.rounds) + 1
        try:
            return next(lines)
        except TimeoutError:
            raise errors.CommandTimeoutError(
                f"benchmark_model did not end within {self.timeout_s:g} s in {self.plan.name} "
                f"{number}",
                self.device.serial,
            ) from None
        except StopIteration:
            raise self.device.lost(f"{self.plan.name} {number} of {self.plan.rounds} ran") from None

    def _finish(self, output: str, words: Sequence[str]) -> None:
        """Take the end of a round: exit status, uptime before and after, and what else was done."""
        try:
            self.rounds.append(self._round(output, words))
        except errors.DeviceError as error:
            error.serial = self.device.serial
            error.message = f"{self.plan.name} {len(self.rounds) + 1}: {error.message}"
            raise
        self.on_round(len(self.rounds))

    def _round(self, output: str, words: Sequence[str]) -> DeviceRound:
        if len(words) != 6 or not all(_UPTIME.fullmatch(word) for word in words[1:3]):
            raise errors.DeviceError(
                "the device's shell did not say how long it is up (/proc/uptime): "
                f"{errors.printable(' '.join(words))}"
            )
        status, before, after, caps, killed, dropped = words
        process_s = float(after) - float(before)
        self.killed_background_apps += killed == "0"
        self.dropped_caches += dropped == "0"
        if status != "0":
            raise exit_error(int(status), output)
        if process_s < 0:
            raise errors.DeviceError(f"the device's uptime ran backwards by {-process_s:g} s")
        found = parse_round(output, self.plan.inferences, process_s)
        if self.rounds and found.tool != self.rounds[0].tool:
            named = "; ".join(map(str, found.tool.delegates)) or "no delegate is named"
            raise errors.DeviceError(f"it did not run as round 1 did: {errors.printable(named)}")
        for said, full_khz in zip(caps.split(",")[1:], self.plan.caps_khz.values(), strict=False):
            cap_khz = whole_number(said)
            if cap_khz and is_another_frequency(cap_khz, full_khz):
                raise errors.ThrottledError(
                    f"the cores are capped at {cap_khz / 1e6:.2f} GHz, before at "
                    f"{full_khz / 1e6:.2f} GHz"
                )
        return found


def round_script(plan: Plan, directory: str, token: str) -> str:
    """Return what the device's shell runs; every argument in it is quoted.

    The process is a job of its own so that the shell knows its number and, while it waits, still
    notices that the connection ended (SIGHUP). That can happen right after the process was begun,
    so the handler asks the shell itself for the number.
    """
    command = list(plan.command)
    if plan.cpu_mask is not None:
        command = ["taskset", plan.cpu_mask, *command]
    kill_apps = (
        f"[ $((${{now%.*}} - cleared)) -lt {CLEAR_EVERY_S} ] || {{\n"
        "    am kill-all >/dev/null 2>&1; killed=$? cleared=${now%.*}\n  }"
        if plan.kill_background_apps
        else ":"
    )
    drop = (
        f"{shlex.join(plan.drop_caches)} >/dev/null 2>&1; dropped=$?" if plan.drop_caches else ":"
    )
    read_caps = "".join(
        f"cap=; read -r cap 2>/dev/null < {shlex.quote(file)}; caps=$caps,$cap\n  "
        for file in plan.caps_khz
    )
    thermal = (
        f"[ $((${{after%.*}} - looked)) -lt {THERMAL_STATUS_EVERY_S} ] || {{\n"
        f"    echo {token} thermal $(dumpsys thermalservice | grep 'Thermal Status:')\n"
        "    looked=${after%.*}\n  }"
        if plan.watch_thermal_service
        else ":"
    )
    enough = (
        f'[ "${{after%.*}}" -lt "$((${{start%.*}} + {math.ceil(plan.duration_s)}))" ] || break'
        if plan.duration_s
        else ":"
    )
    return f"""
lost() {{
  trap '' HUP PIPE TERM INT
  [ "$!" = "$ended" ] || kill -9 "$!"
  cd /
  rm -rf {shlex.quote(directory)}
  exit 1
}}
trap lost HUP PIPE TERM INT
cd {shlex.quote(directory)} || exit 1
echo $$ > {SESSION_FILE}
dropped=- round=0 ended= cleared=-{CLEAR_EVERY_S} looked=-{THERMAL_STATUS_EVERY_S}
read -r start rest < /proc/uptime
while [ "$round" -lt {plan.rounds} ]; do
  killed=-
  read -r now rest < /proc/uptime
  {kill_apps}
  {drop}
  read -r before rest < /proc/uptime
  echo {token} begin
  {shlex.join(command)} 2>&1 &
  echo "$!" > {TOOL_FILE}
  wait "$!"
  status=$? ended=$!
  : > {TOOL_FILE}
  read -r after rest < /proc/uptime
  caps=
  {read_caps}echo {token} end "$status" "$before" "$after" "caps$caps" "$killed" "$dropped"
  {thermal}
  round=$((round + 1))
  {enough}
done
trap - HUP PIPE TERM INT
rm -f {SESSION_FILE}
echo {token} done
"""


MIN_ROUNDS = 30
"""Fewer rounds cannot tell a drift from noise: a third of them is compared with a third."""

THROTTLED_SLOWDOWN = 0.1
"""A phone that throttles slows down by a fifth to a half; the noise of medians stays below."""

LEVEL = 0.001


@dataclass(frozen=True)
class Drift:
    """By which share the last third of the rounds is slower than the first (medians), and the
    p-value of the one-sided Mann-Whitney test that it is."""

    slowdown: float
    p_value: float

    @property
    def is_throttling(self) -> bool:
        """Whether it is too large, and too sure, for anything but heat."""
        return self.slowdown >= THROTTLED_SLOWDOWN and self.p_value < LEVEL


def drift_of(durations: Sequence[float]) -> Drift | None:
    """Return the drift of rounds in their order (any unit); None for fewer than `MIN_ROUNDS`."""
    if len(durations) < MIN_ROUNDS:
        return None
    from scipy.stats import mannwhitneyu

    third = len(durations) // 3
    first, last = np.asarray(durations[:third]), np.asarray(durations[-third:])
    slowdown = float(np.median(last) / np.median(first)) - 1
    return Drift(slowdown, float(mannwhitneyu(last, first, alternative="greater").pvalue))


ROUND_S, MOST_ROUNDS = 2.0, 1_000_000
"""How long a round computes at least, so that starting its process is no rest."""

HEAT_EVERY_S = 15.0
"""How long passes between two looks at the heat; a look takes a part of a second of one core."""


class HeatLog:
    """What became of a phone that is measured on and on; times are since its creation."""

    def __init__(self, device: Device, cores: Collection[int]) -> None:
        self._device, self._cores = device, cores
        self._start_s, self._round_ends_s = time.monotonic(), list[float]()
        self._heat: list[dict[str, Any]] = []
        self._look()

    def round_done(self) -> float:
        """Note a round's end; return how long it is since the start."""
        self._round_ends_s.append(time.monotonic() - self._start_s)
        if self._round_ends_s[-1] >= self._heat[-1]["at_s"] + HEAT_EVERY_S:
            self._look()
        return self._round_ends_s[-1]

    def to_dict(self) -> dict[str, Any]:
        """Return what results carry of it, after a last look."""
        self._look()
        return {"round_ends_s": self._round_ends_s, "heat": self._heat}

    def _look(self) -> None:
        now = conditions.record(self._device)
        allowed = [
            core.cap_khz / core.max_khz
            for core in now.cores
            if core.cap_khz and core.max_khz and (not self._cores or core.number in self._cores)
        ]
        self._heat.append({
            "at_s": time.monotonic() - self._start_s, "battery_c": now.battery_c,
            "hottest_c": max(now.temperatures_c.values(), default=None),
            "thermal_status": now.thermal_status,
            "allowed_share": min(allowed, default=None),  # of the highest frequency
        })  # fmt: skip
