"""Deliberate faults, one at a time, and whether the tests notice: `python -m tests.mutants`.

Each fault replaces one line of a copy of this project; then the tests that should notice are run.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults import MUTANTS, Mutant

ROOT = Path(__file__).parents[1]


@contextmanager
def project_copy() -> Iterator[Path]:
    """Copy the project to where it may be harmed."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "project"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".git", ".tox", ".training"))
        subprocess.run(["git", "init", "--quiet", tree], check=True)  # some tests ask git
        yield tree


@contextmanager
def harmed(mutant: Mutant, tree: Path) -> Iterator[None]:
    """Put a fault into a copy of the project, and take it out again.

    Raises:
        ValueError: the text that it replaces does not stand there once.
    """
    file = tree / mutant.file
    sound = file.read_text(encoding="utf-8")
    if sound.count(mutant.old) != 1:
        raise ValueError(f"{mutant.file}: {mutant.old!r} does not stand there once")
    file.write_text(sound.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(sound, encoding="utf-8")


def status_of(tests: str, tree: Path) -> int:
    """Run tests until one fails, and return pytest's exit status."""
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", tests]
    return subprocess.run(command, cwd=tree, check=False, capture_output=True).returncode


def is_noticed(mutant: Mutant, tree: Path) -> bool:
    """Tell whether a fault's tests fail by it; another status of pytest's is no verdict."""
    with harmed(mutant, tree):
        return status_of(mutant.tests, tree) == 1


def main(words: list[str]) -> int:
    """Try the faults whose description holds all words; return how many survive.

    Tests that fail on the sound project notice nothing: their faults survive.
    """
    survivors = 0
    with project_copy() as tree:
        chosen = [each for each in MUTANTS if all(word in each.what for word in words)]
        passes = functools.cache(lambda tests: status_of(tests, tree) == 0)
        for mutant in chosen:
            noticed = passes(mutant.tests) and is_noticed(mutant, tree)
            survivors += not noticed
            print("noticed " if noticed else "SURVIVES", mutant.what, flush=True)
    print(f"{survivors} of {len(chosen)} faults survive")
    return survivors


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
