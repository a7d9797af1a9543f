"""All rounds of a model, from one shell on the device.

A round is a process of its own: the last one's memory is gone.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from bench.android.adb.device import Device, ShellStream
from bench.android.adb.errors import (
    CommandTimeoutError,
    DeviceError,
    DeviceLostError,
    OutputError,
    ThrottledError,
)
from bench.android.adb.files import Workspace
from bench.android.phone.conditions import THROTTLED_STATUS, whole_number
from bench.android.round_script import Plan, round_script
from bench.android.tool.tool_failures import exit_error
from bench.android.tool.tool_output import parse_run
from bench.android.tool.tool_run import ToolRun

UPTIME_TICK_S = 0.01
"""What /proc/uptime is printed in."""

CLOCK_SLACK = 0.05
"""How much more than the process the tool may claim to have measured, as a share of it."""


@dataclass(frozen=True)
class Round:
    """One round.

    Attributes:
        run: what the tool measured.
        process_s: how long the process lived, by the device's own clock (ticks of 0.01 s).
    """

    run: ToolRun
    process_s: float


@dataclass(frozen=True)
class Session:
    """All rounds of one shell.

    Attributes:
        rounds: in their order.
        whole_s: from opening the shell to its last word, on this machine's clock.
        killed_background_apps: in how many rounds `am kill-all` succeeded.
        dropped_caches: in how many rounds the page caches were dropped.
    """

    rounds: tuple[Round, ...]
    whole_s: float
    killed_background_apps: int
    dropped_caches: int

    @property
    def processes_s(self) -> float:
        """How long all processes lived together."""
        return sum(each.process_s for each in self.rounds)

    @property
    def overhead_ratio(self) -> float:
        """How many times longer the whole took than the processes themselves."""
        return self.whole_s / self.processes_s if self.processes_s else float("nan")


def run_rounds(
    device: Device,
    workspace: Workspace,
    plan: Plan,
    timeout_s: float,
    on_round: Callable[[int], None] = lambda _: None,
    before_round: Callable[[], None] | None = None,
) -> Session:
    """Run all rounds of a plan.

    Args:
        workspace: the directory that the rounds run in.
        timeout_s: how long one process may take.
        on_round: called after each round with the number of rounds done.
        before_round: waits until a round may begin; each then has a shell of its own.

    Raises:
        DeviceError, OutputError: the tool could not run, failed, or printed something else.
        DeviceError: the device's clock ran backwards or does not agree with itself.
        ThrottledError: the device slowed down.
        CommandTimeoutError: a process did not end in time.
        DeviceLostError, AdbServerError: the connection ended. Each of these carries the rounds
            that were measured before it.
    """
    if before_round is not None:
        return _run_one_by_one(device, workspace, plan, timeout_s, on_round, before_round)
    token = secrets.token_hex(8)
    reader = _Reader(device, plan, token, timeout_s, on_round)
    start_s = time.monotonic()
    try:
        with device.stream(round_script(plan, workspace.path, token)) as lines:
            reader.read(lines)
    except BaseException as error:
        if isinstance(error, DeviceError):
            error.rounds = tuple(reader.rounds)
        if not isinstance(error, DeviceLostError):
            _kill_quietly(workspace)
        raise
    return Session(
        tuple(reader.rounds),
        time.monotonic() - start_s,
        reader.killed_background_apps,
        reader.dropped_caches,
    )


def _run_one_by_one(
    device: Device,
    workspace: Workspace,
    plan: Plan,
    timeout_s: float,
    on_round: Callable[[int], None],
    before_round: Callable[[], None],
) -> Session:
    """Run each round by itself, when it may; return them as one session."""
    rounds: list[Round] = []
    sessions = []
    for done in range(1, plan.rounds + 1):
        before_round()
        try:
            sessions.append(run_rounds(device, workspace, replace(plan, rounds=1), timeout_s))
        except DeviceError as error:
            error.rounds = tuple(rounds) + tuple(error.rounds)
            raise
        rounds += sessions[-1].rounds
        on_round(done)
    return Session(
        tuple(rounds),
        sum(each.whole_s for each in sessions),
        sum(each.killed_background_apps for each in sessions),
        sum(each.dropped_caches for each in sessions),
    )


def _kill_quietly(workspace: Workspace) -> None:
    """End what still runs; where the device is gone, the error that says so is under way."""
    with contextlib.suppress(DeviceError):
        workspace.kill()


@dataclass
class _Reader:
    """Reads what the shell says."""

    device: Device
    plan: Plan
    token: str
    timeout_s: float
    on_round: Callable[[int], None]
    rounds: list[Round] = field(default_factory=list)
    killed_background_apps: int = 0
    dropped_caches: int = 0

    def read(self, lines: ShellStream) -> None:
        """Read to the last word.

        Raises:
            DeviceError: see `run_rounds`.
        """
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
                self._check_thermal_status(rest)
            elif word == "done":
                return

    def _next_line(self, lines: ShellStream) -> str:
        number = len(self.rounds) + 1
        try:
            return next(lines)
        except TimeoutError:
            raise CommandTimeoutError(
                f"benchmark_model did not end within {self.timeout_s:g} s in {self.plan.name} "
                f"{number}",
                self.device.serial,
            ) from None
        except StopIteration:
            raise self.device.lost(f"{self.plan.name} {number} of {self.plan.rounds} ran") from None

    def _finish(self, output: str, words: Sequence[str]) -> None:
        """Take the end of a round: exit status, uptime before and after, and what else was done."""
        if len(words) != 6:
            raise OutputError(
                f"the device's shell said {len(words)} words after a round, not 6; has it no "
                "/proc/uptime?",
                serial=self.device.serial,
            )
        status, before, after, caps, killed, dropped = words
        process_s = float(after) - float(before)
        self.killed_background_apps += killed == "0"
        self.dropped_caches += dropped == "0"
        try:
            if status != "0":
                raise exit_error(int(status), output)
            run = parse_run(output, self.plan.inferences)
            _check_clock(run, process_s)
            self._check_caps(caps.split(",")[1:])
        except DeviceError as error:
            error.serial = self.device.serial
            error.message = f"{self.plan.name} {len(self.rounds) + 1}: {error.message}"
            raise
        self.rounds.append(Round(run, process_s))
        self.on_round(len(self.rounds))

    def _check_caps(self, caps: Sequence[str]) -> None:
        for said, full_khz in zip(caps, self.plan.caps_khz.values(), strict=False):
            cap_khz = whole_number(said)
            if cap_khz is not None and cap_khz < full_khz:
                raise ThrottledError(
                    f"the cores are capped at {cap_khz / 1e6:.2f} GHz of {full_khz / 1e6:.2f} GHz"
                )

    def _check_thermal_status(self, words: str) -> None:
        status = whole_number(words.rpartition(":")[2].strip())
        if status is not None and status >= THROTTLED_STATUS:
            raise ThrottledError(
                f"thermal status {status} after round {len(self.rounds)}",
                serial=self.device.serial,
            )


def _check_clock(run: ToolRun, process_s: float) -> None:
    """Refuse durations that the process has not lived for.

    Raises:
        DeviceError: the tool's clock and the device's do not agree.
    """
    if process_s < 0:
        raise DeviceError(f"the device's uptime ran backwards by {-process_s:g} s")
    measured_s = run.measured_ns / 1e9
    if measured_s > process_s * (1 + CLOCK_SLACK) + 2 * UPTIME_TICK_S:
        raise DeviceError(
            f"benchmark_model measured {measured_s:.2f} s in a process that lived for "
            f"{process_s:.2f} s"
        )
