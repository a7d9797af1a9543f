"""The search for changes, on series whose changes are known."""

import numpy as np
import pytest

from bench.history.change_points import FALSE_DISCOVERIES, can_change, find_changes

COMMITS = 24


def _noise(random: np.random.Generator, count: int) -> np.ndarray:
    """Commits differ by 1 %, one in ten by much more and to one side: it was disturbed."""
    disturbed = (random.random((count, COMMITS)) < 0.1) * random.exponential(0.2, (count, COMMITS))
    return np.exp(0.01 * random.standard_t(4, (count, COMMITS)) + disturbed)


def test_a_step_is_found_at_its_commit_with_its_size():
    values = 1e-4 * _noise(np.random.default_rng(1), 1)[0]
    values[14:] *= 1.06
    ((change,),) = find_changes([values])
    assert change.place == 14
    assert change.lower < 1.06 < change.upper
    assert change.ratio == pytest.approx(1.06, abs=0.02)
    assert change.p < 0.001
    assert change.after / change.before == pytest.approx(1.06, abs=0.03)


def test_two_steps_are_told_apart():
    values = 1e-4 * _noise(np.random.default_rng(2), 1)[0]
    values[8:16] *= 1.2
    (changes,) = find_changes([values])
    assert [change.place for change in changes] == [8, 16]
    assert [round(change.ratio, 1) for change in changes] == [1.2, 0.8]


def test_small_steps_that_add_up_are_found():
    """Ten commits of +0.8 %, each less than what commits differ by."""
    values = 1e-4 * _noise(np.random.default_rng(3), 1)[0]
    values *= 1.008 ** np.minimum(np.arange(COMMITS) / 2, 10)
    (changes,) = find_changes([values])
    assert changes
    assert changes[-1].after > 1.03 * changes[0].before


def test_too_few_commits_say_nothing():
    assert find_changes([[1.0, 1.1, 2.0, 2.1]]) == [[]]
    assert find_changes([]) == []
    assert [can_change(count) for count in (1, 2, 4, 8)] == [False, False, False, True]


def test_equal_values_are_no_change():
    assert find_changes([[1.0] * 20, [1.0] * 19 + [2.0]]) == [[], []]


@pytest.mark.slow
@pytest.mark.parametrize("changed", [0, 1, 10, 20])
def test_of_all_rows_as_few_are_false_as_stated(changed):
    """Of 20 series some have one change: what is named beside it, and in the others, is none."""
    random = np.random.default_rng(changed)
    suites, shares = 100, []
    for _ in range(suites):
        values = _noise(random, 20)
        values[:changed, 12:] *= 1.1
        found = [len(changes) for changes in find_changes(values)]
        false = sum(max(0, rows - 1) for rows in found[:changed]) + sum(found[changed:])
        shares.append(false / max(1, sum(found)))
    assert np.mean(shares) <= FALSE_DISCOVERIES + 3 * np.std(shares) / suites**0.5


def test_most_changes_of_five_per_cent_are_found_where_they_are():
    random = np.random.default_rng(5)
    values = _noise(random, 200)
    values[:100, 12:] *= 1.05
    found = find_changes(values)
    right = sum(any(abs(change.place - 12) <= 2 for change in each) for each in found[:100])
    assert right >= 70
    assert sum(map(bool, found[100:])) <= 15
