"""Turn-taking, with two real pytest processes on small projects made for it."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from bench.gate.errors import GateError
from bench.gate.measure.controller import BASE, HEAD, Settings, Side, run_block

CONFTEST = """
def pytest_addoption(parser):
    parser.addoption("--rounds", type=int)
    parser.addoption("--warmup-rounds", type=int)
"""
PREAMBLE = """
import os, pytest
LOG, SIDE = {log!r}, {side!r}

def note(word):
    with open(LOG, "a") as file:
        file.write(f"{{SIDE}} {{word}}\\n")
"""
ALTERNATING = """
def test_a(benchmark, request):
    note("set up")
    benchmark.extra_info["side"] = SIDE
    benchmark.pedantic(note, ("round",), rounds=ROUNDS, setup=lambda: note("setup"))
    note("torn down")
"""


@pytest.fixture
def log(tmp_path) -> Path:
    """What both sides write into."""
    return tmp_path / "log"


@pytest.fixture
def make_side(tmp_path, log):
    """A function that makes a side with a benchmark file."""

    def make(name: str, code: str) -> Side:
        root = tmp_path / name
        (root / "bench").mkdir(parents=True)
        (root / "conftest.py").write_text(CONFTEST)
        preamble = PREAMBLE.format(log=str(log), side=name)
        (root / "bench" / "test_it.py").write_text(preamble + textwrap.dedent(code))
        return Side(name, root, sys.executable)

    return make


def lines(log: Path, word: str) -> list[str]:
    """Return which side wrote a word, in order."""
    rows = [line.split(" ", 1) for line in log.read_text().splitlines()]
    return [side for side, said in rows if said == word]


@pytest.mark.parametrize(("number", "first", "second"), [(0, BASE, HEAD), (1, HEAD, BASE)])
def test_rounds_alternate(make_side, log, number, first, second):
    base, head = (make_side(name, ALTERNATING.replace("ROUNDS", "4")) for name in (BASE, HEAD))
    block = run_block(base, head, Settings(), number)
    assert block.first == first
    assert lines(log, "round") == [
        first, second, second, first, first, second, second, first,
    ]  # fmt: skip
    everything = log.read_text().splitlines()
    assert everything[:2] == [f"{first} set up", f"{second} set up"]
    assert everything[-2:] == [f"{second} torn down", f"{first} torn down"]
    # The benchmark's own setup belongs to the side that has the turn.
    rows = everything[2:-2]
    assert [row.split()[0] for row in rows[::2]] == [row.split()[0] for row in rows[1::2]]
    name = "bench/test_it.py::test_a"
    for side in (BASE, HEAD):
        assert block.samples[side][name].info == {"side": side}
        assert len(block.samples[side][name].rounds_s) == 4


def test_a_side_with_more_rounds_goes_on_alone(make_side, log):
    base = make_side(BASE, ALTERNATING.replace("ROUNDS", "2") + "\ntest_b = test_a\n")
    head = make_side(HEAD, ALTERNATING.replace("ROUNDS", "7") + "\ntest_b = test_a\n")
    block = run_block(base, head, Settings(), 0)
    for name in ("bench/test_it.py::test_a", "bench/test_it.py::test_b"):
        assert [len(block.samples[side][name].rounds_s) for side in (BASE, HEAD)] == [2, 7]
    assert lines(log, "round")[:9] == [BASE, HEAD, HEAD, BASE, *[HEAD] * 5]


def test_only_one_side_has_it(make_side):
    base = make_side(BASE, ALTERNATING.replace("ROUNDS", "2"))
    head = make_side(HEAD, ALTERNATING.replace("ROUNDS", "2").replace("test_a", "test_b"))
    block = run_block(base, head, Settings(), 0)
    assert block.shared == []
    assert [list(block.samples[side]) for side in (BASE, HEAD)] == [
        ["bench/test_it.py::test_a"],
        ["bench/test_it.py::test_b"],
    ]


def test_wanted_benchmarks_only(make_side, log):
    code = ALTERNATING.replace("ROUNDS", "1") + "\ntest_b = test_a\n"
    block = run_block(
        make_side(BASE, code), make_side(HEAD, code), Settings(), 0, ["bench/test_it.py::test_b"]
    )
    assert block.shared == ["bench/test_it.py::test_b"]


def test_a_skipped_benchmark_is_told(make_side):
    code = ALTERNATING.replace("ROUNDS", "1")
    head = code.replace('note("set up")', 'pytest.skip("not today")')
    block = run_block(make_side(BASE, code), make_side(HEAD, head), Settings(), 0)
    assert block.shared == []
    assert "not today" in block.skipped[HEAD]["bench/test_it.py::test_a"]
    assert block.skipped[BASE] == {}


def test_a_slowed_side_is_slower(make_side):
    """By a factor so large that no noise undoes it."""
    code = """
    def test_a(benchmark):
        benchmark.pedantic(sum, (range(20_000),), rounds=20)
    """
    name = "bench/test_it.py::test_a"
    block = run_block(
        make_side(BASE, code), make_side(HEAD, code), Settings(slowed={name: 50.0}), 0
    )
    base, head = (sorted(block.samples[side][name].rounds_s)[10] for side in (BASE, HEAD))
    assert head > 5 * base


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
def test_a_broken_side_says_why(make_side, code, said, broken):
    good = "def test_a(benchmark):\n    benchmark.pedantic(int, rounds=3)"
    base, head = (make_side(name, code if name == broken else good) for name in (BASE, HEAD))
    with pytest.raises(GateError) as caught:
        run_block(base, head, Settings(), 0)
    assert broken in caught.value.message
    assert said in caught.value.message + caught.value.details


def test_an_interpreter_that_is_not_there(make_side, tmp_path):
    code = ALTERNATING.replace("ROUNDS", "1")
    head = Side(HEAD, make_side(HEAD, code).root, str(tmp_path / "python"))
    with pytest.raises(GateError, match="cannot be started"):
        run_block(make_side(BASE, code), head, Settings(), 0)
