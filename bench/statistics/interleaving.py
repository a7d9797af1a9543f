"""The order in which several parties are measured side by side."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

ROUNDS_IN_A_ROW = 2
"""The first round of a turn finds the caches full of another party's data, the second its own. So
each party has as many rounds of either kind, however many parties there are."""


def interleave(parties: Sequence[Callable[[], bool]], order: random.Random) -> None:
    """Run the rounds of all parties, a turn of each in a random order, then in another one.

    No party is always first, and none always follows the same one: what drifts, and what a
    predecessor leaves in the caches, becomes noise that is the same for all.

    Args:
        parties: each runs one round when called, and returns whether it has more.
        order: where the orders are drawn from.
    """
    left = list(parties)
    while left:
        for party in order.sample(left, len(left)):
            for _ in range(ROUNDS_IN_A_ROW):
                if not party():
                    left.remove(party)
                    break
