"""What a comparison came to, and its exit status: 2 for all that is no verdict."""

from __future__ import annotations

import math
import traceback
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from bench.gate.measure.worker import GateError
from bench.results.session import ResultsError, without_file
from bench.statistics.sequential import Decision, ProcessDecision, Verdict

PASS, FAIL, CANNOT_JUDGE = 0, 1, 2
WORDS = {PASS: "pass", FAIL: "regressed", CANNOT_JUDGE: "could not judge"}


@dataclass(frozen=True)
class Figure:
    """A static metric: no noise touches it."""

    subject: str  # the model, and the runtime where it matters
    quantity: str  # such as "parameters"
    base: str  # base, head: its values, as people read them
    head: str
    verdict: Verdict  # one of the four
    against: str = ""  # the revision that is the base, where there are several


@dataclass(frozen=True)
class Latency:
    """A benchmark that base and head both have."""

    name: str  # pytest's id
    base_s: float  # base_s, head_s: median over all blocks (or runs), in seconds
    head_s: float
    decision: ProcessDecision  # verdicts and intervals
    against: str = ""  # the revision that is the base, where there are several

    @property
    def verdict(self) -> Verdict:
        """By both figures."""
        return self.decision.verdict

    @property
    def short_name(self) -> str:
        """The id without its file."""
        return without_file(self.name) + (f" against {self.against}" if self.against else "")

    @property
    def changes(self) -> tuple[float, float, float]:
        """Estimate, lower and upper bound of the change, as shares of the base's latency."""
        return _changes(self.decision.typical)

    @property
    def is_of_upper_half(self) -> bool:
        """Whether the verdict comes from the slower half of the rounds alone."""
        return self.decision.typical.verdict is not self.verdict

    @property
    def change_text(self) -> str:
        """By how much the figure changed that the verdict comes from."""
        if self.is_of_upper_half and self.decision.upper:
            return f"slower half of the rounds {_changes(self.decision.upper)[0]:+.1%}"
        return f"{self.changes[0]:+.1%}"

    @property
    def interval_text(self) -> str:
        """The interval of the change in per cent."""
        _, lower, upper = self.changes
        if math.isinf(lower):
            return "too few blocks" if math.isinf(upper) else f"below {upper:+.1%}"
        return f"{lower:+.1%} to {upper:+.1%}" if math.isfinite(upper) else f"above {lower:+.1%}"

    def to_dict(self) -> dict[str, Any]:
        """Return it for programs; None where there is no number."""
        upper = self.decision.upper
        return {
            "name": self.name, "against": self.against, "verdict": str(self.verdict),
            "base_s": self.base_s, "head_s": self.head_s,
            **_decision_to_dict(self.decision.typical),
            "upper_half": _decision_to_dict(upper) if upper else None,
        }  # fmt: skip


@dataclass
class Outcome:
    """All of a comparison."""

    base: str = ""  # base, head: what was compared, for people
    head: str = ""
    figures: list[Figure] = field(default_factory=list)  # those that are the same, too
    latencies: list[Latency] = field(default_factory=list)  # benchmarks that both trees have
    problems: list[str] = field(default_factory=list)  # why it cannot pass; one line each
    notes: list[str] = field(default_factory=list)  # what else people want to know; one line each
    unseen: Counter[str] = field(default_factory=Counter)  # what was not looked at
    details: str = ""  # what another program said about a problem
    seconds: float = 0.0  # how long it took
    blocks: int = 0  # how many there were
    needed_seconds: float = 0.0  # how long it should be given for a verdict on the rest, too
    seed: int | None = None  # that all orders were drawn by; None where none was
    correlation: tuple[float, float] | None = None  # of neighbouring blocks, and its probability

    def fail(self, error: BaseException) -> None:
        """Take an error that ended the comparison for a reason why it cannot pass."""
        self.problems.append(one_line(error))
        self.details = error.details if isinstance(error, GateError) else ""

    def withdraw(self, why: str) -> None:
        """Take all verdicts on latencies away."""
        self.problems.append(why)
        for row in (rows := self.latencies):
            none = replace(row.decision.typical, verdict=Verdict.NONE)
            rows[rows.index(row)] = replace(row, decision=ProcessDecision(none))

    @property
    def exit_status(self) -> int:
        """A regression that was found stays one; without a latency nothing was judged."""
        found = [row.verdict for row in self.figures] + [row.verdict for row in self.latencies]
        if Verdict.REGRESSED in found:
            return FAIL
        if not self.latencies or Verdict.NONE in found or self.problems:
            return CANNOT_JUDGE
        return PASS

    @property
    def word(self) -> str:
        """The exit status in words."""
        return WORDS[self.exit_status]

    @property
    def reason(self) -> str:
        """Why, in one line, with what was not looked at."""
        unseen = ", ".join(f"{count} {what}" for what, count in self.unseen.items() if count)
        return self._reason + (f"; not looked at: {unseen}" if unseen else "")

    @property
    def _reason(self) -> str:
        status = self.exit_status
        if status == FAIL:
            return _listing(
                [
                    f"{row.quantity} of {row.subject} ({row.base} to {row.head})"
                    + (f" against {row.against}" if row.against else "")
                    for row in self.figures
                    if row.verdict is Verdict.REGRESSED
                ]
                + [
                    f"{row.short_name} ({row.change_text})"
                    for row in self.latencies
                    if row.verdict is Verdict.REGRESSED
                ]
            )
        if status == PASS:
            return f"{len(self.latencies)} benchmarks and {len(self.figures)} figures compared"
        if self.problems:
            return _listing(self.problems)
        undecided = [row for row in self.latencies if row.verdict is Verdict.NONE]
        if not undecided:
            return "nothing was compared"
        names = _listing([row.short_name for row in undecided])
        if self.needed_seconds:
            minutes = math.ceil(self.needed_seconds / 60)
            return f"no verdict on {names}; give --max-minutes {minutes}"
        return f"no verdict on {names}: too near the limit, or too noisy, to tell"

    def counts(self) -> dict[str, int]:
        """Return how many benchmarks have each verdict."""
        found = [row.verdict for row in self.latencies]
        return {str(verdict): found.count(verdict) for verdict in Verdict}

    def to_dict(self) -> dict[str, Any]:
        """Return it for programs; the raw rounds are not in it."""
        return {
            "base": self.base, "head": self.head, "exit_status": self.exit_status,
            "verdict": self.word, "reason": self.reason, "seconds": round(self.seconds, 1),
            "needed_seconds": round(self.needed_seconds, 1), "seed": self.seed,
            "neighbouring_blocks": self.correlation
            and dict(zip(("correlation", "probability"), self.correlation, strict=True)),
            "not_looked_at": dict(self.unseen), "problems": self.problems,
            "details": self.details, "notes": self.notes,
            "figures": [{**vars(row), "verdict": str(row.verdict)} for row in self.figures],
            "benchmarks": [row.to_dict() for row in self.latencies],
        }  # fmt: skip


def _changes(decision: Decision) -> tuple[float, float, float]:
    estimate = decision.estimate
    if estimate is None:
        return math.nan, -math.inf, math.inf
    lower, upper = (
        math.expm1(b) if math.isfinite(b) else b for b in (estimate.lower, estimate.upper)
    )
    return math.expm1(estimate.value), lower, upper


def _decision_to_dict(decision: Decision) -> dict[str, Any]:
    change, lower, upper = (each if math.isfinite(each) else None for each in _changes(decision))
    return {
        "change": change, "lower": lower, "upper": upper,
        "observations": decision.estimate.count if decision.estimate else 0,
        "min_effect": math.expm1(decision.margins.effect),
        "margin": math.expm1(decision.margins.margin), "measured_again": decision.is_confirmed,
    }  # fmt: skip


def _listing(names: list[str], shown: int = 5) -> str:
    rest = len(names) - shown
    return "; ".join(names[:shown]) + (f"; and {rest} more" if rest > 0 else "")


def one_line(error: BaseException) -> str:
    """Say what went wrong; where nobody expected it, also where."""
    if isinstance(error, (GateError, ResultsError)):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return " ".join(f"{type(error).__name__}: {error}".split()) + place
