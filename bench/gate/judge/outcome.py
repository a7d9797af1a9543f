"""What a comparison came to: one row a figure, one row a benchmark."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from bench.gate.judge.verdict import CANNOT_JUDGE, FAIL, PASS, Verdict, exit_status
from bench.statistics.sequential import Decision

WORDS = {PASS: "pass", FAIL: "regressed", CANNOT_JUDGE: "could not judge"}


@dataclass(frozen=True)
class Figure:
    """A figure that is known exactly.

    Attributes:
        subject: the model, and the runtime where it matters.
        quantity: such as "parameters".
        base, head: its values, as people read them.
        verdict: one of the four.
    """

    subject: str
    quantity: str
    base: str
    head: str
    verdict: Verdict


@dataclass(frozen=True)
class Latency:
    """A benchmark that both sides have.

    Attributes:
        name: pytest's id.
        base_s, head_s: median over all blocks (or runs), in seconds.
        decision: verdict and interval.
    """

    name: str
    base_s: float
    head_s: float
    decision: Decision

    @property
    def verdict(self) -> Verdict:
        """One of the four."""
        return self.decision.verdict

    @property
    def short_name(self) -> str:
        """The id without its file."""
        return self.name.rpartition("::")[2]

    @property
    def changes(self) -> tuple[float, float, float]:
        """Estimate, lower and upper bound of the change, as shares of the base's latency."""
        estimate = self.decision.estimate
        if estimate is None:
            return math.nan, -math.inf, math.inf
        logs = (estimate.value, estimate.lower, estimate.upper)
        return tuple(math.expm1(value) for value in logs)  # type: ignore[return-value]

    @property
    def interval_text(self) -> str:
        """The interval of the change in per cent."""
        _, lower, upper = self.changes
        if math.isinf(self.decision.estimate.lower if self.decision.estimate else -math.inf):
            return "too few blocks" if math.isinf(upper) else f"below {upper:+.1%}"
        return f"{lower:+.1%} to {upper:+.1%}" if math.isfinite(upper) else f"above {lower:+.1%}"


@dataclass
class Outcome:
    """All of a comparison.

    Attributes:
        base, head: what was compared, for people.
        figures: exact figures; rows that are the same on both sides included.
        latencies: benchmarks that both sides have.
        problems: why it cannot pass although nothing regressed; one line each.
        notes: what else people want to know; one line each.
        details: what another program said about a problem.
        seconds: how long it took.
        blocks: how many there were.
    """

    base: str
    head: str
    figures: list[Figure] = field(default_factory=list)
    latencies: list[Latency] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    details: str = ""
    seconds: float = 0.0
    blocks: int = 0

    @property
    def exit_status(self) -> int:
        """0 pass, 1 regressed, 2 could not judge."""
        verdicts = [row.verdict for row in self.figures]
        verdicts += [row.verdict for row in self.latencies]
        if not self.latencies and Verdict.REGRESSED not in verdicts:
            return CANNOT_JUDGE
        return exit_status(verdicts, self.problems)

    @property
    def word(self) -> str:
        """The exit status in words."""
        return WORDS[self.exit_status]

    @property
    def reason(self) -> str:
        """One line that names what the exit status is due to."""
        if self.exit_status == FAIL:
            names = [
                *(f"{row.quantity} of {row.subject}" for row in self.figures
                  if row.verdict is Verdict.REGRESSED),
                *(f"{row.short_name} ({row.changes[0]:+.1%})" for row in self.latencies
                  if row.verdict is Verdict.REGRESSED),
            ]  # fmt: skip
            return _listing(names)
        if self.exit_status == PASS:
            return f"{len(self.latencies)} benchmarks and {len(self.figures)} figures compared"
        if self.problems:
            return _listing(self.problems)
        open_names = [row.short_name for row in self.latencies if row.verdict is Verdict.NONE]
        return f"no verdict on {_listing(open_names)}" if open_names else "nothing was compared"

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
            "problems": self.problems,
            "details": self.details,
            "notes": self.notes,
            "figures": [{**vars(row), "verdict": str(row.verdict)} for row in self.figures],
            "benchmarks": [_latency_dict(row) for row in self.latencies],
        }


def _latency_dict(row: Latency) -> dict[str, Any]:
    change, lower, upper = (value if math.isfinite(value) else None for value in row.changes)
    lower = None if lower == -1 else lower  # exp(-inf) - 1: no bound
    return {
        "name": row.name,
        "verdict": str(row.verdict),
        "base_s": row.base_s,
        "head_s": row.head_s,
        "change": change,
        "lower": lower,
        "upper": upper,
        "blocks": row.decision.estimate.count if row.decision.estimate else 0,
        "min_effect": math.expm1(row.decision.margins.effect),
        "max_hidden_effect": math.expm1(row.decision.margins.hidden),
        "measured_again": row.decision.is_confirmed,
    }


def _listing(names: list[str], shown: int = 5) -> str:
    rest = len(names) - shown
    return "; ".join(names[:shown]) + (f"; and {rest} more" if rest > 0 else "")
