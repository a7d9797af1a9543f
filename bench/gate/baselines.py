"""Runs that were stored to compare with: pinned by a name, found by it or by their commit."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.gate.measure.gate_error import GateError
from bench.results.session import Session, read_session

DIRECTORY = Path(".benchmarks") / "baselines"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
MOVING = ("latest", "last", "newest")
SHORTEST_COMMIT = 7


def find(word: str, directory: Path = DIRECTORY) -> list[Path]:
    """Return the files that a word stands for: a file, a baseline's name, or its commit.

    Raises:
        GateError: it stands for none, or for more than one baseline.
    """
    if Path(word).is_file():
        return [Path(word)]
    if word in MOVING:
        raise GateError(f"{word!r} is not a baseline: name one, or its commit, so that it is fixed")
    if NAME.fullmatch(word) and (directory / word).is_dir():
        return _files(directory / word)
    if re.fullmatch(rf"[0-9a-f]{{{SHORTEST_COMMIT},40}}", word) and directory.is_dir():
        found = [
            baseline for baseline in sorted(directory.iterdir())
            if baseline.is_dir() and _commit(baseline).startswith(word)
        ]  # fmt: skip
        if len(found) == 1:
            return _files(found[0])
        if found:
            names = ", ".join(baseline.name for baseline in found)
            raise GateError(f"{word} is the commit of several baselines, name one: {names}")
    raise GateError(f"{word}: neither a file nor the name or commit of a baseline in {directory}")


def store(name: str, runs: Sequence[Session], directory: Path = DIRECTORY) -> Path:
    """Store runs as a baseline: all of them or none, never over another.

    Raises:
        GateError: the name is taken or moves, or the runs are of uncommitted code, of different
            commits or machines, have other benchmarks than one another, or hold a failure.
    """
    if not NAME.fullmatch(name) or name in MOVING:
        raise GateError(f"{name!r} cannot be a baseline's name; a version or a branch can")
    if (directory / name).exists():
        raise GateError(f"baseline {name} exists already; baselines are not replaced")
    commits = {run.commit for run in runs}
    if len(commits) != 1 or None in commits or any(run.is_changed for run in runs):
        raise GateError("a baseline is one commit, without changes that are in none")
    if len({run.processor for run in runs}) != 1:
        raise GateError("a baseline is of one machine, and these runs are of several")
    if len({frozenset(run.by_fullname()) for run in runs}) != 1:
        raise GateError("a baseline's runs have the same benchmarks, and these differ")
    if failures := [failure for run in runs for failure in run.failures]:
        raise GateError(f"a failing run is no baseline: {failures[0]}")
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory, prefix=".storing-") as temporary:
        whole = Path(temporary) / name
        whole.mkdir()
        for number, run in enumerate(runs, 1):
            shutil.copyfile(run.path, whole / f"{number:03}.json")
        whole.rename(directory / name)
    return directory / name


def _files(baseline: Path) -> list[Path]:
    return sorted(baseline.glob("*.json"))


def _commit(baseline: Path) -> str:
    files = _files(baseline)
    return (read_session(files[0]).commit or "") if files else ""
