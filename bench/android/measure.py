"""One model on one device, by the study's protocol: each round is a fresh process."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from bench.android import rounds
from bench.android.adb.device import Device
from bench.android.adb.errors import DeviceError, ThrottledError, printable
from bench.android.adb.files import Workspace, pull
from bench.android.deployment import AppSetup, DeviceSettings, ToolSetup
from bench.android.phone import control
from bench.android.phone.conditions import CPU_DIRECTORY, Conditions, CorePlacement, place, record
from bench.android.phone.identity import Identity, identify
from bench.android.rounds import Drift, HeatLog, Plan, Sitting, drift_of, run_rounds
from bench.android.tool import program
from bench.android.tool.delegation import check_delegation, read_runtime_info
from bench.android.tool.output import DeviceRound, ToolFacts
from bench.android.verification import ModelInput
from models.files.artifacts import Artifact


@dataclass(frozen=True)
class Measurement:
    """The rounds of a model on a device, and all that a later comparison needs to know."""

    sitting: Sitting
    info: dict[str, Any] = field(repr=False)


class Progress:
    """Who is told of a measurement while it runs; this one keeps it to itself."""

    def begin(self, title: str, rounds: int) -> None:
        """The rounds begin."""

    def advance(self, done: int) -> None:
        """So many rounds are done."""

    def end(self) -> None:
        """The rounds have ended, well or not."""

    def tell(self, line: str) -> None:
        """Something that a person wants to know now."""


class Bench:
    """Measures models on one device; a context manager that leaves nothing behind on it.

    Args:
        find: gives the tool for the device; called once, when the first model is measured.
        name: what results call the device; None for its serial.
        before_round: waits until a round may begin; None where nobody else measures.
    """

    def __init__(
        self, device: Device, find: Callable[[Identity], program.Tool], name: str | None = None,
        before_round: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        self.device = device
        self.name = name or device.serial
        self._lock = control.PhoneLock(device)
        self._before_round = before_round
        self._workspace = Workspace(device)
        self._setup = ToolSetup(self._workspace, lambda: find(self.identity))
        self._app: AppSetup | None = None
        self._accepted_khz: dict[int, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception) -> None:
        with contextlib.ExitStack() as stack:  # the last first, and all, whatever one of them does
            stack.callback(self._lock.release)
            stack.push(self._workspace)

    @cached_property
    def identity(self) -> Identity:
        """Who the device is; asked for once."""
        return identify(self.device)

    def measure(
        self, artifact: Artifact, settings: DeviceSettings, progress: Progress | None = None
    ) -> Measurement:
        """Measure a model; again where the device was throttled. Raises `ArtifactError` where the
        host cannot run the model, so that its answers cannot be verified."""
        progress = progress or Progress()
        for attempt in range(settings.retries + 1):
            try:
                return self._measure_once(artifact, settings, progress, attempt)
            except ThrottledError as error:
                if attempt == settings.retries:
                    error.message += f" (measured {attempt + 1} times)"
                    raise
                progress.tell(f"{error}; measuring {printable(artifact.name)} again")
                # What told of the heat may not tell when it is over.
                rest_s = min(control.REST_S, settings.cool_down_s)
                control.rest(self.device, rest_s, "it was throttled", progress.tell)
            except DeviceError as error:
                error.serial = error.serial or self.device.serial
                raise
        raise AssertionError("unreachable")

    def _measure_once(
        self, artifact: Artifact, settings: DeviceSettings, progress: Progress, attempt: int
    ) -> Measurement:
        self._lock.acquire()
        model_input = ModelInput(artifact)
        performance_mode = self._hold_performance() if settings.fixed_performance else "off"
        before = record(self.device)
        screen = control.keep_screen_on(self._lock, before)
        placement = self._place(before, settings)
        if settings.rest_s:
            control.rest(self.device, settings.rest_s, "--device-cooldown", progress.tell)
        if settings.rest_s or before.throttled_because(placement.cores, self._accepted_khz):
            before = control.cool_down(
                self.device, placement.cores, progress.tell, settings.cool_down_s,
                self._accepted_khz,
            )  # fmt: skip
            placement = self._place(before, settings)
        self._accepted_khz = before.caps_khz
        setup = self._setup_for(settings)
        command, flags = setup.command(artifact, settings, model_input)
        trial, verified = self._try_out(command, flags, settings, model_input, placement)
        inferences = program.inferences_for(trial, settings.timeout_s)
        heat = None
        if settings.sustained_s:
            inferences = max(inferences, math.ceil(rounds.ROUND_S / (trial.inference_ns / 1e9)))
            heat = HeatLog(self.device, placement.cores)
        plan = self._plan(command, settings, placement, inferences, before)
        sitting = self._run_rounds(plan, settings, progress, artifact, heat)
        said = sitting.rounds[0].tool
        said = replace(said, delegates=said.delegates or trial.tool.delegates)
        check_delegation(settings.delegate, said.delegates, settings.may_be_part, artifact.name)
        after = record(self.device)
        drift = None if heat else self._check_heat(sitting, before, after, placement)
        info = {
            **artifact.describe(), **self._describe(settings, said, placement, setup.tool),
            **sitting.describe(),
            "input": model_input.kind if flags.takes_input else "random values of the tool's own",
            "inferences_per_round": plan.inferences, "verified": verified, "attempts": attempt + 1,
            "performance_mode": performance_mode, "screen_kept_on": screen,
            "frequency_cap": before.frequency_cap(placement.cores),
            "battery_saver": before.battery_saver, "rest_s": settings.rest_s,
            "heat_known_by": [*before.heat_known_by(), *(["drift of the rounds"] if drift else [])],
            "drift": asdict(drift) if drift else None,
            "conditions": {"before": before.to_dict(), "after": after.to_dict()},
            **({"sustained": heat.to_dict()} if heat else {}),
        }  # fmt: skip
        return Measurement(sitting, info)

    def _hold_performance(self) -> str:
        """Hold the clocks; a cap that comes with this is none of heat."""
        is_hot = record(self.device).throttled_because((), self._accepted_khz)
        mode = control.hold_performance(self._lock, self.identity)
        if mode == "on" and not is_hot:
            self._accepted_khz = record(self.device).caps_khz
        return mode

    def _place(self, before: Conditions, settings: DeviceSettings) -> CorePlacement:
        if settings.apk is not None:
            return CorePlacement((), "an app's threads are placed by the device's scheduler")
        return place(self.device, before, settings.threads, settings.cpu_mask)

    def _setup_for(self, settings: DeviceSettings) -> ToolSetup | AppSetup:
        if settings.apk is None:
            return self._setup
        if self._app is None:
            self._app = AppSetup(self._workspace, self._lock, settings.apk)
        return self._app

    def _check_heat(
        self, sitting: Sitting, before: Conditions, after: Conditions, placement: CorePlacement
    ) -> Drift | None:
        """Return the drift of the rounds, which always decides: a status knows the skin alone."""
        reason = after.throttled_because(placement.cores, before.caps_khz)
        drift = None
        if not self.identity.is_emulated:  # whose drift is its machine's
            drift = drift_of([each.inference_ns for each in sitting.rounds])
        if reason is None and drift is not None and drift.is_throttling:
            reason = f"the last third of the rounds was {drift.slowdown:.0%} slower than the first"
        if reason is None:
            return drift
        error = ThrottledError(f"throttled afterwards: {reason}", serial=self.device.serial)
        error.rounds = sitting.rounds
        raise error

    def _run_rounds(
        self, plan: Plan, settings: DeviceSettings, progress: Progress, artifact: Artifact,
        heat: HeatLog | None,
    ) -> Sitting:  # fmt: skip
        whole = math.ceil(settings.sustained_s) or settings.rounds  # seconds, or rounds
        progress.begin(printable(f"{artifact.name} on {self.name}"), whole)

        def on_round(done: int) -> None:
            progress.advance(int(heat.round_done()) if heat else done)

        try:
            return run_rounds(
                self.device, self._workspace, plan, settings.timeout_s, on_round,
                None if heat else self._before_round,
            )  # fmt: skip
        finally:
            progress.end()

    def _try_out(
        self, command: list[str], flags: program.ToolFlags, settings: DeviceSettings,
        model_input: ModelInput, placement: CorePlacement,
    ) -> tuple[DeviceRound, dict[str, Any] | None]:  # fmt: skip
        """Run the tool once to see how fast the model is, where it runs, and what it answers: None
        where the tool cannot write its outputs."""
        path, info_path = (f"{self._workspace.path}/{name}" for name in ("output", "runtime_info"))
        tells_runtime_info = program.RUNTIME_INFO_FLAG in flags.names and settings.apk is None

        def run(inferences: int) -> DeviceRound:
            plan = Plan(
                command=[
                    *command,
                    *flags.run_arguments(inferences, warmups=1),
                    *([f"--output_filepath={path}"] if flags.writes_output else []),
                    *([f"--{program.RUNTIME_INFO_FLAG}={info_path}"] if tells_runtime_info else []),
                ],
                rounds=1, inferences=inferences, name="trial", cpu_mask=placement.mask,
                kill_background_apps=False,
            )  # fmt: skip
            return run_rounds(self.device, self._workspace, plan, settings.timeout_s).rounds[0]

        trial = run(program.TRIAL_INFERENCES)
        if not trial.inference_ns:  # shorter than a tick, each of them
            trial = run(program.MANY_INFERENCES)
        if tells_runtime_info and not trial.tool.delegates:  # as on Linux
            with contextlib.suppress(DeviceError):  # it may write none
                told = read_runtime_info(pull(self.device, info_path))
                trial = replace(trial, tool=replace(trial.tool, delegates=told))
        check_delegation(
            settings.delegate, trial.tool.delegates, settings.may_be_part, model_input.artifact.name
        )
        if not flags.writes_output:
            return trial, None
        return trial, model_input.check(pull(self.device, path), settings.delegate)

    def _plan(
        self, command: list[str], settings: DeviceSettings, placement: CorePlacement,
        inferences: int, before: Conditions,
    ) -> Plan:  # fmt: skip
        command = [*command, *program.ToolFlags.run_arguments(inferences)]
        if settings.sustained_s:
            return Plan(
                command, rounds.MOST_ROUNDS, inferences, cpu_mask=placement.mask,
                duration_s=settings.sustained_s,
            )  # fmt: skip
        return Plan(
            command, settings.rounds, inferences, cpu_mask=placement.mask,
            drop_caches=control.drop_caches_command(self.identity),
            caps_khz={
                f"{CPU_DIRECTORY}/cpu{core.number}/cpufreq/scaling_max_freq": core.cap_khz
                for core in before.cores
                if core.cap_khz and (not placement.cores or core.number in placement.cores)
            },
            watch_thermal_service=before.thermal_status is not None,
        )  # fmt: skip

    def _describe(
        self, settings: DeviceSettings, said: ToolFacts, placement: CorePlacement,
        tool: program.Tool,
    ) -> dict[str, Any]:  # fmt: skip
        is_emulated = self.identity.is_emulated or program.is_translated(tool, self.identity.abis)
        return {
            "device": {**self.identity.to_dict(), "serial": self.name}, "emulated": is_emulated,
            "process": "shell" if settings.apk is None else "app", "threads": settings.threads,
            "delegate": settings.delegate, "delegates": [asdict(each) for each in said.delegates],
            "tool_flags": list(settings.tool_flags), "cpu_mask": placement.mask,
            "cores": list(placement.cores), "cores_note": placement.note,
            "tool_sha256": tool.sha256, "tool_source": Path(tool.source).name,
            "tool_generation": said.generation, "tick_ns": said.tick_ns,
            "warmups_per_round": program.WARMUPS,
        }  # fmt: skip
