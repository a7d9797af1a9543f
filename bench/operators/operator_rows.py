"""The rows of a table that adds up: operators, their sum, what is outside of them, the call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.running.operator_profile import OperatorProfile, OperatorTime

SUM = "all operators"
OUTSIDE = "outside the operators"
WHOLE = "invoke"


@dataclass(frozen=True)
class OperatorRow:
    """One row.

    Attributes:
        name: of the operator or kind of operators, or what else the row is.
        runs_in: "XNNPACK" or "LiteRT"; empty for rows that are no operators.
        count: operators in the row; None for rows that are no operators.
        microseconds: of one inference.
        share: of the call.
        multiply_accumulates: of one inference; None where they are unknown.
    """

    name: str
    runs_in: str
    count: int | None
    microseconds: float
    share: float
    multiply_accumulates: int | None

    @property
    def least_gflops(self) -> float | None:
        """1e9 operations a second, at least: the profiler drops up to 1 us of each operator.

        Two operations for each multiply-accumulate.
        """
        if not self.multiply_accumulates or self.count is None:
            return None
        return 2 * self.multiply_accumulates / (self.microseconds + self.count) / 1e3


def each_row(profile: OperatorProfile) -> list[OperatorRow]:
    """Return a row for each operator, in the order in which they run."""
    return [_row(profile, each.name, [each]) for each in profile.operators]


def kind_rows(profile: OperatorProfile) -> list[OperatorRow]:
    """Return a row for each kind of operator, the one that takes most time first."""
    kinds: dict[tuple[str, bool], list[OperatorTime]] = {}
    for each in profile.operators:
        kinds.setdefault((each.kind, each.is_delegated), []).append(each)
    rows = [_row(profile, name, found) for (name, _), found in kinds.items()]
    return sorted(rows, key=lambda row: -row.microseconds)


def closing_rows(profile: OperatorProfile) -> list[OperatorRow]:
    """Return the sum of the operators, what is outside of them, and the call: they add up."""
    whole = profile.invoke_us
    everything = _row(profile, SUM, profile.operators)
    return [
        replace(everything, runs_in=""),
        OperatorRow(OUTSIDE, "", None, profile.outside_us, profile.outside_us / whole, None),
        OperatorRow(WHOLE, "", None, whole, 1.0, None),
    ]


def dropped_us(profile: OperatorProfile) -> int:
    """Return the most that the profiler drops of a call, in microseconds: 1 of each operator."""
    return len(profile.operators)


def _row(profile: OperatorProfile, name: str, operators: Sequence[OperatorTime]) -> OperatorRow:
    microseconds = sum(each.microseconds for each in operators)
    costs = [each.multiply_accumulates for each in operators]
    return OperatorRow(
        name,
        "XNNPACK" if operators[0].is_delegated else "LiteRT",
        len(operators),
        microseconds,
        microseconds / profile.invoke_us,
        None if None in costs else sum(each or 0 for each in costs),
    )
