"""The four verdicts on a benchmark or a figure."""

from __future__ import annotations

from enum import StrEnum


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
