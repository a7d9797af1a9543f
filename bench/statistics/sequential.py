"""Deciding about many benchmarks while their observations come in, with a known rate of errors.

Every benchmark goes through one or two stages.

1. Screening. At planned numbers of observations its interval is looked at. It is suspected when
   that lies beyond the smallest effect worth failing for, on either side. It is done ("same") when
   the upper bound excludes the non-inferiority margin, and the estimate is no such effect.
2. Confirmation. A suspect starts from nothing, and only fresh observations count. It has regressed
   (or improved, if that was suspected) when their interval, at a much stricter level, lies beyond
   the smallest effect as a whole. It is cleared as in screening, or has no verdict.

Errors over a suite of N benchmarks whose true change is no more than the smallest effect:

- Any false regression: at most `family_error`. It needs both stages to err in the same direction:
  screening with probability s at most, then confirmation with c at most, whatever came before,
  because only fresh observations count and each is as likely above its centre as below. So the
  expected number of false regressions is N s c at most, and so is the probability of any (Boole's
  inequality). c is chosen so that N s c is `family_error`.
- Any regression or improvement where nothing changed: at most twice that, once a direction.
- A slow-down of the margin that is called the same: at most twice `miss` for each benchmark by
  itself, once a stage.

`ProcessTest` asks this of two figures of each process, and shares the family's error between them
(Boole's inequality again). A benchmark is the same where both figures are.

Repeated looks are paid for by spending each stage's level in parts, one a look, whose sum it is
(Lan, DeMets, "Discrete sequential boundaries for clinical trials", Biometrika 70, 1983). The parts
add up by Boole's inequality too, so nothing is assumed about how looks depend on each other.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import NormalDist
from typing import Generic, TypeVar

import numpy as np

from bench.statistics.intervals import Estimate, interval_of, one_sample, walsh_averages


class Verdict(StrEnum):
    """What is known of one benchmark or figure.

    REGRESSED: worse by more than is allowed. IMPROVED: better by as much. SAME: neither, and a
    slow-down of the non-inferiority margin is excluded. NONE: not enough is known.
    """

    REGRESSED = "regressed"
    IMPROVED = "improved"
    SAME = "same"
    NONE = "no verdict"


def lower_is_better(change: float, allowed: float) -> Verdict:
    """Judge a figure that no noise touches.

    Args:
        change: head minus base, in any unit.
        allowed: growth that is no regression, in the same unit.
    """
    if change > allowed:
        return Verdict.REGRESSED
    return Verdict.IMPROVED if change < 0 else Verdict.SAME


FAMILY_ERROR = 0.005
"""Probability of any false regression in a whole comparison, at most."""

SUSPICION = 0.02
"""Probability that screening suspects an innocent benchmark of one direction, at most."""

MISS = 0.003
"""Probability, at either stage, that a slow-down of the margin is called the same, at most."""

UPPER_SHARE = 0.01
"""Part of the family's error that the upper half of the rounds has: what it looks for is large."""

_LATE = {80: 0.01, 112: 0.005, 160: 0.003, 224: 0.002}
SCREENING = {10: 0.38, 14: 0.2, 20: 0.15, 28: 0.1, 40: 0.1, 56: 0.05, **_LATE}
CONFIRMATION = {12: 0.4, 16: 0.2, 22: 0.15, 30: 0.1, 40: 0.08, 54: 0.05, **_LATE}
"""At how many observations there is a look, and which part of the level it spends.

The late looks are for a phone, where an observation takes a fifth of a second and is ten times
as noisy as one of the host. They cost the first looks next to nothing.
"""

USUAL_CONFIRMATION = 22
"""Of so many observations a confirmation usually is."""

USUAL = 0.05
"""Level of the interval that the spread of observations is judged by; ten give a finite one."""

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Margins:
    """What matters for a benchmark, as logarithms of ratios."""

    effect: float  # the smallest change worth failing for
    margin: float  # the non-inferiority margin: a slow-down that "same" excludes

    @classmethod
    def of(cls, min_effect: float, margin: float, floor_us: float, latency_s: float) -> Margins:
        """Take shares of the base's latency, enlarged where the effect would be below a time."""
        scale = max(1.0, floor_us / 1e6 / (min_effect * latency_s))
        return cls(math.log1p(min_effect * scale), math.log1p(margin * scale))


@dataclass(slots=True)
class _Track:
    margins: Margins
    observed: list[float] = field(default_factory=list)
    suspected: int = 0  # 1 of being slower, -1 of being faster
    excludes_margin: bool = False
    verdict: Verdict = Verdict.NONE
    is_done: bool = False
    estimate: Estimate | None = None

    @property
    def looks(self) -> dict[int, float]:
        return CONFIRMATION if self.suspected else SCREENING


@dataclass(frozen=True)
class Decision:
    """What is known of a benchmark."""

    verdict: Verdict  # one of the four
    estimate: Estimate | None  # of log(head / base), at the look that decided; None without any
    margins: Margins  # what mattered
    is_confirmed: bool  # whether it was measured again with fresh observations


class SequentialTest(Generic[Key]):
    """Benchmarks whose observations come in one after another.

    The family error is of all of them, or of as many as a `suite` has.
    """

    def __init__(
        self, margins: Mapping[Key, Margins], suite: int | None = None,
        family_error: float = FAMILY_ERROR, suspicion: float = SUSPICION, miss: float = MISS,
    ) -> None:  # fmt: skip
        self._tracks = {name: _Track(own) for name, own in margins.items()}
        self._suspicion = suspicion
        self._conviction = family_error / (suspicion * max(1, suite or len(margins)))
        self._miss = miss

    @property
    def pending(self) -> list[Key]:
        """Benchmarks that more observations can still decide about."""
        return [name for name, track in self._tracks.items() if not track.is_done]

    def condemns(self, name: Key) -> bool:
        """Whether a benchmark has regressed."""
        return self._tracks[name].verdict is Verdict.REGRESSED

    def suspects(self) -> list[Key]:
        """Return those of them that are being measured again."""
        return [name for name in self.pending if self._tracks[name].suspected]

    def add(self, observations: Mapping[Key, Sequence[float]]) -> None:
        """Take logarithms of ratios, in their order; look at intervals where a look is planned."""
        for index in range(max(map(len, observations.values()), default=0)):
            looked_at: dict[tuple[bool, int], list[_Track]] = defaultdict(list)
            for name, values in observations.items():
                track = self._tracks[name]
                if index < len(values) and not track.is_done:
                    track.observed.append(values[index])
                    if (count := len(track.observed)) in track.looks:
                        looked_at[bool(track.suspected), count].append(track)
            for (is_again, count), tracks in looked_at.items():
                self._look(tracks, is_again, tracks[0].looks[count])

    def _look(self, tracks: list[_Track], is_again: bool, part: float) -> None:
        """Look at benchmarks of one stage that have the same number of observations."""
        level = (self._conviction if is_again else self._suspicion) * part
        averages = walsh_averages(np.array([track.observed for track in tracks]))
        judged = interval_of(averages, level, self._miss * part)
        strict = interval_of(averages, level, level)
        for index, track in enumerate(tracks):
            estimate, upper = judged[index], float(strict.upper[index])
            track.estimate = estimate
            track.excludes_margin = estimate.upper < track.margins.margin
            is_slower = estimate.lower > track.margins.effect
            is_faster = upper < -track.margins.effect
            if not is_again and (is_slower or is_faster):
                track.suspected, track.observed = 1 if is_slower else -1, []
            elif is_again and is_slower and track.suspected > 0:
                track.verdict, track.is_done = Verdict.REGRESSED, True
            elif is_again and is_faster and track.suspected < 0:
                track.verdict, track.is_done = Verdict.IMPROVED, True
                track.estimate = strict[index]
            elif _is_harmless(track) and (track.suspected >= 0 or not _is_effect(track)):
                track.verdict, track.is_done = Verdict.SAME, True
            elif len(track.observed) == max(track.looks):
                track.is_done = True

    def decisions(self) -> dict[Key, Decision]:
        """Return what is known by now, by benchmark.

        Where time ran out over the question whether a benchmark improved, it is the same: its last
        look excluded the margin.
        """
        return {name: self._decision(track) for name, track in self._tracks.items()}

    def _decision(self, track: _Track) -> Decision:
        verdict, estimate = track.verdict, track.estimate
        if verdict is Verdict.NONE and track.suspected < 0 and _is_harmless(track):
            verdict = Verdict.SAME
        elif not track.is_done and track.observed:
            level = self._conviction if track.suspected else self._suspicion
            estimate = one_sample(track.observed, level, self._miss)
        return Decision(verdict, estimate, track.margins, bool(track.suspected))

    def still_needed(self) -> dict[Key, int]:
        """Return how many more observations each open benchmark will probably need.

        An interval narrows with the square root of the number of observations. One that is
        suspected of nothing is expected to be cleared, a suspect to be confirmed.
        """
        return {name: self._still_needed(self._tracks[name]) for name in self.pending}

    def _still_needed(self, track: _Track) -> int:
        have, looks = len(track.observed), list(track.looks)
        if have < looks[0]:
            return looks[0] - have
        level = self._conviction if track.suspected else self._suspicion
        usual = one_sample(track.observed, USUAL, USUAL)
        beyond = usual.value - track.margins.effect
        half = usual.value - usual.lower if beyond > 0 else usual.upper - usual.value
        room = beyond if beyond > 0 else track.margins.margin - usual.value
        spread = half / _deviations(USUAL) * math.sqrt(have)  # of one observation
        then = looks[-1]
        for count in reversed([look for look in looks if look > have]):
            spent = track.looks[count] * (level if beyond > 0 else self._miss)
            if _deviations(spent) * spread / math.sqrt(count) < room:
                then = count
        again = min(CONFIRMATION) if beyond > 0 and not track.suspected else 0
        return then - have + again


@dataclass(frozen=True)
class ProcessDecision:
    """What is known of a benchmark by both figures of its processes."""

    typical: Decision  # by the process latency
    upper: Decision | None = None  # by the upper half; None where each round is a process

    @property
    def verdict(self) -> Verdict:
        """Regressed where one figure is, and not known where one is not known."""
        found = [each.verdict for each in (self.typical, self.upper) if each]
        for verdict in (Verdict.REGRESSED, Verdict.NONE):
            if verdict in found:
                return verdict
        return self.typical.verdict


class ProcessTest(Generic[Key]):
    """Benchmarks by both figures; of the upper half there is none where a round is a process."""

    def __init__(self, typical: Mapping[Key, Margins], upper: Mapping[Key, Margins]) -> None:
        share = UPPER_SHARE if upper else 0.0
        self._tests = [SequentialTest(typical, family_error=(1 - share) * FAMILY_ERROR)]
        if upper:
            self._tests.append(SequentialTest(upper, family_error=share * FAMILY_ERROR))

    @property
    def pending(self) -> list[Key]:
        """Benchmarks that more observations can still decide about."""
        found = dict.fromkeys(name for test in self._tests for name in test.pending)
        return [name for name in found if not any(test.condemns(name) for test in self._tests)]

    def suspects(self) -> list[Key]:
        """Return those of them that are being measured again."""
        found = {name for test in self._tests for name in test.suspects()}
        return [name for name in self.pending if name in found]

    def add(self, *observations: Mapping[Key, Sequence[float]]) -> None:
        """Take observations as `SequentialTest.add` does, a mapping a figure."""
        for test, own in zip(self._tests, observations, strict=True):
            test.add(own)

    def decisions(self) -> dict[Key, ProcessDecision]:
        """Return what is known by now, by benchmark."""
        found = [test.decisions() for test in self._tests]
        return {name: ProcessDecision(*(each[name] for each in found)) for name in found[0]}

    def still_needed(self) -> dict[Key, int]:
        """Return how many more observations each open benchmark will probably need."""
        needed = [test.still_needed() for test in self._tests]
        return {name: max(each.get(name, 0) for each in needed) for name in self.pending}


def _deviations(level: float) -> float:
    """Return how many standard deviations from the mean a one-sided bound at a level is."""
    return -NormalDist().inv_cdf(level)


def _is_effect(track: _Track) -> bool:
    """Whether the estimate is an improvement worth telling."""
    return track.estimate is not None and track.estimate.value < -track.margins.effect


def _is_harmless(track: _Track) -> bool:
    """Whether the last look excluded the margin, and estimated no slow-down worth failing for."""
    return (
        track.excludes_margin
        and track.estimate is not None
        and track.estimate.value <= track.margins.effect
    )
