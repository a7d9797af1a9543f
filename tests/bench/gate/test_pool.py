"""Resampling: a pool whose noise is known gives the rates that it must."""

from __future__ import annotations

import numpy as np
import pytest

from bench.gate import pool as pools
from bench.gate.errors import GateError
from bench.gate.judge.verdict import Verdict
from bench.gate.measure.controller import BASE, HEAD, Block, Sample
from bench.gate.pool import Pool, Resampler
from bench.gate.rivals import mann_whitney_alarm, mean_alarm, rates

LIMITS = (0.01, 0.03, 0.2)


def make_pool(noise: float, bias: float = 0.0, blocks: int = 80, names: int = 6) -> Pool:
    """Rounds of 200 us: each process has a speed of its own, and each round a little noise."""
    random = np.random.default_rng(5)
    rounds = {}
    for index in range(names):
        processes = np.exp(random.normal(0, noise, (blocks, 2, 1)))
        processes[:, 1] *= 1 + bias
        spread = np.exp(np.abs(random.normal(0, 0.003, (blocks, 2, 15))))
        rounds[f"b::{index}"] = np.rint(200_000 * processes * spread).astype(np.int64)
    return Pool({"condition": "idle", "startup_s": 1.0}, rounds, [3.0] * blocks, [])


def draw(pool: Pool, slow_down: float, count: int = 60, max_seconds: float = 300.0) -> list:
    random = np.random.default_rng(6)
    resampler = Resampler(pool, LIMITS, max_seconds, pool.about["startup_s"])
    return [resampler.draw(random, slow_down) for _ in range(count)]


def test_identical_sides():
    drawn = draw(make_pool(0.007), 0.0)
    assert [each.false_alarms for each in drawn] == [0] * 60
    assert {each.status for each in drawn} == {0}
    assert {each.slowed for each in drawn} == {None}
    assert all(each.blocks >= 10 and each.seconds <= 3.0 * each.blocks for each in drawn)


def test_a_slow_down_is_found():
    drawn = draw(make_pool(0.007), 0.04)
    assert {each.slowed for each in drawn} == {Verdict.REGRESSED}
    assert {each.status for each in drawn} == {1}


def test_a_difference_between_the_sides_shows_as_false_alarms():
    assert all(each.false_alarms == 6 for each in draw(make_pool(0.003, bias=0.05), 0.0))


def test_no_time_is_no_verdict():
    drawn = draw(make_pool(0.007), 0.1, max_seconds=20.0)
    assert {each.status for each in drawn} == {2}
    assert {each.blocks for each in drawn} == {6}


@pytest.mark.parametrize(
    ("alarm", "noise", "least"), [(mean_alarm, 0.03, 20), (mann_whitney_alarm, 0.01, 50)]
)
def test_rivals_take_noise_between_processes_for_a_regression(alarm, noise, least):
    false, found = rates(make_pool(noise), alarm, 0.0, 100, np.random.default_rng(7))
    assert false >= least
    assert found == 0


def test_rivals_find_what_is_large():
    for alarm in (mean_alarm, mann_whitney_alarm):
        false, found = rates(make_pool(0.001), alarm, 0.2, 50, np.random.default_rng(8))
        assert (found, false < 50) == (50, True)


def test_a_pool_is_what_was_recorded(tmp_path):
    pool = Pool({"condition": "idle"}, {}, [], [{"slowed": {}}])
    blocks = [
        Block(
            BASE,
            [0],
            1.5,
            {side: {"a": Sample((1e-3, 2e-3, number * 1e-6), {})} for side in (BASE, HEAD)},
        )
        for number in range(1, 4)
    ]
    for block in blocks:
        pool.add(block)
    path = tmp_path / "pool.json.gz"
    pools.save(pool, path)
    again = pools.read(path)
    assert again.seconds == [1.5] * 3
    assert again.about == pool.about
    assert again.comparisons == pool.comparisons
    assert again.rounds_ns["a"].shape == (3, 2, 3)
    assert again.rounds_ns["a"][1].tolist() == [[1_000_000, 2_000_000, 2_000]] * 2
    assert list(tmp_path.iterdir()) == [path]


def test_blocks_of_other_benchmarks_do_not_join():
    pool = make_pool(0.01)
    block = Block(BASE, [], 1.0, {side: {"other": Sample((1.0,), {})} for side in (BASE, HEAD)})
    with pytest.raises(GateError, match="other benchmarks"):
        pool.add(block)


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b damaged", b"{}"])
def test_damaged_pools(tmp_path, content):
    path = tmp_path / "pool.json.gz"
    path.write_bytes(content)
    with pytest.raises(GateError, match="not a pool"):
        pools.read(path)
