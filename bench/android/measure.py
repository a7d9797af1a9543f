"""One model on one device: everything that a benchmark of it has to know."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, Self

from bench.android.adb.device import Device
from bench.android.adb.errors import DeviceError, OutputError, ThrottledError, ToolError
from bench.android.adb.workspace import Workspace
from bench.android.phone import control
from bench.android.phone.conditions import (
    Conditions,
    Identity,
    cores_of,
    fastest_cores,
    identify,
    mask_of,
    record,
)
from bench.android.session import Plan, Session, exit_error, run_rounds
from bench.android.tool.find import Tool
from bench.android.tool.parsing import TICK_NS, ToolRun, parse_flags
from bench.android.verification import Sample
from models.files.artifacts import Artifact

WARMUPS = 3
"""Inferences before those that count: enough for caches, and for the governor to wake up."""

MIN_INFERENCES = 10
RESOLUTION = 0.005
"""The largest share of a round's summed time that one tick of the tool's clock may be."""

TRIAL_INFERENCES = 3
INPUT_NAME = "input"
"""What the input is called towards the tool, which only warns where the model calls it otherwise;
so no name out of a model's file gets into a command."""

DELEGATE_FLAGS = {"cpu": None, "gpu": "use_gpu", "nnapi": "use_nnapi"}
REQUIRED_FLAGS = ("graph", "num_runs", "min_secs", "warmup_runs", "warmup_min_secs", "num_threads")


class Reporter(Protocol):
    """What is told of a measurement while it runs."""

    def begin(self, title: str, rounds: int) -> None:
        """The rounds begin."""

    def advance(self, done: int) -> None:
        """So many rounds are done."""

    def end(self) -> None:
        """The rounds have ended, well or not."""

    def tell(self, line: str) -> None:
        """Something that a person wants to know now."""


class Silent:
    """A reporter that says nothing."""

    def begin(self, title: str, rounds: int) -> None:
        """Say nothing."""

    def advance(self, done: int) -> None:
        """Say nothing."""

    def end(self) -> None:
        """Say nothing."""

    def tell(self, line: str) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Settings:
    """How a model is measured.

    Attributes:
        rounds: number of rounds, each a process of its own.
        threads: of the tool.
        delegate: one of `DELEGATE_FLAGS`.
        cpu_mask: cores to run on (hexadecimal); None for those of the highest frequency.
        retries: how often it is measured again when the device was throttled.
        timeout_s: how long one process may take.
        cool_down_s: how long the device may take to cool down.
    """

    rounds: int = 100
    threads: int = 1
    delegate: str = "cpu"
    cpu_mask: str | None = None
    retries: int = 2
    timeout_s: float = 120.0
    cool_down_s: float = control.COOL_DOWN_TIMEOUT_S


@dataclass(frozen=True)
class Measurement:
    """What was measured of one model on one device.

    Attributes:
        session: the rounds.
        info: all that a later comparison needs to know.
    """

    session: Session
    info: dict[str, Any] = field(repr=False)

    @property
    def inference_s(self) -> list[float]:
        """Mean inference of each round, in seconds."""
        return [each.run.inference_ns / 1e9 for each in self.session.rounds]

    @property
    def first_inference_s(self) -> list[float]:
        """First inference of each round's process, in seconds."""
        return [each.run.first_inference_ns / 1e9 for each in self.session.rounds]

    @property
    def load_s(self) -> list[float]:
        """Loading the model in each round's process, in seconds."""
        return [each.run.load_ns / 1e9 for each in self.session.rounds]


class Bench:
    """Measures models on one device; a context manager that leaves nothing behind on it.

    Args:
        device: where.
        find: gives the tool for the device's ABI; called once, when the first model is measured.
        name: what results call the device; None for its serial.
    """

    def __init__(
        self,
        device: Device,
        find: Callable[[str | None], Tool],
        name: str | None = None,
    ) -> None:
        self.device = device
        self.name = name or device.serial
        self._find = find
        self._workspace = Workspace(device)
        self._identity: Identity | None = None
        self._tool: Tool | None = None
        self._flags: frozenset[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception) -> None:
        self._workspace.__exit__(*exception)

    @property
    def identity(self) -> Identity:
        """Who the device is; asked for once."""
        if self._identity is None:
            self._identity = identify(self.device)
        return self._identity

    @property
    def tool(self) -> Tool:
        """The tool; found once.

        Raises:
            ToolError: there is none.
        """
        if self._tool is None:
            self._tool = self._find(self.identity.abi)
        return self._tool

    def measure(
        self, artifact: Artifact, settings: Settings, reporter: Reporter | None = None
    ) -> Measurement:
        """Measure a model; again where the device was throttled.

        Args:
            artifact: the model.
            settings: how.
            reporter: is told of the rounds.

        Raises:
            DeviceError: it could not be measured; the type and the message say why.
        """
        reporter = reporter or Silent()
        for attempt in range(settings.retries + 1):
            try:
                return self._measure_once(artifact, settings, reporter, attempt)
            except ThrottledError as error:
                if attempt == settings.retries:
                    error.message += f" (measured {attempt + 1} times)"
                    raise
                reporter.tell(f"{error}; measuring {artifact.name} again")
            except DeviceError as error:
                error.serial = error.serial or self.device.serial
                raise
        raise AssertionError("unreachable")

    def _measure_once(
        self, artifact: Artifact, settings: Settings, reporter: Reporter, attempt: int
    ) -> Measurement:
        identity = self.identity
        sample = Sample(artifact)
        with control.fixed_performance_mode(self.device, identity) as performance_mode:
            before = record(self.device)
            mask = settings.cpu_mask or mask_of(fastest_cores(before.cores))
            cores = cores_of(mask) if mask else ()
            if before.throttled_because(cores):
                before = control.cool_down(self.device, cores, reporter.tell, settings.cool_down_s)
            command = self._command(artifact, settings, sample)
            trial, verified = self._try_out(command, settings, sample, mask)
            inferences = inferences_for(trial)
            plan = self._plan(command, settings, mask, inferences, before, cores)
            reporter.begin(f"{artifact.name} on {self.name}", settings.rounds)
            try:
                session = run_rounds(
                    self.device, self._workspace, plan, settings.timeout_s, reporter.advance
                )
            finally:
                reporter.end()
            after = record(self.device)
            if reason := after.throttled_because(cores):
                error = ThrottledError(f"throttled afterwards: {reason}", serial=self.device.serial)
                error.rounds = session.rounds
                raise error
        info = {
            **artifact.describe(),
            **self._describe(settings, session, plan, sample),
            "verified": verified,
            "attempts": attempt + 1,
            "performance_mode": performance_mode,
            "conditions": {"before": before.to_dict(), "after": after.to_dict()},
        }
        return Measurement(session, info)

    def _command(self, artifact: Artifact, settings: Settings, sample: Sample) -> list[str]:
        """Push what the tool needs, and return it with its arguments, all but the numbers of runs.

        Raises:
            ToolError: the tool does not know a flag that it needs.
        """
        put = self._workspace.put
        executable = put(self.tool.content, mode=0o755)
        flags = self._known_flags(executable)
        missing = [name for name in REQUIRED_FLAGS if name not in flags]
        delegate_flag = DELEGATE_FLAGS[settings.delegate]
        if delegate_flag is not None and delegate_flag not in flags:
            missing.append(delegate_flag)
        if missing:
            raise ToolError(f"this benchmark_model knows no --{missing[0]}")
        command = [
            executable,
            f"--graph={put(artifact.read_bytes(), '.tflite')}",
            f"--num_threads={settings.threads}",
            "--min_secs=0",
            "--warmup_min_secs=0",
        ]
        if delegate_flag is not None:
            command.append(f"--{delegate_flag}=true")
        if self._takes_input:
            path = put(sample.content, ".input")
            command += [
                f"--input_layer={INPUT_NAME}",
                f"--input_layer_shape={','.join(map(str, sample.shape))}",
                f"--input_layer_value_files={INPUT_NAME}:{path}",
            ]
        return command

    @property
    def _takes_input(self) -> bool:
        return "input_layer_value_files" in (self._flags or ())

    def _known_flags(self, executable: str) -> frozenset[str]:
        """Ask the tool which flags it has; it only warns of others, and goes on."""
        if self._flags is None:
            answer = self.device.run([executable, "--help"], check=False)
            try:
                self._flags = parse_flags(answer.output)
            except OutputError:
                if answer.exit_status > 1:
                    raise exit_error(answer.exit_status, answer.output) from None
                raise
        return self._flags

    def _try_out(
        self, command: list[str], settings: Settings, sample: Sample, mask: str | None
    ) -> tuple[ToolRun, dict[str, Any] | None]:
        """Run the tool once to see how fast the model is, and what it answers.

        Returns:
            The run, and what the comparison of the answers came to; None where the tool cannot
            write its outputs.
        """
        writes_output = self._takes_input and "output_filepath" in (self._flags or ())
        path = f"{self._workspace.path}/output"
        arguments = [*command, f"--num_runs={TRIAL_INFERENCES}", "--warmup_runs=1"]
        if writes_output:
            arguments.append(f"--output_filepath={path}")
        plan = Plan(
            command=arguments,
            rounds=1,
            inferences=TRIAL_INFERENCES,
            name="trial",
            cpu_mask=mask,
            kill_background_apps=False,
        )
        trial = run_rounds(self.device, self._workspace, plan, settings.timeout_s).rounds[0].run
        if not writes_output:
            return trial, None
        return trial, sample.check(self.device.pull(path), settings.delegate)

    def _plan(
        self,
        command: list[str],
        settings: Settings,
        mask: str | None,
        inferences: int,
        before: Conditions,
        cores: tuple[int, ...],
    ) -> Plan:
        watched = next(
            (core for core in before.cores if core.cap_khz and (not cores or core.number in cores)),
            None,
        )
        return Plan(
            command=[*command, f"--num_runs={inferences}", f"--warmup_runs={WARMUPS}"],
            rounds=settings.rounds,
            inferences=inferences,
            cpu_mask=mask,
            drop_caches=control.drop_caches_command(self.identity),
            frequency_file=(
                f"/sys/devices/system/cpu/cpu{watched.number}/cpufreq/scaling_max_freq"
                if watched
                else None
            ),
            full_frequency_khz=watched.cap_khz if watched else None,
            watch_thermal_service=before.thermal_status is not None,
        )

    def _describe(
        self, settings: Settings, session: Session, plan: Plan, sample: Sample
    ) -> dict[str, Any]:
        runs = [each.run for each in session.rounds]
        delegation = runs[0].delegation
        return {
            "device": {**self.identity.to_dict(), "serial": self.name},
            "emulated": self.identity.is_emulated,
            "threads": settings.threads,
            "delegate": settings.delegate,
            "delegation": asdict(delegation) if delegation else None,
            "cpu_mask": plan.cpu_mask,
            "tool_sha256": self.tool.sha256,
            "tool_source": self.tool.source,
            "tool_generation": runs[0].generation,
            "input": sample.kind if self._takes_input else "random values of the tool's own",
            "inferences_per_round": plan.inferences,
            "warmups_per_round": WARMUPS,
            "tick_ns": runs[0].tick_ns,
            "rounds_with_background_apps_killed": session.killed_background_apps,
            "rounds_with_caches_dropped": session.dropped_caches,
            "overhead": {
                "whole_s": session.whole_s,
                "processes_s": session.processes_s,
                "ratio": session.overhead_ratio,
            },
            "footprint_init_mb": _mean([run.footprint_init_mb for run in runs]),
            "footprint_overall_mb": _mean([run.footprint_overall_mb for run in runs]),
            "per_round": {
                "inference_ns": [run.inference_ns for run in runs],
                "first_inference_ns": [run.first_inference_ns for run in runs],
                "load_ns": [run.load_ns for run in runs],
                "footprint_overall_mb": [run.footprint_overall_mb for run in runs],
                "process_s": [each.process_s for each in session.rounds],
            },
        }


def inferences_for(trial: ToolRun) -> int:
    """Return how many inferences a round needs so that a tick of the clock does not show in it.

    Raises:
        OutputError: no number is enough, since the tool prints the mean itself too coarsely.
    """
    if trial.tick_ns > TICK_NS:  # the mean is printed rounded; more inferences do not help
        if trial.tick_ns > RESOLUTION * trial.inference_ns:
            raise OutputError(
                f"this benchmark_model prints times to {trial.tick_ns / 1e6:g} ms, too coarsely "
                f"for an inference of {trial.inference_ns / 1e6:g} ms: give --device-tool another"
            )
        return MIN_INFERENCES
    return max(MIN_INFERENCES, math.ceil(trial.tick_ns / (RESOLUTION * trial.inference_ns)))


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None
