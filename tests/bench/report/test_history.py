"""Runs over time: only those of one processor are put in a line."""

from __future__ import annotations

from bench.history.medians import history
from bench.results.runs import read_runs
from tests.bench.report.samples import Sample


def _runs(tmp_path, samples):
    return read_runs(
        sample.write(tmp_path / f"{number}.json") for number, sample in enumerate(samples)
    )


def test_another_processor_is_left_out_and_named(tmp_path):
    samples = [Sample(day, f"{day}" * 40, day).add_host() for day in (1, 2, 3)]
    samples[1].data["machine_info"]["cpu"]["brand_raw"] = "Other CPU"
    past = history(_runs(tmp_path, samples))
    assert past is not None
    assert past.labels == ("11111111", "33333333")
    assert past.left_out == ("1.json",)


def test_a_model_that_a_run_lacks_is_a_gap(tmp_path):
    samples = [Sample(day, f"{day}" * 40, day).add_host() for day in (1, 2)]
    samples[0].data["benchmarks"] = [
        each
        for each in samples[0].data["benchmarks"]
        if each["extra_info"].get("model") != "alexnet-int8"
    ]
    past = history(_runs(tmp_path, samples))
    assert past is not None
    medians_ms = past.medians_ms["AlexNet int8, litert 2.3.0"]
    assert medians_ms[0] is None
    assert medians_ms[1] is not None


def test_one_run_is_no_history(tmp_path):
    assert history(_runs(tmp_path, [Sample().add_host()])) is None
    assert history([]) is None
