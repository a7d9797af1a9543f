"""The four verdicts, and what they come to for a whole comparison."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

PASS, FAIL, CANNOT_JUDGE = 0, 1, 2


class Verdict(StrEnum):
    """What is known of one benchmark or figure.

    REGRESSED: worse by more than is allowed. IMPROVED: better by as much. SAME: neither, and a
    relevant regression is excluded. NONE: not enough is known.
    """

    REGRESSED = "regressed"
    IMPROVED = "improved"
    SAME = "same"
    NONE = "no verdict"


def exit_status(verdicts: Iterable[Verdict], problems: Iterable[str] = ()) -> int:
    """Return 0 pass, 1 regressed, 2 could not judge.

    A regression that was found stays one, whatever else could not be judged. Nothing compared is
    nothing judged.
    """
    found = list(verdicts)
    if Verdict.REGRESSED in found:
        return FAIL
    if not found or Verdict.NONE in found or any(True for _ in problems):
        return CANNOT_JUDGE
    return PASS


def lower_is_better(change: float, allowed: float) -> Verdict:
    """Judge a figure that is known exactly.

    Args:
        change: head minus base, in any unit.
        allowed: growth that is no regression, in the same unit.
    """
    if change > allowed:
        return Verdict.REGRESSED
    return Verdict.IMPROVED if change < 0 else Verdict.SAME
