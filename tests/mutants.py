"""Deliberate faults, one at a time, and whether the tests notice: `python -m tests.mutants`.

Each fault replaces one line of a copy of this project; then the tests that should notice are run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TRAIN = "tests/models/training/test_train.py"
COMMAND = "tests/models/training/test_train_command.py"
SERIES = "tests/models/data/test_series.py"
SEEDS = "tests/models/judging/test_seeds.py"


@dataclass(frozen=True)
class Mutant:
    """A fault.

    Attributes:
        what: it does.
        file: that it is in.
        old: text that stands there once.
        new: in its place.
        tests: that should fail.
    """

    what: str
    file: str
    old: str
    new: str
    tests: str


MUTANTS = (
    Mutant(
        "development learns from the first series",
        "models/data/series.py", "Split(learnt=~first, asked=first)",
        "Split(learnt=first, asked=~first)", SERIES,
    ),
    Mutant(
        "the reported network learns from the other series",
        "models/data/series.py", "training.take(is_first(training))",
        "training.take(~is_first(training))", SERIES,
    ),
    Mutant(
        "arcs ask about what they learn",
        "models/data/arcs.py", "Split(learnt=~asked, asked=asked)",
        "Split(learnt=asked | True, asked=asked)", "tests/models/data/test_arcs.py",
    ),
    Mutant(
        "a network of one series is asked about Test",
        "models/commands/training_runs.py", '"other-series": reported.other_series}',
        '"other-series": reported.the_test_split}', COMMAND,
    ),
    Mutant(
        "the pupil of a part is taught by the published teacher",
        "models/commands/training_runs.py",
        'if split == "whole" and seed == zoo.PUBLISHED_SEED:', "if True:", COMMAND,
    ),
    Mutant(
        "nothing is augmented",
        "models/training/train.py",
        "pixels = augment(pixels, tf.stack([recipe.seed, step]))", "pass", TRAIN,
    ),
    Mutant(
        "each epoch has the same order",
        "models/training/train.py", "[recipe.seed, epoch])", "[recipe.seed, 0])", TRAIN,
    ),
    Mutant(
        "teachers are not listened to",
        "models/training/train.py", "if teachers:", "if False:", TRAIN,
    ),
    Mutant(
        "another training's checkpoint is taken up",
        "models/training/checkpoint.py", 'state["identity"] == self._identity', "True", TRAIN,
    ),
    Mutant(
        "the optimizer's state is not kept",
        "models/training/checkpoint.py", "[*model.weights, *model.optimizer.variables]",
        "[*model.weights]", TRAIN,
    ),
    Mutant(
        "evaluate never says that a card differs",
        "models/commands/evaluate_command.py", "return 1 if differs else 0", "return 0", COMMAND,
    ),
    Mutant(
        "the interval takes the photograph as its unit",
        "models/judging/seeds.py", "        (rights, counts),\n",
        "        (np.repeat(rights / counts, counts.astype(int)), np.ones(counts.sum())),\n", SEEDS,
    ),
    Mutant(
        "McNemar's test counts one side twice",
        "models/judging/seeds.py", "(other & ~one)", "(one & ~other)", SEEDS,
    ),
    Mutant(
        "the mean over seeds is the first seed's",
        "models/judging/seeds.py", "rights.mean(axis=0)", "rights[0]", SEEDS,
    ),
)  # fmt: skip


def is_noticed(mutant: Mutant, tree: Path) -> bool:
    """Put the fault into a copy of the project, run its tests, and take it out again.

    Raises:
        ValueError: the text that it replaces does not stand there once.
    """
    file = tree / mutant.file
    sound = file.read_text(encoding="utf-8")
    if sound.count(mutant.old) != 1:
        raise ValueError(f"{mutant.file}: {mutant.old!r} does not stand there once")
    file.write_text(sound.replace(mutant.old, mutant.new), encoding="utf-8")
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    try:
        done = subprocess.run(
            [*command, mutant.tests], cwd=tree, check=False, capture_output=True, env=os.environ
        )
    finally:
        file.write_text(sound, encoding="utf-8")
    return done.returncode == 1  # tests failed; other numbers are no verdict


def main(words: list[str]) -> int:
    """Try the faults whose description holds all words; return how many survive."""
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "project"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".git", ".tox", ".training"))
        chosen = [each for each in MUTANTS if all(word in each.what for word in words)]
        for mutant in chosen:
            noticed = is_noticed(mutant, tree)
            survivors += not noticed
            print("noticed " if noticed else "SURVIVES", mutant.what, flush=True)
    print(f"{survivors} of {len(chosen)} faults survive")
    return survivors


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
