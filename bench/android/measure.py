"""One model on one device, by the study's protocol: each round is a fresh process."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property
from typing import Any, Self

from bench.android.adb.device import Device
from bench.android.adb.errors import DeviceError, ThrottledError
from bench.android.adb.files import Workspace, pull
from bench.android.app_setup import AppSetup
from bench.android.drift import Drift, drift_of
from bench.android.measurement import Measurement, Settings, describe_session
from bench.android.phone.conditions import CPU_DIRECTORY, Conditions, CorePlacement, place, record
from bench.android.phone.control import (
    REST_S,
    Changes,
    PhoneLock,
    cool_down,
    drop_caches_command,
    rest,
)
from bench.android.phone.identity import Identity, identify
from bench.android.reporter import Reporter
from bench.android.round_script import Plan
from bench.android.session import Session, run_rounds
from bench.android.tool.tool_file import Tool
from bench.android.tool.tool_flags import (
    ON_CPU,
    TRIAL_INFERENCES,
    WARMUPS,
    ToolFlags,
    inferences_for,
)
from bench.android.tool.tool_run import ToolRun
from bench.android.tool_setup import ToolSetup
from bench.android.verification import Sample
from models.files.artifacts import Artifact


class Bench:
    """Measures models on one device; a context manager that leaves nothing behind on it.

    Args:
        find: gives the tool for the device; called once, when the first model is measured.
        name: what results call the device; None for its serial.
        before_round: waits until a round may begin; None where nobody else measures.
    """

    def __init__(
        self,
        device: Device,
        find: Callable[[Identity], Tool],
        name: str | None = None,
        before_round: Callable[[], None] | None = None,
    ) -> None:
        self.device = device
        self.name = name or device.serial
        self._lock = PhoneLock(device)
        self._before_round = before_round
        self._workspace = Workspace(device)
        self._setup = ToolSetup(self._workspace, lambda: find(self.identity))
        self._app: AppSetup | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception) -> None:
        with contextlib.ExitStack() as stack:  # the last first, and all, whatever one of them does
            stack.callback(self._lock.release)
            stack.push(self._workspace)
            if self._app is not None:
                stack.push(self._app.changes)

    @cached_property
    def identity(self) -> Identity:
        """Who the device is; asked for once."""
        return identify(self.device)

    def measure(
        self, artifact: Artifact, settings: Settings, reporter: Reporter | None = None
    ) -> Measurement:
        """Measure a model; again where the device was throttled.

        Raises:
            DeviceError: it could not be measured; the type and the message say why.
            ArtifactError: the host cannot run the model, so its answers cannot be verified.
        """
        reporter = reporter or Reporter()
        for attempt in range(settings.retries + 1):
            try:
                return self._measure_once(artifact, settings, reporter, attempt)
            except ThrottledError as error:
                if attempt == settings.retries:
                    error.message += f" (measured {attempt + 1} times)"
                    raise
                reporter.tell(f"{error}; measuring {artifact.name} again")
                # What told of the heat may not tell when it is over.
                rest_s = min(REST_S, settings.cool_down_s)
                rest(self.device, rest_s, "it was throttled", reporter.tell)
            except DeviceError as error:
                error.serial = error.serial or self.device.serial
                raise
        raise AssertionError("unreachable")

    def _measure_once(
        self, artifact: Artifact, settings: Settings, reporter: Reporter, attempt: int
    ) -> Measurement:
        self._lock.acquire()
        identity = self.identity
        sample = Sample(artifact)
        with Changes(self.device) as changes:
            performance_mode = changes.hold_performance(identity)
            before = record(self.device)
            screen = changes.keep_screen_on(before.screen)
            placement = self._place(before, settings)
            if settings.rest_s:
                rest(self.device, settings.rest_s, "--device-cooldown", reporter.tell)
            if settings.rest_s or before.throttled_because(placement.cores):
                before = cool_down(
                    self.device, placement.cores, reporter.tell, settings.cool_down_s
                )
            setup = self._setup_for(settings)
            command, flags = setup.command(artifact, settings, sample)
            trial, verified = self._try_out(command, flags, settings, sample, placement)
            plan = self._plan(command, settings, placement, inferences_for(trial), before, changes)
            session = self._run_rounds(plan, settings, reporter, artifact)
            after = record(self.device)
            drift = self._check_heat(session, after, placement)
        info = {
            **artifact.describe(),
            **self._describe(settings, session, placement, setup.tool),
            **describe_session(session),
            "input": sample.kind if flags.takes_input else "random values of the tool's own",
            "inferences_per_round": plan.inferences,
            "verified": verified,
            "attempts": attempt + 1,
            "performance_mode": performance_mode,
            "screen_kept_on": screen,
            "rest_s": settings.rest_s,
            "heat_known_by": [*before.heat_known_by(), *(["drift of the rounds"] if drift else [])],
            "drift": asdict(drift) if drift else None,
            "conditions": {"before": before.to_dict(), "after": after.to_dict()},
        }
        return Measurement(session, info)

    def _place(self, before: Conditions, settings: Settings) -> CorePlacement:
        if settings.apk is not None:
            return CorePlacement((), "an app's threads are placed by the device's scheduler")
        return place(self.device, before, settings.threads, settings.cpu_mask)

    def _setup_for(self, settings: Settings) -> ToolSetup | AppSetup:
        if settings.apk is None:
            return self._setup
        if self._app is None:
            self._app = AppSetup(self._workspace, settings.apk)
        return self._app

    def _check_heat(
        self, session: Session, after: Conditions, placement: CorePlacement
    ) -> Drift | None:
        """Return the drift of the rounds where nothing better tells of heat.

        Raises:
            ThrottledError: the device was too hot.
        """
        reason = after.throttled_because(placement.cores)
        drift = None
        if after.thermal_status is None and not self.identity.is_emulated:
            drift = drift_of([each.run.inference_ns for each in session.rounds])
        if reason is None and drift is not None and drift.is_throttling:
            reason = f"the last third of the rounds was {drift.slowdown:.0%} slower than the first"
        if reason is None:
            return drift
        error = ThrottledError(f"throttled afterwards: {reason}", serial=self.device.serial)
        error.rounds = session.rounds
        raise error

    def _run_rounds(
        self, plan: Plan, settings: Settings, reporter: Reporter, artifact: Artifact
    ) -> Session:
        reporter.begin(f"{artifact.name} on {self.name}", settings.rounds)
        try:
            return run_rounds(
                self.device, self._workspace, plan, settings.timeout_s, reporter.advance,
                self._before_round,
            )  # fmt: skip
        finally:
            reporter.end()

    def _try_out(
        self,
        command: list[str],
        flags: ToolFlags,
        settings: Settings,
        sample: Sample,
        placement: CorePlacement,
    ) -> tuple[ToolRun, dict[str, Any] | None]:
        """Run the tool once to see how fast the model is, and what it answers.

        Returns:
            The run, and what the comparison of the answers came to; None where the tool cannot
            write its outputs.
        """
        path = f"{self._workspace.path}/output"
        plan = Plan(
            command=[
                *command,
                *flags.run_arguments(TRIAL_INFERENCES, warmups=1),
                *([f"--output_filepath={path}"] if flags.writes_output else []),
            ],
            rounds=1,
            inferences=TRIAL_INFERENCES,
            name="trial",
            cpu_mask=placement.mask,
            kill_background_apps=False,
        )
        trial = run_rounds(self.device, self._workspace, plan, settings.timeout_s).rounds[0].run
        if settings.delegate not in ON_CPU and trial.delegation and trial.delegation.part == "none":
            raise DeviceError(
                f"{settings.delegate} took nothing of {sample.artifact.name}: the CPU computed it "
                f"all, which is no result of {settings.delegate}"
            )
        if not flags.writes_output:
            return trial, None
        return trial, sample.check(pull(self.device, path), settings.delegate)

    def _plan(
        self,
        command: list[str],
        settings: Settings,
        placement: CorePlacement,
        inferences: int,
        before: Conditions,
        changes: Changes,
    ) -> Plan:
        return Plan(
            command=[*command, *ToolFlags.run_arguments(inferences)],
            rounds=settings.rounds,
            inferences=inferences,
            cpu_mask=placement.mask,
            drop_caches=drop_caches_command(self.identity),
            caps_khz={
                f"{CPU_DIRECTORY}/cpu{core.number}/cpufreq/scaling_max_freq": core.cap_khz
                for core in before.cores
                if core.cap_khz and (not placement.cores or core.number in placement.cores)
            },
            watch_thermal_service=before.thermal_status is not None,
            restoring=[*(self._app.changes.restoring if self._app else []), *changes.restoring],
        )

    def _describe(
        self, settings: Settings, session: Session, placement: CorePlacement, tool: Tool
    ) -> dict[str, Any]:
        run = session.rounds[0].run
        return {
            "device": {**self.identity.to_dict(), "serial": self.name},
            "emulated": self.identity.is_emulated,
            "process": "shell" if settings.apk is None else "app",
            "threads": settings.threads,
            "delegate": settings.delegate,
            "delegation": asdict(run.delegation) if run.delegation else None,
            "cpu_mask": placement.mask,
            "cores": list(placement.cores),
            "cores_note": placement.note,
            "tool_sha256": tool.sha256,
            "tool_source": tool.source,
            "tool_generation": run.generation,
            "warmups_per_round": WARMUPS,
        }
