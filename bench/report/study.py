"""The study's table and figure with ours beside them, and every model in numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bench import figures
from bench.report.section import BENCHMARKS, Inputs, Missing, Section
from bench.results.rows import HOST, ModelRow, host_rows
from bench.results.session import Session
from bench.tables import Table
from models import zoo

QUANTITY = "test_classify"
TITLE = "The study's Table 1, and ours"


def study_table(inputs: Inputs) -> Iterator[Section | Missing]:
    """Yield a row an architecture: the study's figures, then the means on each processor."""
    sessions = inputs.newest(QUANTITY)
    means: dict[str, dict[str, float]] = {}
    infos: dict[str, dict[str, Any]] = {}
    for session in sessions:
        for row in host_rows(session.of(QUANTITY)):
            if row.architecture and row.is_of_the_study and row.precision == "float32":
                column = f"mean ms, {row.runs_on}"
                column += f", {session.processor}" if sessions[1:] else ""
                means.setdefault(column, {})[row.architecture] = row.results[QUANTITY].mean_ms
                infos[row.architecture] = row.info
    if not infos:
        if any(row.is_of_the_study for each in sessions for row in host_rows(each.of(QUANTITY))):
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
    heads = ["model", "parameters, study", "trained parameters", "accuracy, study", "accuracy",
             "bytes", *means]  # fmt: skip
    yield Section(
        "study",
        TITLE,
        "The study trained its networks on the same photographs, and timed them on a Galaxy S8. "
        "Ours are the float32 files here, as the study's were. A mean is of one classification on "
        "the processor named, so neither it nor the order of the models can be held against "
        "the study's phone.",
        Table(heads, body, ["", ",", ",", ".1%", ".2%", ",", *(".3f" for _ in means)]),
        "" if sessions[1:] else sessions[0].processor,
        files=[session.name for session in sessions],
    )


def mean_latency(inputs: Inputs) -> Iterator[Section | Missing]:
    """Yield the study's latency figure on each processor: a bar a model and runtime."""
    sessions = inputs.newest(QUANTITY)
    yield from map(_means, sessions)
    if not sessions:
        yield Missing("Inference on this machine", f"{BENCHMARKS} bench/test_host_inference.py")


def _means(session: Session) -> Section:
    """Draw float32 files, as the study did, and users' files of any precision."""
    every = host_rows(session.of(QUANTITY))
    rows = [row for row in every if row.precision == "float32" or not row.architecture] or every
    runtimes = list(dict.fromkeys(row.runs_on for row in rows))
    titles = {row.model: row.title for row in sorted(rows, key=lambda row: len(row.title))}
    models = list(dict.fromkeys(row.model for row in rows))
    colours = figures.colours(row.family for row in rows)
    alphas = dict(zip(runtimes, np.linspace(1, 0.5, len(runtimes)), strict=True))
    figure = figures.new_figure(1.2 + 0.24 * len(rows) + 0.16 * len(models))
    axes = figure.subplots()
    ticks: dict[float, str] = {}
    position = 0.0
    for model in models:
        first = position
        for row in (row for row in rows if row.model == model):
            mean_ms = row.results[QUANTITY].mean_ms
            colour = (colours[row.family], alphas[row.runs_on])
            (bar,) = axes.barh(position, mean_ms, 0.8, color=[colour])
            figures.tip(bar, f"{row.full_title}: mean {mean_ms:.4f} ms")
            figures.note(axes, f"{mean_ms:#.3g}", mean_ms, position)
            position += 1
        ticks[(first + position - 1) / 2] = titles[model]
        position += 0.6
    figures.label_rows(axes, ticks, ())
    axes.set_ylim(position - 1, -0.6)
    axes.set_xlim(0, 1.15 * max(row.results[QUANTITY].mean_ms for row in rows))
    axes.set_xlabel("mean of one classification, ms")
    figures.patch_legend(figure, {name: (figures.INK, alpha) for name, alpha in alphas.items()}, 2)
    fastest = min(rows, key=lambda row: row.results[QUANTITY].mean_ms)
    is_studys = any(row.is_of_the_study for row in rows)
    as_studied = ", which is what the study showed in a figure without numbers" if is_studys else ""
    shortest = f" Of these models {fastest.title} has the shortest mean here." if models[1:] else ""
    heads = ["model", "runs on", "mean ms", "median ms", "95th percentile ms", "rounds"]
    body = [
        [row.title, row.runs_on, result.mean_ms, result.median_ms, result.percentile_95_ms,
         len(result.times_s)]
        for row in rows
        for result in [row.results[QUANTITY]]
    ]  # fmt: skip
    return Section(
        "latency",
        "Mean latency",
        f"Pixels in, label out; the mean of all rounds{as_studied}.{shortest}",
        Table(heads, body, ["", "", ".4f", ".4f", ".4f", "d"]),
        session.processor,
        f"Bars of the mean latency of {len(models)} model{'s' if models[1:] else ''}. The shortest "
        f"is {fastest.full_title} with {fastest.results[QUANTITY].mean_ms:.4f} ms.",
        figure,
        files=[session.name],
    )


def every_model(inputs: Inputs) -> Iterator[Section]:
    """Yield a row a model, runtime and processor: those of one model stand side by side."""
    sessions = inputs.newest(QUANTITY)
    found = [
        (row, session.processor) for session in sessions for row in host_rows(session.of(*HOST))
    ]
    models = list(dict.fromkeys(row.model for row, _ in found))
    found.sort(key=lambda each: (models.index(each[0].model), each[0].runs_on))
    several = ["processor"] if sessions[1:] else []
    heads = ("model", "runs on", *several, "precision", "inputs", "parameters",
             "multiply-accumulates", "operators", "bytes", "accuracy", "invoke: median ms",
             "classify: mean ms", "median ms", "95th percentile ms")  # fmt: skip
    formats = ("", "", *("" for _ in several), "", "", ",", ",", ",", ",", ".2%", *[".4f"] * 4)
    if found:
        yield Section(
            "models",
            "Every model",
            "What stands in each file, and its times: invoke is the bare call with the input in "
            "place; classify is pixels in, label out."
            + (" A ratio of two models holds for one processor." if several else ""),
            Table(heads, [_cells(row, place if several else "") for row, place in found], formats),
            "" if several else sessions[0].processor,
            files=[session.name for session in sessions],
        )


def _cells(row: ModelRow, processor: str) -> list[Any]:
    invoke, classify = row.results.get("test_invoke"), row.results.get(QUANTITY)
    info = row.info
    return [
        row.title,
        row.runs_on,
        *([processor] if processor else []),
        row.precision,
        ", ".join(info.get("inputs") or ()) or None,
        info.get("parameters"),
        info.get("multiply_accumulates"),
        info.get("operator_count"),
        info.get("file_bytes"),
        info.get("accuracy"),
        invoke and invoke.median_ms,
        classify and classify.mean_ms,
        classify and classify.median_ms,
        classify and classify.percentile_95_ms,
    ]
