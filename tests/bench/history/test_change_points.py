"""The search for changes, on series whose changes are known."""

from __future__ import annotations

import numpy as np
import pytest

from bench.history.change_points import FALSE_DISCOVERIES, can_change, find_changes

SESSIONS, EACH_COMMIT = 24, 2
GROUPS = [session // EACH_COMMIT for session in range(SESSIONS)]


def _noise(random: np.random.Generator, count: int) -> np.ndarray:
    """Sessions differ by 1 %, one in ten by much more and to one side: it was disturbed."""
    disturbed = (random.random((count, SESSIONS)) < 0.1) * random.exponential(
        0.2, (count, SESSIONS)
    )
    return np.exp(0.01 * random.standard_t(4, (count, SESSIONS)) + disturbed)


def test_a_step_is_found_at_its_commit_with_its_size():
    values = 1e-4 * _noise(np.random.default_rng(1), 1)[0]
    values[14:] *= 1.06
    ((change,),) = find_changes([values], [GROUPS])
    assert change.place == 14
    assert change.lower < 1.06 < change.upper
    assert change.ratio == pytest.approx(1.06, abs=0.02)
    assert change.p < 0.001
    assert change.after / change.before == pytest.approx(1.06, abs=0.03)


def test_two_steps_are_told_apart():
    values = 1e-4 * _noise(np.random.default_rng(2), 1)[0]
    values[8:16] *= 1.2
    (changes,) = find_changes([values], [GROUPS])
    assert [change.place for change in changes] == [8, 16]
    assert [round(change.ratio, 1) for change in changes] == [1.2, 0.8]


def test_small_steps_that_add_up_are_found():
    """Ten commits of +0.8 %, each less than what sessions differ by."""
    values = 1e-4 * _noise(np.random.default_rng(3), 1)[0]
    values *= 1.008 ** np.minimum(np.array(GROUPS), 10)
    (changes,) = find_changes([values], [GROUPS])
    assert changes
    assert changes[-1].after > 1.03 * changes[0].before


def test_a_commit_is_never_split():
    values = np.ones(12) + np.arange(12) * 1e-6
    values[5:] *= 2
    groups = [0] * 4 + [1] * 4 + [2] * 4
    (changes,) = find_changes([values], [groups])
    assert {change.place for change in changes} in ({4}, {8}, {4, 8})
    assert find_changes([values], [[0] * 12]) == [[]]


def test_too_few_sessions_say_nothing():
    assert find_changes([[1.0, 1.1, 2.0, 2.1]], [range(4)]) == [[]]
    assert find_changes([], []) == []
    assert [can_change(range(count)) for count in (1, 2, 4, 8)] == [False, False, False, True]
    assert not can_change([0] * 20)


def test_equal_values_are_no_change():
    assert find_changes([[1.0] * 20, [1.0] * 19 + [2.0]], [range(20)] * 2) == [[], []]


@pytest.mark.slow
def test_false_alarms_are_as_rare_as_stated():
    """Suites of 20 series without a change: a suite with any is a false discovery."""
    random = np.random.default_rng(4)
    suites = 150
    alarms = sum(any(find_changes(_noise(random, 20), [GROUPS] * 20)) for _ in range(suites))
    spread = 3 * np.sqrt(FALSE_DISCOVERIES * (1 - FALSE_DISCOVERIES) / suites)
    assert alarms / suites <= FALSE_DISCOVERIES + spread


def test_most_changes_of_five_per_cent_are_found_where_they_are():
    random = np.random.default_rng(5)
    values = _noise(random, 200)
    values[:100, 12:] *= 1.05
    found = find_changes(values, [GROUPS] * 200)
    right = sum(
        any(abs(change.place - 12) <= EACH_COMMIT for change in each) for each in found[:100]
    )
    assert right >= 70
    assert sum(map(bool, found[100:])) <= 15
