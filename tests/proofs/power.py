"""How surely hypothesis finds deliberate faults in preparation: `tox -e power -- [WORD ...]`.

Each fault is put into a copy of this project. One property is then run 20 times, each time on 100
examples of another seed, and the runs that fail are counted: the property's power against that
fault. On the sound project none may fail. Nothing is shrunk or remembered.
"""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.proofs.preparation_faults import FAULTS, Fault

ROOT = Path(__file__).parents[2]
RUNS, EXAMPLES = 20, 100
_COUNT = "--count"


@contextmanager
def project_copy() -> Iterator[Path]:
    """Copy the project to where it may be harmed."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "project"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".git", ".tox", ".training"))
        yield tree


@contextmanager
def harmed(fault: Fault, tree: Path) -> Iterator[None]:
    """Put a fault into a copy of the project, and take it out again."""
    file = tree / fault.file
    sound = file.read_text(encoding="utf-8")
    if sound.count(fault.old) != 1:
        raise ValueError(f"{fault.file}: {fault.old!r} does not stand there once")
    file.write_text(sound.replace(fault.old, fault.new), encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(sound, encoding="utf-8")


def failing_runs(test: str) -> int:
    """Run a property of this very tree; return in how many of the runs it fails.

    Args:
        test: as pytest names it, such as "tests/models/test_zoo.py::test_names".
    """
    from hypothesis import HealthCheck, Phase, seed, settings

    settings.register_profile(
        "power",
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("power")
    file, name = test.split("::")
    run = getattr(importlib.import_module(file.removesuffix(".py").replace("/", ".")), name)
    failures = 0
    for number in range(RUNS):
        try:
            seed(number)(run)()
        except Exception:
            failures += 1
    return failures


def count(test: str, tree: Path) -> int:
    """Return `failing_runs` of a property of another tree, in a process of its own."""
    command = [sys.executable, "-B", "-m", "tests.proofs.power", _COUNT, test]
    done = subprocess.run(command, cwd=tree, check=True, capture_output=True, text=True)
    return int(done.stdout.splitlines()[-1])


def main(words: list[str]) -> int:
    """Print the table for the faults whose description holds all words; 1 where one was missed."""
    chosen = [fault for fault in FAULTS if all(word in fault.what for word in words)]
    print(
        row("fault", "property", f"found in {RUNS} runs", "false alarms"),
        "|---|---|---:|---:|",
        sep="\n",
    )
    with project_copy() as tree:
        alarms = {
            test: count(test, tree) for test in dict.fromkeys(each.property for each in chosen)
        }
        missed = 0
        for fault in chosen:
            with harmed(fault, tree):
                found = count(fault.property, tree)
            missed += found < RUNS or alarms[fault.property] > 0
            name = fault.property.split("::")[1].removeprefix("test_").replace("_", " ")
            print(row(fault.what, name, found, alarms[fault.property]), flush=True)
    return min(1, missed)


def row(*cells: object) -> str:
    """Return a row of a Markdown table."""
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    if sys.argv[1:2] == [_COUNT]:
        print(failing_runs(sys.argv[2]))
    else:
        sys.exit(main(sys.argv[1:]))
