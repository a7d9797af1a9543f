"""Files for a report, and the page that is made of all of them."""

import json
from pathlib import Path

import pytest

from bench.report.page import render
from bench.report.section import read_inputs
from tests.bench.report.samples import ROBUSTNESS, Sample, operators_text


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
        "robustness": folder / "robustness.json",
        "operators": folder / "operators.json",
    }
    found["operators"].write_text(operators_text(), encoding="utf-8")
    found["robustness"].write_text(json.dumps(ROBUSTNESS), encoding="utf-8")
    return found


@pytest.fixture(scope="package")
def inputs(files):
    """All of them, read."""
    results = [files[name] for name in ("new", "old", "emulated", "phone")]
    return read_inputs(results, files["robustness"], files["operators"])


@pytest.fixture(scope="package")
def page(inputs) -> str:
    """A page with every part."""
    return render(inputs)
