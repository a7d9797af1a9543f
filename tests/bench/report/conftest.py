"""Files for a report, and the page that is made of all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.operators.operator_record import read_record
from bench.report.page import render
from bench.report.robustness import read_robustness
from bench.report.roofline import Cost
from bench.results.runs import read_runs
from models.zoo import ARCHITECTURES
from tests.bench.report.samples import PRECISIONS, ROBUSTNESS, Sample, operators_text, sha256

COSTS = {
    sha256(architecture, precision): Cost(1_000_000 * (1 + number), 250_000 * (2 + number))
    for number, architecture in enumerate(ARCHITECTURES)
    for precision in PRECISIONS
}


@pytest.fixture(scope="package")
def files(tmp_path_factory) -> dict[str, Path]:
    """An older run and a newer one on this machine, a phone's, an emulated one's, two tables."""
    folder = tmp_path_factory.mktemp("files")
    found = {
        "old": Sample(1, "0" * 40, 1).add_host().write(folder / "old.json"),
        "new": Sample(2, "f" * 40, 2).add_host().write(folder / "new.json"),
        "phone": Sample(3, "f" * 40, 3)
        .add_device("R58M", emulated=False, milliseconds=7.25)
        .write(folder / "phone.json"),
        "emulated": Sample(4, "f" * 40, 4)
        .add_device("emulated", emulated=True, milliseconds=0.5)
        .write(folder / "emulated.json"),
        "robustness": folder / "robustness.md",
        "operators": folder / "operators.json",
    }
    found["operators"].write_text(operators_text(), encoding="utf-8")
    found["robustness"].write_text(ROBUSTNESS)
    return found


@pytest.fixture(scope="package")
def runs(files):
    """All runs."""
    return read_runs(files[name] for name in ("new", "old", "emulated", "phone"))


@pytest.fixture(scope="package")
def page(runs, files) -> str:
    """A page with every part."""
    table, operators = read_robustness(files["robustness"]), read_record(files["operators"])
    return render(runs, table, COSTS, operators)
