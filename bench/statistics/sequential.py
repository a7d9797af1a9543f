"""Deciding about many benchmarks while their blocks come in, with a known rate of errors.

Every benchmark goes through one or two stages.

1. Screening. At planned numbers of blocks its interval is looked at. It is done ("same") when the
   upper bound excludes a slow-down that matters; it is suspected when the interval lies beyond
   the smallest effect worth failing for, on either side. Otherwise it goes on.
2. Confirmation. A suspect starts from nothing, with fresh blocks, and only these count. It has
   regressed (or improved) when their interval, at a much stricter level, lies beyond the smallest
   effect as a whole.

What is decided is not measured any more, so that the blocks of those that are left are short.

Errors over the whole suite. A false alarm needs both stages to fail, on blocks that have nothing
in common. With N benchmarks, a first stage that suspects an innocent one with probability s at
most, and a second that condemns it with probability c at most, the expected number of false alarms
is N s c, and so the probability of any is no larger (Boole's inequality; the correction of
Bonferroni and Holm 1979, spent on two independent stages). c is chosen so that N s c is the
family's error. Repeated looks are paid for by spending each stage's level in parts, one a look,
whose sum it is (Lan, DeMets, "Discrete sequential boundaries for clinical trials", Biometrika 70,
1983); the parts add up by Boole's inequality again, so nothing is assumed about how looks depend
on each other. That a benchmark is called same although it slowed down by the largest effect that
may stay hidden is bounded for each benchmark by itself, in the same way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.gate.judge.verdict import Verdict
from bench.statistics.intervals import Estimate, one_sample

FAMILY_ERROR = 0.005
"""Probability of any false alarm in a whole comparison of identical trees, at most."""

SUSPICION = 0.05
"""Probability that screening suspects an innocent benchmark, at most."""

MISS = 0.003
"""Probability, at either stage, that a slow-down that matters is called same, at most."""

Looks = tuple[tuple[int, float], ...]
SCREENING: Looks = ((10, 0.4), (14, 0.2), (20, 0.15), (28, 0.1), (40, 0.1), (56, 0.05))
CONFIRMATION: Looks = ((12, 0.4), (16, 0.2), (22, 0.15), (30, 0.1), (40, 0.1), (54, 0.05))
"""At how many blocks there is a look, and which part of the level it spends."""


@dataclass(frozen=True)
class Margins:
    """What matters for a benchmark, as logarithms of ratios.

    Attributes:
        effect: the smallest change worth failing for.
        hidden: the largest slow-down that may stay unnoticed.
    """

    effect: float
    hidden: float

    @classmethod
    def of(
        cls, min_effect: float, max_hidden_effect: float, floor_us: float, latency_s: float
    ) -> Margins:
        """Enlarge both where the smallest effect would be less than an absolute time.

        Args:
            min_effect, max_hidden_effect: shares of the base's latency.
            floor_us: smallest effect in microseconds.
            latency_s: the base's latency in seconds.
        """
        scale = max(1.0, floor_us / 1e6 / (min_effect * latency_s))
        return cls(math.log1p(min_effect * scale), math.log1p(max_hidden_effect * scale))


@dataclass
class _Track:
    margins: Margins
    observed: list[float] = field(default_factory=list)
    is_suspect: bool = False
    is_harmless: bool = False
    verdict: Verdict = Verdict.NONE
    is_done: bool = False
    estimate: Estimate | None = None


@dataclass(frozen=True)
class Decision:
    """What is known of a benchmark.

    Attributes:
        verdict: one of the four.
        estimate: of the logarithm of the ratio head / base, from the stage that decided, its
            bounds at the levels of the look that decided; None without observations.
        margins: what mattered.
        is_confirmed: whether it was measured again with fresh blocks.
    """

    verdict: Verdict
    estimate: Estimate | None
    margins: Margins
    is_confirmed: bool


class SequentialTest:
    """Benchmarks whose blocks come in one after another.

    Args:
        margins: what matters, by benchmark; all that are compared.
        family_error, suspicion, miss: see the constants of the same names.
    """

    def __init__(
        self,
        margins: Mapping[str, Margins],
        family_error: float = FAMILY_ERROR,
        suspicion: float = SUSPICION,
        miss: float = MISS,
    ) -> None:
        self._tracks = {name: _Track(own) for name, own in margins.items()}
        self._suspicion = suspicion
        self._conviction = family_error / (suspicion * max(1, len(margins)))
        self._miss = miss

    @property
    def pending(self) -> list[str]:
        """Benchmarks that more blocks can still decide about."""
        return [name for name, track in self._tracks.items() if not track.is_done]

    def suspects(self) -> list[str]:
        """Return those of them that are being measured again."""
        return [name for name in self.pending if self._tracks[name].is_suspect]

    def add(self, name: str, log_ratio: float) -> None:
        """Take a block's observation of a benchmark; look at the interval where one is planned."""
        track = self._tracks[name]
        if track.is_done:
            return
        track.observed.append(log_ratio)
        count = len(track.observed)
        for planned, part in CONFIRMATION if track.is_suspect else SCREENING:
            if planned == count:
                (self._confirm if track.is_suspect else self._screen)(track, part)
        last = (CONFIRMATION if track.is_suspect else SCREENING)[-1][0]
        if len(track.observed) >= last:
            track.is_done = True

    def _screen(self, track: _Track, part: float) -> None:
        level = self._suspicion * part
        track.estimate = one_sample(track.observed, level, self._miss * part)
        track.is_harmless = track.estimate.upper < track.margins.hidden
        is_slower = track.estimate.lower > track.margins.effect
        is_faster = one_sample(track.observed, level, level).upper < -track.margins.effect
        if is_slower or is_faster:
            track.is_suspect, track.observed = True, []
        elif track.is_harmless:
            track.verdict, track.is_done = Verdict.SAME, True

    def _confirm(self, track: _Track, part: float) -> None:
        level = self._conviction * part
        track.estimate = one_sample(track.observed, level, self._miss * part)
        track.is_harmless = track.estimate.upper < track.margins.hidden
        strict = one_sample(track.observed, level, level)
        if strict.lower > track.margins.effect:
            track.verdict, track.is_done = Verdict.REGRESSED, True
        elif strict.upper < -track.margins.effect:
            track.verdict, track.is_done, track.estimate = Verdict.IMPROVED, True, strict
        elif track.is_harmless and strict.lower <= 0 <= strict.upper:
            track.verdict, track.is_done = Verdict.SAME, True

    def decisions(self) -> dict[str, Decision]:
        """Return what is known by now, by benchmark.

        Where blocks ran out over the question whether a benchmark improved, it is the same: its
        last look excluded a slow-down that matters.
        """
        return {name: self._decision(track) for name, track in self._tracks.items()}

    def _decision(self, track: _Track) -> Decision:
        verdict, estimate = track.verdict, track.estimate
        if verdict is Verdict.NONE and track.is_harmless:
            verdict = Verdict.SAME
        elif not track.is_done and track.observed:
            level = self._conviction if track.is_suspect else self._suspicion
            estimate = one_sample(track.observed, level, self._miss)
        return Decision(verdict, estimate, track.margins, track.is_suspect)
