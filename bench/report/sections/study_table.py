"""The study's Table 1 with ours beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.report.inputs import Inputs
from bench.report.section import Missing, Section
from bench.results.rows import host_rows
from bench.tables import Table
from models import zoo

TITLE = "The study's Table 1, and ours"
HEADS = ["model", "parameters, study", "trained parameters", "accuracy, study", "accuracy", "bytes"]
FORMATS = ["", ",", ",", ".1%", ".2%", ","]


def sections(inputs: Inputs) -> Iterator[Section | Missing]:
    """Yield a row an architecture: the study's figures, then the mean of each processor's runs."""
    runs = inputs.newest("test_classify")
    means: dict[str, dict[str, float]] = {}
    infos: dict[str, dict[str, Any]] = {}
    for run in runs:
        for row in host_rows(run.of("test_classify")):
            if row.architecture and row.precision == "float32":
                column = f"mean ms, {row.runs_on}" + (f", {run.processor}" if runs[1:] else "")
                means.setdefault(column, {})[row.architecture] = row.results[
                    "test_classify"
                ].mean_ms
                infos[row.architecture] = row.info
    if not infos:
        if runs:
            yield Missing(TITLE, "measure the float32 files of the project's architectures")
        return
    body = []
    for name in sorted(infos, key=list(zoo.ARCHITECTURES).index):
        study, info = zoo.ARCHITECTURES[name].study, infos[name]
        body.append(
            [
                zoo.ARCHITECTURES[name].title,
                study.parameters if study else None,
                info.get("trained_parameters"),
                study.accuracy if study else None,
                info.get("accuracy"),
                info.get("file_bytes"),
                *(times_ms.get(name) for times_ms in means.values()),
            ]
        )
    yield Section(
        "study",
        TITLE,
        "The study trained its networks on the same photographs, and timed them on a Galaxy S8. "
        "Ours are the float32 files here, as the study's were. A mean is of one classification on "
        "the processor named, so neither it nor the order of the models can be held against "
        "the study's phone.",
        Table([*HEADS, *means], body, [*FORMATS, *(".3f" for _ in means)]),
        "" if runs[1:] else runs[0].processor,
        files=[run.name for run in runs],
    )
