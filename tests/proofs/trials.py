"""How much light, ground, noise and blur should each network learn from?

    python -m tests.proofs.trials [--train] [--picture frontier.png]

The search space is one for all: the strength of these four (`models.data.changes.Changes.at`), and
beside it the share of cut pictures, or of Patch Separable the shape of its stem. The budget is six
trainings each, one seed. They learn from four fifths of each turn of the first rotation series, and
are asked about the other fifth (`first-arcs`): no photograph that a reported figure is of is seen.

The rule was written before the first trial. Of a network's trials are taken, in this order,
    1. those that are right in the study's share of the unchanged photographs;
    2. those that are right in 97.5 % of them under each mild change, noise, blur and other ground;
    3. those that are right in 90 % of them in 20 % more and less light;
    4. the one of the least strength, as what a network may not trust costs it on other series;
       of several, the one that is most often right.
A step that none passes keeps those that come nearest to it.

It may be interrupted at any time: a training goes on where it was, and one that is done stands in
trials.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from models import zoo
from models.data.tasks import Task, fruits360_task
from models.files.cards import write_json
from models.judging.robustness import CHANGES, Change
from models.preprocessing import Preparation, decode, prepare
from models.preprocessing.tensors import TensorSpec
from models.running import runtimes
from models.terminal.screen import bar
from models.terminal.table import print_table, terminal_table
from models.training.runs import Runs, development

RECORDS = Path(__file__).with_name("trials.json")
CHECKPOINTS = Path(".training") / "trials"
SPLIT, SEED = "first-arcs", 1
STRENGTHS = (0.35, 0.7, 1.0)
TRIALS = 6


@dataclass(frozen=True)
class Shaped(zoo.Architecture):
    """An architecture that is built with options of its builder."""

    options: Mapping[str, Any] = field(default_factory=dict)

    def build(self, *arguments: object, **options: object) -> Any:
        """Build it."""
        return super().build(*arguments, **options, **self.options)


def trials() -> dict[str, Shaped]:
    """Return what is tried, by a name for people: six of each architecture."""
    found = {}
    for row in zoo.ARCHITECTURES.values():
        if row.name == "patch_separable":
            shapes = {"2x2 in 5x5": {"patch_strides": 5}, "2x2 in 6x6, gated": {"is_gated": True}}
            points = [({"strength": s}, shape) for shape in shapes for s in STRENGTHS]
        else:
            shapes = {"": {}}
            points = [({"strength": s, "cut_mix": 0.5}, "") for s in (0.0, *STRENGTHS)]
            points += [({"strength": 0.7, "cut_mix": cut}, "") for cut in (0.0, 1.0)]
        for recipe, shape in points:
            said = [f"{key} {value}" for key, value in recipe.items()] + [shape] * bool(shape)
            found[f"{row.name}, {', '.join(said)}"] = Shaped(
                row.name, row.title, row.bounds, row.in_study,
                {**row.recipe, **recipe}, shapes[shape],
            )  # fmt: skip
    return found


def run(name: str, architecture: Shaped, task: Task) -> dict[str, Any]:
    """Train, and count right answers under each change."""
    learnt = Runs(Path(), CHECKPOINTS / name.replace(" ", "_"), task).train(
        architecture, SPLIT, SEED
    )
    training = task.load("Training")
    asked = training.take(development(SPLIT, training).asked)
    pixels = [decode(path) for path in asked.paths]
    spec = TensorSpec(0, (1, *task.input_shape), np.dtype(np.float32))
    right = {}
    for change in bar("changes", len(CHANGES))(CHANGES):
        preparation = Preparation(resampling=change.resampling)
        tensors = [
            prepare(change.distort(each, number), spec, preparation)[0]
            for number, each in enumerate(pixels)
        ]
        answers = learnt.model.predict(np.stack(tensors), batch_size=64, verbose=0).argmax(axis=1)
        right[change.name] = int((answers == asked.labels).sum())
    return {
        "trial": name,
        "architecture": architecture.name,
        "trained_parameters": learnt.facts["trained_parameters"],
        "recipe": learnt.facts["recipe"],
        "code": learnt.facts["code"],
        "seconds": learnt.facts["seconds"],
        "photographs": len(asked),
        "fingerprint": asked.fingerprint,
        "right": right,
    }


STEPS = {
    "bound": lambda change: change.name == "none",
    "mild, noise, blur, grounds": lambda change: (
        change.is_mild or change.name.startswith(("noise", "blurred", "on "))
    ),
    "20 % of light": lambda change: change.name in ("20 % darker", "20 % brighter"),
}
LIMITS = {"mild, noise, blur, grounds": 0.975, "20 % of light": 0.90}


def limit(name: str, step: str) -> float:
    """Return what a network is to be right in at a step."""
    return LIMITS.get(step, zoo.find(name).bounds.accuracy)


def worst(record: dict[str, Any], step: str) -> float:
    """Return the lowest share of right answers of a step's changes."""
    chosen: list[Change] = [change for change in CHANGES if STEPS[step](change)]
    return min(record["right"][change.name] for change in chosen) / record["photographs"]


def choose(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the trial of one network that the rule takes."""
    left = records
    for step in STEPS:
        wanted = limit(records[0]["architecture"], step)
        passing = [record for record in left if worst(record, step) >= wanted]
        nearest = max(worst(record, step) for record in left)
        left = passing or [record for record in left if worst(record, step) == nearest]
    return min(left, key=lambda each: (each["recipe"]["strength"], -each["right"]["none"]))


def tables(records: list[dict[str, Any]]) -> Iterator[Table]:
    """Yield a table for each network, what the rule takes marked."""
    for name in zoo.ARCHITECTURES:
        own = [record for record in records if record["architecture"] == name]
        if not own:
            continue
        taken = choose(own)["trial"] if len(own) == TRIALS else None
        rows = [
            (
                record["trial"].partition(", ")[2] + (" <" if record["trial"] == taken else ""),
                *(f"{worst(record, step):.1%}" for step in STEPS),
                f"{record['right']['JPEG quality 20'] / record['photographs']:.1%}",
            )
            for record in own
        ]
        heads = ("trial", "none", *list(STEPS)[1:], "JPEG 20")
        yield terminal_table(heads, rows, range(1, len(heads)), zoo.find(name).title)


MARKS = "osD^v"
"""Of each network, told apart in grey."""


def draw(records: list[dict[str, Any]], path: Path) -> None:
    """Draw what each trial is right in under the worst change against unchanged photographs.

    Lines join a network's trials by strength, those of other cuts stand alone; what the rule takes
    is ringed.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    for number, (name, mark) in enumerate(zip(zoo.ARCHITECTURES, MARKS, strict=True)):
        own = [record for record in records if record["architecture"] == name]
        lines: dict[str, list[tuple[float, float, float]]] = {}
        for record in own:
            strength = record["recipe"]["strength"]
            what = record["trial"].replace(f"strength {strength}", "")
            point = (min(worst(record, step) for step in STEPS), worst(record, "bound"))
            lines.setdefault(what, []).append((strength, *point))
            axes.annotate(
                f"{strength:g}", point, (4, 3), textcoords="offset points", fontsize="x-small"
            )
            if len(own) == TRIALS and record is choose(own):
                axes.plot(*point, "o", markersize=14, markerfacecolor="none", color=f"C{number}")
        for index, line in enumerate(lines.values()):
            _, *point = zip(*sorted(line), strict=True)
            title = zoo.find(name).title if not index else None
            axes.plot(*point, f"-{mark}", color=f"C{number}", linewidth=1, label=title)
    axes.set(
        xlabel="right under the worst of the rule's changes",
        ylabel=f"right unchanged, of {records[0]['photographs']}",
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", title="numbers: strength; ringed: taken")
    figure.savefig(path)


def main(arguments: list[str]) -> int:
    """Run what is missing with --train; print the tables, and what the rule takes; draw."""
    parser = argparse.ArgumentParser("python -m tests.proofs.trials", description=__doc__)
    parser.add_argument("--train", action="store_true", help="run the trials that have no record")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="of the frontier")
    parser.add_argument("--fruits360", metavar="DIR")
    parser.add_argument("words", nargs="*", help="only trials whose name holds all of these")
    given = parser.parse_args(arguments)
    records = json.loads(RECORDS.read_text(encoding="utf-8")) if RECORDS.exists() else []
    if given.train:
        runtimes.preload()
        task = fruits360_task(given.fruits360)
        done = {record["trial"] for record in records}
        for name, architecture in trials().items():
            if name not in done and all(word in name for word in given.words):
                records.append(run(name, architecture, task))
                write_json(RECORDS, records)
    for table in tables(records):
        print_table(table)
    for name in zoo.ARCHITECTURES:
        own = [record for record in records if record["architecture"] == name]
        if len(own) == TRIALS:
            taken = trials()[choose(own)["trial"]]
            print(f"{name}: recipe={dict(taken.recipe)} {dict(taken.options) or ''}")
            missed = [step for step in STEPS if worst(choose(own), step) < limit(name, step)]
            print(f"    could not be had together: {', '.join(missed) or 'nothing'}")
    if given.picture and records:
        draw(records, given.picture)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
