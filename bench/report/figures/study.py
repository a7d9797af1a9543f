"""The study's Table 1 with ours beside it."""

from __future__ import annotations

from bench.report.section import Section, Table
from bench.results.rows import HOST, host_rows, runtime_text
from bench.results.runs import Run
from models import zoo


def study(run: Run) -> Section:
    """Return a row an architecture, and one a user's model: the study's figures, then ours."""
    rows = host_rows(run.of(*HOST))
    runtimes = list(dict.fromkeys(runtime_text(result) for result in run.of(*HOST)))
    heads = ["model", "parameters, study", "parameters", "accuracy, study", "accuracy", "bytes"]
    body = []
    for model in dict.fromkeys(row.model for row in rows):
        mine = {row.runs_on: row for row in rows if row.model == model}
        first = next(iter(mine.values()))
        if first.precision not in ("float32", None):
            continue
        published = zoo.ARCHITECTURES[first.architecture].study if first.architecture else None
        means = [
            mine[name].results["test_classify"].mean_ms
            if name in mine and "test_classify" in mine[name].results
            else None
            for name in runtimes
        ]
        title = zoo.ARCHITECTURES[first.architecture].title if first.architecture else model
        info = first.info
        body.append(
            [
                title,
                published.parameters if published else None,
                info.get("parameters"),
                published.accuracy if published else None,
                info.get("accuracy"),
                info.get("file_bytes"),
                *means,
            ]
        )
    heads += [f"mean ms, {name}" for name in runtimes]
    formats = ["", ",", ",", ".1%", ".2%", ",", *(".3f" for _ in runtimes)]
    return Section(
        "study",
        "The study's Table 1, and ours",
        "The study trained its networks on the same photographs, and timed them on a Galaxy S8. "
        "Ours are float32 files here, as the study's were; the latency is this machine's, so only "
        "its order can be held against the study's.",
        table=Table(heads, body, formats),
        csv_heads=heads,
        csv_rows=body,
        files=[run.name],
    )
