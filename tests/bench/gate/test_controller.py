"""Interleaved rounds, with real pytest processes on small projects made for it."""

import os
import random
import sys
import textwrap
from pathlib import Path

import pytest

from bench.android.phone.control import COOL_DOWN_TIMEOUT_S
from bench.gate.measure import worker
from bench.gate.measure.controller import Block, _plan, collect, run_block
from bench.gate.measure.worker import BASE, HEAD, GateError, Sampling, Tree

pytestmark = pytest.mark.slow

CONFTEST = """
def pytest_addoption(parser):
    parser.addoption("--rounds", type=int)
    parser.addoption("--warmup-rounds", type=int)
"""
PREAMBLE = """
import os, pytest
LOG, TREE = {log!r}, {tree!r}

def note(word):
    with open(LOG, "a") as file:
        file.write(f"{{TREE}} {{word}}\\n")
"""
ALTERNATING = """
def test_a(benchmark, request):
    note("set up")
    benchmark.extra_info["tree"] = TREE
    benchmark.pedantic(note, ("round",), rounds=ROUNDS, setup=lambda: note("setup"))
    note("torn down")
"""


@pytest.fixture
def log(tmp_path) -> Path:
    """What all trees write into."""
    return tmp_path / "log"


@pytest.fixture
def make_tree(tmp_path, log):
    """A function that makes a tree with a benchmark file."""

    def make(name: str, code: str) -> Tree:
        root = tmp_path / name
        (root / "bench").mkdir(parents=True)
        (root / "conftest.py").write_text(CONFTEST)
        preamble = PREAMBLE.format(log=str(log), tree=name)
        (root / "bench" / "test_it.py").write_text(preamble + textwrap.dedent(code))
        return Tree(name, root, sys.executable)

    return make


def lines(log: Path, word: str) -> list[str]:
    """Return which tree wrote a word, in order."""
    rows = [line.split(" ", 1) for line in log.read_text().splitlines()]
    return [tree for tree, said in rows if said == word]


def measure(base: Tree, head: Tree, number: int = 0, **settings) -> Block:
    return run_block([base, head], Sampling(**settings), number)


@pytest.mark.parametrize("names", [(BASE, HEAD), (BASE, "base-v1", HEAD)])
def test_rounds_are_interleaved(make_tree, log, names):
    trees = [make_tree(name, ALTERNATING.replace("ROUNDS", "4")) for name in names]
    block = run_block(trees, Sampling(), 3)
    assert sorted(block.order) == sorted(names)
    rounds = lines(log, "round")
    # Two in a row, then another tree's, until all have had theirs; then in another order.
    turns = [rounds[start : start + 2] for start in range(0, len(rounds), 2)]
    assert all(len(set(turn)) == 1 for turn in turns)
    half = len(names)
    for cycle in (turns[:half], turns[half:]):
        assert sorted(tree for tree, _ in cycle) == sorted(names)
    everything = log.read_text().splitlines()
    assert everything[:half] == [f"{name} set up" for name in block.order]
    assert everything[-half:] == [f"{name} torn down" for name in reversed(block.order)]
    # The benchmark's own setup belongs to the tree that has the turn.
    rows = everything[half:-half]
    assert [row.rsplit(" ", 1)[0] for row in rows[::2]] == [
        row.rsplit(" ", 1)[0] for row in rows[1::2]
    ]
    name = "bench/test_it.py::test_a"
    for tree in names:
        assert block.samples[tree][name].info == {"tree": tree}
        assert len(block.samples[tree][name].rounds_s) == 4
    assert 0 < block.took[name].rounds_s < block.seconds


def test_the_order_is_not_always_the_same(make_tree, log):
    base, head = (make_tree(name, ALTERNATING.replace("ROUNDS", "40")) for name in (BASE, HEAD))
    blocks = [measure(base, head, number) for number in (0, 1)]
    assert len({tuple(block.order) for block in blocks}) == 2
    rounds = lines(log, "round")
    firsts = [rounds[start] for start in range(0, len(rounds), 4)]
    assert 10 < firsts.count(BASE) < len(firsts) - 10


def test_benchmarks_run_in_an_order_of_its_own_in_each_block():
    names = [f"test_{number}" for number in range(6)]
    plans = [_plan({BASE: names}, None, random.Random(number)) for number in range(40)]
    assert len({tuple(name for name, _ in plan) for plan in plans}) > 30


def test_a_tree_with_more_rounds_goes_on_alone(make_tree, log):
    base = make_tree(BASE, ALTERNATING.replace("ROUNDS", "2") + "\ntest_b = test_a\n")
    head = make_tree(HEAD, ALTERNATING.replace("ROUNDS", "7") + "\ntest_b = test_a\n")
    block = measure(base, head)
    for name in ("bench/test_it.py::test_a", "bench/test_it.py::test_b"):
        assert [len(block.samples[tree][name].rounds_s) for tree in (BASE, HEAD)] == [2, 7]
    assert lines(log, "round")[4:9] == [HEAD] * 5


def test_wanted_benchmarks_only(make_tree, log):
    code = ALTERNATING.replace("ROUNDS", "1") + "\ntest_b = test_a\n"
    wanted = {name: ["bench/test_it.py::test_b"] for name in (BASE, HEAD)}
    block = run_block([make_tree(BASE, code), make_tree(HEAD, code)], Sampling(), 0, wanted)
    assert block.shared(BASE) == ["bench/test_it.py::test_b"]


def test_what_a_device_measures_on_and_on_is_left_alone(make_tree):
    code = """
    @pytest.fixture
    def device_setup(): pass
    @pytest.fixture
    def sustained(): pass
    def test_a(benchmark, device_setup): pass
    def test_device_sustained(benchmark, device_setup, sustained): pass
    """
    collected = collect([make_tree(HEAD, code)], Sampling(is_device=True))
    assert list(collected[HEAD].files) == ["bench/test_it.py::test_a"]


def test_a_skipped_benchmark_is_told(make_tree):
    code = ALTERNATING.replace("ROUNDS", "1")
    head = code.replace('note("set up")', 'pytest.skip("not today")')
    block = measure(make_tree(BASE, code), make_tree(HEAD, head))
    assert block.shared(BASE) == []
    assert "not today" in block.skipped[HEAD]["bench/test_it.py::test_a"]
    assert block.skipped[BASE] == {}


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cores cannot be chosen here")
@pytest.mark.parametrize("shares_core", [True, False])
def test_all_trees_run_on_the_cores_of_the_block(make_tree, shares_core):
    """One of those that are usable, where they share it."""
    code = """
    def test_a(benchmark):
        benchmark.pedantic(int)
        benchmark.extra_info["cpus"] = sorted(os.sched_getaffinity(0))
    """
    usable = sorted(os.sched_getaffinity(0))
    block = measure(make_tree(BASE, code), make_tree(HEAD, code), shares_core=shares_core)
    assert block.cpus == (usable[:1] if shares_core else [])
    for tree in (BASE, HEAD):
        cpus = block.samples[tree]["bench/test_it.py::test_a"].info["cpus"]
        assert cpus == (block.cpus or usable)
    assert sorted(os.sched_getaffinity(0)) == usable


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def test_a(benchmark):\n    assert 1 == 2", "1 == 2"),
        ("def test_a(benchmark):\n    benchmark.pedantic(lambda: 1 / 0)", "ZeroDivisionError"),
        ("def test_a(benchmark):\n    benchmark(lambda: 1)", "benchmark.pedantic"),
        ("def test_a(benchmark):\n    benchmark.pedantic(int, iterations=3)", "iterations"),
        ("import nothing_of_that_name\ndef test_a(benchmark): pass", "nothing_of_that_name"),
        ("def test_a(benchmark):\n    benchmark.pedantic(os._exit, (7,))", "exit status 7"),
        ("def test_a(benchmark):\n    benchmark.pedantic(os.abort)", "signal 6"),
    ],
    ids=["assert", "round", "unpaced", "iterations", "import", "exit", "crash"],
)
@pytest.mark.parametrize("broken", [BASE, HEAD])
def test_a_broken_tree_says_why(make_tree, code, said, broken):
    good = "def test_a(benchmark):\n    benchmark.pedantic(int, rounds=3)"
    base, head = (make_tree(name, code if name == broken else good) for name in (BASE, HEAD))
    with pytest.raises(GateError) as caught:
        measure(base, head)
    assert broken in str(caught.value)
    assert said in str(caught.value) + caught.value.details


def test_a_worker_that_says_nothing_is_hung(make_tree, monkeypatch):
    monkeypatch.setattr(worker, "SILENCE_S", 0.01)
    trees = [make_tree(name, ALTERNATING) for name in (BASE, HEAD)]
    with pytest.raises(GateError, match="said nothing for 0 s"):
        run_block(trees, Sampling(), 0)


def test_a_phone_that_cools_down_is_not_hung():
    assert worker.DEVICE_SILENCE_S > 2 * COOL_DOWN_TIMEOUT_S
