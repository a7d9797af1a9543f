"""Search shapes of Patch Separable under a budget: accuracy against latency."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import artifacts, provenance, runtimes
from models.commands.arguments import add_fruits360, positive, positive_number

if TYPE_CHECKING:
    import optuna

    from models.fruits360 import Photographs
    from models.search.records import Record
    from models.search.space import Candidate, Space
    from models.search.trial import Effort

DIRECTORY = Path(__file__).parents[2] / ".search"
STUDY = "patch_separable"
REFERENCE = ("mobilenet_v2", "float32")
PACKAGES = ("tensorflow", "keras", "numpy", "optuna", "ai-edge-litert")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.add_argument(
        "--trials",
        type=positive,
        default=100,
        metavar="N",
        help="measured shapes that the study shall have in all; default: %(default)s",
    )
    parser.add_argument(
        "--max-minutes",
        type=positive_number,
        default=float("inf"),
        metavar="N",
        help="begin no trial after that; default: no limit",
    )
    parser.add_argument(
        "--max-parameters",
        type=positive,
        default=10_000,
        metavar="N",
        help="budget, of all Keras parameters; default: %(default)s",
    )
    parser.add_argument(
        "--epochs",
        type=positive,
        default=8,
        metavar="N",
        help="of each trial; default: %(default)s",
    )
    parser.add_argument(
        "--folds",
        type=_folds,
        default=1,
        metavar="N",
        help="held-out arcs that the accuracy is averaged over, 1 to 5, a training each; "
        "default: %(default)s",
    )
    parser.add_argument(
        "--rounds",
        type=positive,
        default=500,
        metavar="N",
        help="of invoke that are timed; default: %(default)s",
    )
    parser.add_argument(
        "--seed", type=positive, default=360, metavar="N", help="default: %(default)s"
    )
    parser.add_argument(
        "--storage",
        default=str(DIRECTORY / "journal.log"),
        metavar="FILE|URL",
        help="where all trials are kept, and continued when it is given again: a file, or a "
        "database such as postgresql://host/name that machines share; default: .search/journal.log",
    )
    parser.add_argument(
        "--study", default=STUDY, metavar="NAME", help="within the storage; default: %(default)s"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=DIRECTORY,
        metavar="DIR",
        help="receives trials.json, trials.csv and the picture as PNG and SVG; default: .search",
    )
    add_fruits360(parser)


def run(arguments: argparse.Namespace) -> int:
    """Add trials to the study, then print its Pareto front, write all trials and draw them."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    runtimes.preload()
    from models.search.errors import SearchError

    try:
        return _search(arguments)
    except SearchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        from models.search.storage import display_name

        print(
            f"interrupted; finished trials are kept in {display_name(arguments.storage)}: "
            "run the same command again to go on",
            file=sys.stderr,
        )
        return 130


def _search(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from models import fruits360
    from models.search import records, study
    from models.search.space import Space
    from models.search.storage import open_storage
    from models.search.trial import Effort

    space = Space()
    _check_budget(space, arguments.max_parameters)
    reference = artifacts.artifact(*REFERENCE)
    reference.read_bytes()  # a damaged one is told before anything long begins
    storage = open_storage(arguments.storage)
    training = fruits360.load("Training", arguments.fruits360)
    effort = Effort(arguments.epochs, arguments.folds, arguments.rounds)
    identity = {
        "search space": space.to_dict(),
        "max-parameters": arguments.max_parameters,
        **vars(effort),
        "seed": arguments.seed,
        "data set": training.fingerprint,
        "reference": reference.require_card().sha256,
    }
    opened = study.open_study(storage, arguments.study, identity)
    if not opened.get_trials(deepcopy=False):
        _begin_with_the_committed_shape(opened, space)
    _add_trials(opened, space, training, reference, effort, arguments)

    found = records.records(opened)
    records.write(opened, found, arguments.output)
    front = records.front(found)
    if front:
        from models.search.picture import draw

        names = [arguments.output / f"accuracy-latency.{suffix}" for suffix in ("png", "svg")]
        draw(found, reference.name, names)
    Console().print(_table(front))
    counts = study.Counts.of(opened)
    print(
        f"{counts.finished} trials finished, {counts.rejected} rejected, {counts.failed} failed; "
        f"all are in {arguments.output}"
    )
    return 0


def _begin_with_the_committed_shape(opened: optuna.Study, space: Space) -> None:
    """Measure first what the project has, so that the front says how much better a shape is."""
    from models.architectures.patch_separable import SHAPE
    from models.fruits360 import SIDE
    from models.search.space import Candidate

    values = space.values_of(Candidate(SIDE, SHAPE))
    if values is not None:
        opened.enqueue_trial(values, skip_if_exists=True)


def _add_trials(
    opened: optuna.Study,
    space: Space,
    training: Photographs,
    reference: artifacts.Artifact,
    effort: Effort,
    arguments: argparse.Namespace,
) -> None:
    from models.fruits360 import CLASS_NAMES
    from models.search import study, trial
    from models.search.space import parameters

    commit, versions = provenance.commit(), provenance.versions(PACKAGES)
    last_s = time.monotonic() + 60 * arguments.max_minutes

    with _Bars(arguments.trials, trial.steps(training, effort)) as bars:

        def evaluate(proposed: optuna.Trial, candidate: Candidate) -> tuple[float, float]:
            count = parameters(candidate.shape, len(CLASS_NAMES))
            proposed.set_user_attr("candidate", candidate.to_dict())
            proposed.set_user_attr("parameters", count)
            if count > arguments.max_parameters:
                reason = f"over the budget of {arguments.max_parameters:,} parameters"
                study.reject(proposed, reason, count / arguments.max_parameters - 1)
            seed = arguments.seed + proposed.number
            proposed.set_user_attr("seed", seed)
            proposed.set_user_attr("commit", commit)
            proposed.set_user_attr("versions", versions)
            bars.begin(f"trial {proposed.number}: {candidate}")
            outcome = trial.run(candidate, training, reference, effort, seed, bars.step)
            proposed.set_user_attr("outcome", outcome.to_dict())
            return outcome.accuracy, outcome.latency.ratio

        bars.show(study.Counts.of(opened))
        study.run(
            opened,
            space.suggest,
            evaluate,
            trials=arguments.trials,
            seed=arguments.seed,
            may_begin=lambda: time.monotonic() < last_s,
            on_end=lambda _: bars.show(study.Counts.of(opened)),
        )


def _check_budget(space: Space, max_parameters: int) -> None:
    from models.fruits360 import CLASS_NAMES
    from models.search.errors import SearchError
    from models.search.space import parameters

    fewest = parameters(space.smallest().shape, len(CLASS_NAMES))
    if fewest > max_parameters:
        raise SearchError(
            f"--max-parameters {max_parameters:,}: the smallest network of the search space has "
            f"{fewest:,}; allow at least as many"
        )


def _folds(text: str) -> int:
    from models.arcs import FOLDS

    folds = positive(text)
    if folds > FOLDS:
        raise argparse.ArgumentTypeError(f"{text!r} is more than the {FOLDS} arcs of a turn")
    return folds


def _table(front: list[Record]):
    from rich.table import Table

    table = Table(caption=f"the Pareto front; latency: of invoke, as a share of {REFERENCE[0]}'s")
    for column in ("trial", "accuracy", "latency", "µs", "parameters", "bytes"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("shape")
    for record in front:
        table.add_row(
            str(record.number),
            f"{record.accuracy:.2%}",
            f"{record.latency_ratio:.3f}",
            f"{record.invoke_us:.1f}",
            f"{record.parameters:,}",
            f"{record.file_bytes:,}",
            record.shape,
        )
    return table


class _Bars:
    """Two progress bars: the study's trials, and the batches of the one that is being measured."""

    def __init__(self, trials: int, steps: int):
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

        self._progress = Progress(
            "{task.description}",
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._trials = self._progress.add_task("trials", total=trials)
        self._batches = self._progress.add_task("", total=steps, visible=False)

    def __enter__(self) -> _Bars:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def show(self, counts: Any) -> None:
        text = f"trials ({counts.rejected} rejected, {counts.failed} failed)"
        self._progress.update(self._trials, completed=counts.finished, description=text)

    def begin(self, description: str) -> None:
        self._progress.reset(self._batches, description=description, visible=True)

    def step(self) -> None:
        self._progress.advance(self._batches)
