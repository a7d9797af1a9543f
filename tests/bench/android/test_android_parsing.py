"""Reading what `benchmark_model` prints."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bench.android.adb.errors import DeviceError
from bench.android.tool.output import ToolFacts, find_failure, parse_round, parse_series
from bench.android.tool.program import REQUIRED, ToolFlags, parse_flags

OLD_INTERPRETER = """STARTING!
Log parameter values verbosely: [0]
Min num runs: [50]
Num threads: [1]
Graph: [/data/local/tmp/albert_base.tflite]
#threads used for CPU inference: [1]
Loaded model /data/local/tmp/albert_base.tflite
INFO: Initialized TensorFlow Lite runtime.
The input model file size (MB): 11.983
Initialized session in 20.283ms.
Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
count=2 first=339304 curr=266325 min=266325 max=339304 avg=302814 std=36489

Running benchmark for at least 50 iterations and at least 1 seconds but terminate if exceeding 150 seconds.
count=50 first=266601 curr=266931 min=265837 max=268116 avg=266473 std=419

Inference timings in us: Init: 20283, First inference: 339304, Warmup (avg): 302814, Inference (avg): 266473
Note: as the benchmark tool itself affects memory footprint, the following is only APPROXIMATE to the actual memory footprint of the model at runtime. Take the information at your discretion.
Peak memory footprint (MB): init=16.0234 overall=17.4492
"""  # noqa: E501

COMPILED_SUMMARY = """INFO: [benchmark_litert_model.h:87]
========== BENCHMARK RESULTS ==========
INFO: [benchmark_litert_model.h:92] Signature name:       prefill_1024
INFO: [benchmark_litert_model.h:94] Model initialization: 23744.73 ms
INFO: [benchmark_litert_model.h:96] Warmup (first):       7441.04 ms
INFO: [benchmark_litert_model.h:98] Warmup (avg):         7441.04 ms (1 runs)
INFO: [benchmark_litert_model.h:100] Inference (avg):      7430.20 ms (10 runs)
INFO: [benchmark_litert_model.h:104] Inference (min):      7416.40 ms
INFO: [benchmark_litert_model.h:106] Inference (max):      7448.86 ms
INFO: [benchmark_litert_model.h:108] Inference (std):      9.92
INFO: [benchmark_litert_model.h:115] Throughput:           27.46 MB/s
INFO: [benchmark_litert_model.h:124]
Memory Usage:
INFO: [benchmark_litert_model.h:126] Init footprint:       6391.74 MB
INFO: [benchmark_litert_model.h:128] Overall footprint:    6391.74 MB
INFO: [benchmark_litert_model.h:135] Peak memory usage not available. (peak_mem_mb <= 0)
INFO: [benchmark_litert_model.h:138] ======================================
"""

COMPILED_SERIES = """INFO: STARTING!
INFO: Initialized session in 3.652ms.
INFO: count=1 curr=1312

INFO: count=100 first=1225 curr=1231 min=1209 max=1296 avg=1231.47 std=12 p5=1215 median=1230 p95=51

INFO: [benchmark_litert_model.h:94] Model initialization: 3.65 ms
INFO: [benchmark_litert_model.h:96] Warmup (first):       1.31 ms
INFO: [benchmark_litert_model.h:98] Warmup (avg):         1.31 ms (1 runs)
INFO: [benchmark_litert_model.h:100] Inference (avg):      1.23 ms (100 runs)
"""


def interpreter_output(warmup="count=1 curr=637079", steady="", timings="") -> str:
    """The three lines that matter, as the interpreter tool prints them."""
    steady = steady or "count=100 first=483 curr=481 min=470 max=512 avg=484.25 std=9"
    timings = timings or (
        "Init: 66002, First inference: 637079, Warmup (avg): 637079, Inference (avg): 484.25"
    )
    return f"INFO: {warmup}\n\nINFO: {steady}\n\nINFO: Inference timings in us: {timings}\n"


def test_old_interpreter_tool():
    run = parse_round(OLD_INTERPRETER, 50)
    assert run.load_ns == 20_283_000
    assert run.first_inference_ns == 339_304_000
    assert run.inference_ns == 266_473_000
    assert run.tool == ToolFacts("interpreter", 1_000, 50, 2, ())
    assert (run.footprint_init_mb, run.footprint_overall_mb) == (16.0234, 17.4492)


def test_a_process_has_not_lived_for_what_it_claims_to_have_measured():
    measured_s = 0.020283 + 2 * 0.302814 + 50 * 0.266473
    assert parse_round(OLD_INTERPRETER, 50, measured_s).process_s == measured_s
    with pytest.raises(DeviceError, match=r"measured 13\.95 s in a process that lived for 13\.2"):
        parse_round(OLD_INTERPRETER, 50, measured_s / 1.055)


def test_compiled_tool_with_the_summary_alone():
    run = parse_round(COMPILED_SUMMARY, 10)
    assert run.load_ns == 23_744_730_000
    assert run.first_inference_ns == 7_441_040_000
    assert run.inference_ns == 7_430_200_000
    assert run.footprint_overall_mb == 6391.74
    assert run.tool == ToolFacts("compiled", 10_000, 10, 1, ())


def test_compiled_tool_keeps_the_resolution_of_the_count_lines():
    run = parse_round(COMPILED_SERIES, 100)
    assert run.inference_ns == 1_231_470
    assert run.first_inference_ns == 1_312_000
    assert run.load_ns == 3_652_000
    assert run.tool == ToolFacts("compiled", 1_000, 100, 1, ())


@pytest.mark.parametrize(
    ("line", "percentiles_us"),
    [
        # litert-samples, benchmark/leaderboard: a Galaxy S25 Ultra, LITERT_CL
        ("count=9 first=5 curr=5 min=4 max=9 avg=5 std=1 p5=4 median=5 p95=8", (4, 5, 8)),
        ("count=9 first=5 curr=5 min=4 max=9 avg=5 std=1", None),
        ("count=9 first=5 curr=5 min=4 max=9 avg=5 std=1 p5=4 median=5 p95=1", None),
        ("count=9 curr=5(all same)", (5, 5, 5)),
    ],
)
def test_percentiles_inside_a_round(line, percentiles_us):
    expected = percentiles_us and tuple(each * 1e3 for each in percentiles_us)
    assert parse_series(line).percentiles_ns == expected
    summary = "Init: 66002, First inference: 637079, Warmup (avg): 637079, Inference (avg): 5"
    run = parse_round(interpreter_output(steady=line, timings=summary), 9)
    assert run.percentiles_ns == expected


@pytest.mark.parametrize(
    "output",
    [
        "",
        "STARTING!\n",
        interpreter_output().rstrip("\n"),
        interpreter_output(steady="count=100 first=483 curr=481 min=470 max=512 avg=nan std=9"),
        interpreter_output(steady="count=100 first=483 curr=481 min=470 max=512"),
        interpreter_output(steady="count=100 first=483 curr=481 min=470 max=480 avg=484.25 std=9"),
        interpreter_output(steady="count=0"),
        interpreter_output(steady="count=5 curr=5"),
        interpreter_output(warmup="Loaded model x"),
        interpreter_output(timings="Init: 66002, First inference: 637079"),
        interpreter_output(
            timings="Init: 66002, First inference: 1, Warmup (avg): 637079, Inference (avg): 484.25"
        ),
        interpreter_output() + interpreter_output(),
        interpreter_output() + "INFO: Memory footprint delta from the start (MB): init=lots\n",
        COMPILED_SUMMARY.replace("7430.20 ms (10 runs)", "7430.20 ms"),
        COMPILED_SUMMARY.replace("Warmup (first):       7441.04 ms", "Warmup (first): soon"),
        COMPILED_SERIES.replace("Inference (avg):      1.23 ms", "Inference (avg):      1.43 ms"),
    ],
)
def test_what_is_not_understood_is_refused(output):
    with pytest.raises(DeviceError):
        parse_round(output, 10 if "RESULTS" in output else 100)


def test_the_refusal_shows_the_line():
    line = "count=100 first=483 curr=481 min=470 max=512"
    with pytest.raises(DeviceError, match=f"^not understood: INFO: {line}$"):
        parse_round(interpreter_output(steady=line), 100)


def test_another_number_of_inferences_is_refused():
    with pytest.raises(DeviceError, match="100 inferences were run, not 99"):
        parse_round(interpreter_output(), 99)


@pytest.mark.parametrize(
    "line",
    [
        "WARN: Unconsumed cmdline flags: --output_filepath=x",
        "ERROR: Benchmarking failed.",
        "ERROR: Failed to apply GPU delegate.",
    ],
)
def test_what_the_tool_calls_a_failure_is_one(line):
    with pytest.raises(DeviceError, match=line.partition(": ")[2]):
        parse_round(f"{line}\n" + interpreter_output(), 100)


def test_the_first_error_is_the_reason():
    assert find_failure("ERROR: no such file\nERROR: Benchmarking failed.\n") == "no such file"
    assert find_failure(interpreter_output()) is None


@pytest.mark.parametrize(
    "output",
    [
        interpreter_output(steady="count=100 first=-3 curr=481 min=-3 max=512 avg=484.25 std=9"),
        interpreter_output(
            timings="Init: -1, First inference: 637079, Warmup (avg): 637079, "
            "Inference (avg): 484.25"
        ),
        interpreter_output(
            warmup="count=1 curr=0",
            timings="Init: 66002, First inference: 0, Warmup (avg): 0, Inference (avg): 484.25",
        ),
    ],
)
def test_a_clock_that_runs_backwards(output):
    with pytest.raises(DeviceError, match="ran backwards or stood still"):
        parse_round(output, 100)


def test_the_prefixes_of_newer_builds():
    prefix = "I0000 00:00:1790597656.477218 82251411 benchmark_model.cc:866] "
    text = "".join(
        f"{prefix}{line.removeprefix('INFO: ')}\n" if line else "\n"
        for line in interpreter_output().splitlines()
    )
    assert parse_round(text, 100) == parse_round(interpreter_output(), 100)
    error = "E0000 00:00:1790597656.477218 82251411 benchmark_model.cc:20] Failed to load model x"
    assert find_failure(f"{error}\n{prefix}Benchmarking failed.\n") == "Failed to load model x"


def test_flags():
    usage = "usage: x\nFlags:\n\t--num_runs=50\tint32\toptional\tnumber\n\t--graph=\tstring\tx\n"
    assert parse_flags(usage) == {"num_runs", "graph"}
    assert parse_flags("hello\n") == set()


def test_the_tool_is_given_its_threads():
    command = ToolFlags(frozenset(REQUIRED)).command("tool", "graph", 3, "cpu")
    assert "--num_threads=3" in command


microseconds = st.integers(1, 10**9)


@st.composite
def tool_outputs(draw) -> tuple[str, int, dict[str, float]]:
    """What the interpreter tool prints for made-up durations, and what should be read of it."""
    prefix = draw(st.sampled_from(["", "INFO: "]))
    init_us = draw(microseconds)
    warmup_us = draw(st.lists(microseconds, min_size=1, max_size=5))
    times_us = draw(st.lists(microseconds, min_size=2, max_size=20))
    percentiles = draw(st.booleans())
    lines = [
        _statistics_line(warmup_us, percentiles),
        "",
        _statistics_line(times_us, percentiles),
        "",
        f"Inference timings in us: Init: {init_us}, First inference: {warmup_us[0]}, "
        f"Warmup (avg): {_mean(warmup_us):g}, Inference (avg): {_mean(times_us):g}",
    ]
    text = "".join(f"{prefix}{line}\n" if line else "\n" for line in lines)
    truth = {"load": init_us, "first": warmup_us[0], "mean": _mean(times_us)}
    return text, len(times_us), truth


def _mean(times_us: list[int]) -> float:
    return sum(times_us) / len(times_us)


def _statistics_line(times_us: list[int], percentiles: bool) -> str:
    if len(set(times_us)) == 1:
        same = "(all same)" if len(times_us) > 1 else ""
        return f"count={len(times_us)} curr={times_us[-1]}{same}"
    return (
        f"count={len(times_us)} first={times_us[0]} curr={times_us[-1]} min={min(times_us)} "
        f"max={max(times_us)} avg={_mean(times_us):g} std=1"
        + (" p5=1 median=2 p95=3" if percentiles else "")
    )


@given(tool_outputs())
def test_every_output_is_read_as_it_was_meant(case):
    text, count, truth = case
    run = parse_round(text, count)
    assert run.load_ns == truth["load"] * 1e3
    assert run.first_inference_ns == truth["first"] * 1e3
    assert run.inference_ns == pytest.approx(truth["mean"] * 1e3, rel=1e-5)
    assert run.tool.inferences == count


@given(tool_outputs(), st.data())
def test_no_part_of_an_output_is_taken_for_the_whole(case, data):
    text, count, _ = case
    end = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(DeviceError):
        parse_round(text[:end], count)


@given(st.text())
def test_garbage_is_refused_in_one_line(text):
    with pytest.raises(DeviceError) as raised:
        parse_round(text, 100)
    assert len(str(raised.value).splitlines()) <= 1


@given(st.text(), tool_outputs())
def test_other_lines_change_nothing(noise, case):
    text, count, _ = case
    lines = [f"LOG {line}" for line in noise.splitlines() if "count=" not in line]
    assume(not any(find_failure(line) for line in lines))
    assert parse_round("".join(f"{line}\n" for line in lines) + text, count) == parse_round(
        text, count
    )
