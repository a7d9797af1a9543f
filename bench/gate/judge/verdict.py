"""What a comparison came to, and its exit status: 2 for all that is no verdict."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.gate.measure.worker import GateError
from bench.results.session import ResultsError, without_file
from bench.statistics.sequential import Decision, Verdict

PASS, FAIL, CANNOT_JUDGE = 0, 1, 2
WORDS = {PASS: "pass", FAIL: "regressed", CANNOT_JUDGE: "could not judge"}


@dataclass(frozen=True)
class Figure:
    """A static metric: no noise touches it.

    Attributes:
        subject: the model, and the runtime where it matters.
        quantity: such as "parameters".
        base, head: its values, as people read them.
        verdict: one of the four.
        against: the revision that is the base, where there are several.
    """

    subject: str
    quantity: str
    base: str
    head: str
    verdict: Verdict
    against: str = ""


@dataclass(frozen=True)
class Latency:
    """A benchmark that base and head both have.

    Attributes:
        name: pytest's id.
        base_s, head_s: median over all blocks (or runs), in seconds.
        decision: verdict and interval.
        against: the revision that is the base, where there are several.
    """

    name: str
    base_s: float
    head_s: float
    decision: Decision
    against: str = ""

    @property
    def verdict(self) -> Verdict:
        """One of the four."""
        return self.decision.verdict

    @property
    def short_name(self) -> str:
        """The id without its file."""
        return without_file(self.name) + (f" against {self.against}" if self.against else "")

    @property
    def changes(self) -> tuple[float, float, float]:
        """Estimate, lower and upper bound of the change, as shares of the base's latency."""
        estimate = self.decision.estimate
        if estimate is None:
            return math.nan, -math.inf, math.inf
        return math.expm1(estimate.value), _change(estimate.lower), _change(estimate.upper)

    @property
    def interval_text(self) -> str:
        """The interval of the change in per cent."""
        _, lower, upper = self.changes
        if math.isinf(lower):
            return "too few blocks" if math.isinf(upper) else f"below {upper:+.1%}"
        return f"{lower:+.1%} to {upper:+.1%}" if math.isfinite(upper) else f"above {lower:+.1%}"

    def to_dict(self) -> dict[str, Any]:
        """Return it for programs; None where there is no number."""
        change, lower, upper = (each if math.isfinite(each) else None for each in self.changes)
        return {
            "name": self.name,
            "against": self.against,
            "verdict": str(self.verdict),
            "base_s": self.base_s,
            "head_s": self.head_s,
            "change": change,
            "lower": lower,
            "upper": upper,
            "observations": self.decision.estimate.count if self.decision.estimate else 0,
            "min_effect": math.expm1(self.decision.margins.effect),
            "margin": math.expm1(self.decision.margins.margin),
            "measured_again": self.decision.is_confirmed,
        }


@dataclass
class Outcome:
    """All of a comparison.

    Attributes:
        base, head: what was compared, for people.
        figures: static metrics; rows that are the same in both trees included.
        latencies: benchmarks that both trees have.
        problems: why it cannot pass although nothing regressed; one line each.
        notes: what else people want to know; one line each.
        details: what another program said about a problem.
        seconds: how long it took.
        blocks: how many there were.
        more_seconds: how much longer a verdict on the rest would probably take.
    """

    base: str = ""
    head: str = ""
    figures: list[Figure] = field(default_factory=list)
    latencies: list[Latency] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    details: str = ""
    seconds: float = 0.0
    blocks: int = 0
    more_seconds: float = 0.0

    def fail(self, error: Exception) -> None:
        """Take an error that ended the comparison for a reason why it cannot pass."""
        self.problems.append(one_line(error))
        self.details = error.details if isinstance(error, GateError) else ""

    @property
    def exit_status(self) -> int:
        """0 pass, 1 regressed, 2 could not judge.

        A regression that was found stays one, whatever else could not be judged. Where no latency
        was compared, nothing was judged.
        """
        found = [row.verdict for row in self.figures]
        found += [row.verdict for row in self.latencies]
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
        """Why, in one line."""
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
                    f"{row.short_name} ({row.changes[0]:+.1%})"
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
        if self.more_seconds:
            minutes = math.ceil((self.seconds + self.more_seconds) / 60)
            return f"no verdict on {names}; give --max-minutes {minutes}"
        return f"no verdict on {names}: too near the limit, or too noisy, to tell"

    def counts(self) -> dict[str, int]:
        """Return how many benchmarks have each verdict."""
        return {
            str(verdict): sum(row.verdict is verdict for row in self.latencies)
            for verdict in Verdict
        }

    def to_dict(self) -> dict[str, Any]:
        """Return it for programs; the raw rounds are not in it."""
        return {
            "base": self.base,
            "head": self.head,
            "exit_status": self.exit_status,
            "verdict": self.word,
            "reason": self.reason,
            "seconds": round(self.seconds, 1),
            "more_seconds": round(self.more_seconds, 1),
            "problems": self.problems,
            "details": self.details,
            "notes": self.notes,
            "figures": [{**vars(row), "verdict": str(row.verdict)} for row in self.figures],
            "benchmarks": [row.to_dict() for row in self.latencies],
        }


def _change(bound: float) -> float:
    """Return a bound of a logarithm as a share; infinite where there is none."""
    return math.expm1(bound) if math.isfinite(bound) else bound


def _listing(names: list[str], shown: int = 5) -> str:
    rest = len(names) - shown
    return "; ".join(names[:shown]) + (f"; and {rest} more" if rest > 0 else "")


def fail_closed(judge: Callable[[], int]) -> int:
    """Return the exit status that `judge` returns; 2, and one line, where it raises anything."""
    try:
        return judge()
    except Exception as error:
        print(f"could not judge: {one_line(error)}", file=sys.stderr)
        if isinstance(error, GateError) and error.details:
            print(error.details, file=sys.stderr)
        return CANNOT_JUDGE


def status_after(outcome: Outcome, write: Callable[[], None]) -> int:
    """Return the outcome's exit status once it is written; no pass where it cannot be.

    A regression was measured, and stays one.
    """
    try:
        write()
    except Exception as error:
        print(f"the outcome is not written: {one_line(error)}", file=sys.stderr)
        return FAIL if outcome.exit_status == FAIL else CANNOT_JUDGE
    return outcome.exit_status


def one_line(error: Exception) -> str:
    """Say what went wrong; where nobody expected it, also where."""
    if isinstance(error, (GateError, ResultsError)):
        return str(error)
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" ({trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})" if trace else ""
    return " ".join(f"{type(error).__name__}: {error}".split()) + place
