"""Commands whose output nobody reads on: `python -m models list --json | head -1`."""

import os
import subprocess
import sys

import pytest

from models.terminal.screen import CLOSED_PIPE
from tests.bench.report.samples import Sample
from tests.models.small_files import colour_classifier
from tests.processes import ROOT


@pytest.fixture
def runs(tmp_path):
    return [
        str(Sample(day, f"{day}" * 40, day).add_host().write(tmp_path / f"{day}.json"))
        for day in (1, 2)
    ]


def end(*words, **environment):
    """Run a command whose stdout was closed at its other end; return its status and stderr."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", *words], stdout=writing, stderr=subprocess.PIPE, cwd=ROOT, text=True,
        check=False, timeout=120, env={**os.environ, **environment},
    )  # fmt: skip
    os.close(writing)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        ("models list --json", {}),  # the pipe is found closed at the end
        ("models list", {"PYTHONUNBUFFERED": "1"}),  # at once, by rich
        ("bench history", {"PYTHONUNBUFFERED": "1"}),
    ],
)
def test_a_command_ends_quietly(words, environment, runs):
    files = runs if words == "bench history" else []
    assert end(*words.split(), *files, **environment) == (CLOSED_PIPE, "")


def test_help_is_quiet_too():
    status, said = end("bench", "report", "--help")
    assert status in (0, CLOSED_PIPE)  # argparse takes an error itself
    assert said == ""


@pytest.mark.slow
def test_a_progress_bar_is_not_output(tmp_path):
    path = tmp_path / "net.tflite"
    path.write_bytes(colour_classifier())
    status, said = end("bench", "ratios", str(path), f"--model={path}", "--rounds=2", "--blocks=2")
    assert (status, "Traceback" in said) == (CLOSED_PIPE, False)


def test_a_verdict_stays_what_it_is(tmp_path):
    """The gate means something by each exit status, and writes what it found all the same."""
    files = []
    for number in range(14):
        sample = Sample(number, day=number + 1)
        sample.add("test_classify", "a", 1e-3 * (1 + (number >= 7)), {"model": "a"})
        files.append(str(sample.write(tmp_path / f"{number}.json")))
    out = tmp_path / "out"
    words = ["bench", "compare", "--output", str(out), *files[:7], "--", *files[7:]]
    assert end(*words, PYTHONUNBUFFERED="1") == (1, "")
    assert (out / "gate.json").is_file()
