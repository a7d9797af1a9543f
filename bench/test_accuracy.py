"""Right answers on pictures of one's own: `--images DIR --min-accuracy 0.9`. Nothing is timed."""

from __future__ import annotations

import pytest


def test_accuracy(classifier, evaluation, pytestconfig):
    """The likeliest class is right often enough."""
    if evaluation is None:
        pytest.skip("name pictures of your own with --images")
    share, wanted = evaluation.top_1, pytestconfig.getoption("min_accuracy")
    low, high = share.interval
    assert share.fraction >= wanted, (
        f"{share.correct} of {share.images} are right: {share.fraction:.2%} (95% interval "
        f"{low:.2%} to {high:.2%}), below {wanted:.2%}; damaged: {len(evaluation.damaged)}"
    )
