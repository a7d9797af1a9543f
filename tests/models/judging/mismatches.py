"""Where two recordings of canary answers disagree."""

from __future__ import annotations

import numpy as np

from models.files.cards import Canary

# Largest accepted difference of a probability between the card's canary answers and another
# machine's or runtime's. Float kernels differ by rounding; integer kernels by a step of the
# output's quantisation (1/256), times what a step inside the network makes of it.
CANARY_TOLERANCE = {"float32": 1e-4, "float16": 1e-3, "dynamic": 0.05, "int8": 0.05}


def canary_mismatches(expected: Canary, actual: Canary, tolerance: float) -> list[str]:
    """Say where two recordings of canary answers disagree; an empty list where they agree.

    The likeliest class may differ only where the expected margin over it is below twice the
    tolerance.
    """
    if expected.fingerprint != actual.fingerprint:
        return ["the canary images have other pixels than those that the answers were recorded on"]
    faults = []
    for index, (old, new) in enumerate(
        zip(expected.probabilities, actual.probabilities, strict=True)
    ):
        difference = float(np.abs(np.subtract(old, new)).max())
        if difference > tolerance:
            faults.append(
                f"canary {index}: a probability differs by {difference:.5f} (at most {tolerance})"
            )
        top, other = expected.top1[index], actual.top1[index]
        if top != other and old[top] - old[other] > 2 * tolerance:
            faults.append(f"canary {index}: class {other} in place of {top}")
    return faults
