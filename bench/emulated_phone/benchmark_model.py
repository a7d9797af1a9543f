"""The emulated `benchmark_model`: the real tool's flags and output, and LiteRT that really runs.

Source: the TensorFlow Authors, tensorflow/lite/tools/benchmark (flags, order and form of what is
printed) and litert/tools/benchmark_litert_model.h (the summary of the CompiledModel tool).

It is a process of its own, started once a round, so it imports as little as it can.
"""

from __future__ import annotations

import importlib
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.emulated_phone import userland
from bench.emulated_phone.userland import tool_fault
from models.running.litert_profiler import ProfiledModel
from models.running.loaded_model import LoadedModel
from models.running.runtimes import available

FLAGS: dict[str, tuple[str, str]] = {
    "graph": ("string", ""), "num_runs": ("int32", "50"), "min_secs": ("float", "1"),
    "max_secs": ("float", "150"), "warmup_runs": ("int32", "1"),
    "warmup_min_secs": ("float", "0.5"), "num_threads": ("int32", "-1"),
    "use_gpu": ("bool", "false"),
}  # fmt: skip
"""Flags of both tools that are understood here: type and default."""

COMPILED_FLAGS = {"use_npu": ("bool", "false"), "dispatch_library_path": ("string", "")}
INTERPRETER_FLAGS: dict[str, tuple[str, str]] = {
    "input_layer": ("string", ""), "input_layer_shape": ("string", ""),
    "input_layer_value_files": ("string", ""), "output_filepath": ("string", ""),
    "use_nnapi": ("bool", "false"), "enable_op_profiling": ("bool", "false"),
    "use_xnnpack": ("bool", "true"),
}  # fmt: skip
"""Flags of one of the tools alone."""

KIB_PER_MIB = 1024
CLOCK_TICKS_NS = {"backward clock": -1_000, "short model": 100_000}
DELEGATES = {"gpu": ("TfLiteGpuDelegateV2", "LITERT_CL"), "npu": ("", "DispatchDelegate"),
             "nnapi": ("TfLiteNnapiDelegate", "")}  # fmt: skip
"""What the runtime calls them, in the interpreter and in the CompiledModel tool."""


class RefusedError(Exception):
    """The tool gives up; the message is what it prints to stderr."""


Clock = Callable[[], int]
"""Tells microseconds, truncated as the real tool does."""


def main(arguments: list[str]) -> int:
    """Run as the tool whose generation `--emulated_generation` names; return the exit status."""
    generation = "interpreter"
    if arguments and arguments[0].startswith("--emulated_generation="):
        generation = arguments.pop(0).partition("=")[2]
    is_compiled = generation == "compiled"
    known = FLAGS | (COMPILED_FLAGS if is_compiled else INTERPRETER_FLAGS)
    if "--help" in arguments:
        print("usage: benchmark_model <flags>\nFlags:", file=sys.stderr)
        for name, (kind, default) in known.items():
            print(f"\t--{name}={default}\t{kind}\toptional\t{name}", file=sys.stderr)
        return 1
    fault = tool_fault()
    _fail_at_once(fault)
    _print("STARTING!")
    try:
        _benchmark(_parse(arguments, known), is_compiled, fault)
    except RefusedError as error:
        print(f"ERROR: {error}\nERROR: Benchmarking failed.", file=sys.stderr)
        return 1
    return 0


def _print(line: str) -> None:
    print(f"INFO: {line}", flush=True)


def _parse(arguments: list[str], known: dict[str, tuple[str, str]]) -> dict[str, str]:
    values = {name: default for name, (_, default) in known.items()}
    unknown = []
    for argument in arguments:
        name, equals, value = argument.removeprefix("--").partition("=")
        if argument.startswith("--") and equals and name in known:
            values[name] = value
        else:
            unknown.append(argument)
    if unknown:
        print(f"WARN: Unconsumed cmdline flags: {' '.join(unknown)}", flush=True)
    return values


def _fail_at_once(fault: str | None) -> None:
    if fault == "crash":
        os.abort()
    elif fault == "hang":
        time.sleep(3600)
    elif fault == "garbage":
        sys.stdout.buffer.write(b"\x00\xff\x1b[31m garbage $(reboot)\n")
        sys.stdout.flush()
        sys.exit(0)
    elif fault == "not linked":
        print('CANNOT LINK EXECUTABLE "benchmark_model": library "libvendor.so" not found: needed '
              "by main executable", file=sys.stderr)  # fmt: skip
        os.abort()
    elif fault == "too old":
        print("Average inference timings in us: Warmup: 91471, Init: 4108, no stats: 80660.1")
        sys.exit(0)
    elif fault == "throttle":
        userland.set_frequency_cap(Path(os.environ["EMULATED_ANDROID_ROOT"]), 0.5)


def _benchmark(flags: dict[str, str], is_compiled: bool, fault: str | None) -> None:
    start_ns, tick_ns = time.monotonic_ns(), CLOCK_TICKS_NS.get(fault or "", 1_000)

    def clock() -> int:
        return (time.monotonic_ns() - start_ns) // tick_ns

    threads = max(1, int(flags["num_threads"]))
    _print(f"Num threads: [{threads}]")
    _print(f"Graph: [{flags['graph']}]")
    runtime = available()[0]
    importlib.import_module(runtime.module)  # which the real tool has in itself
    memory_at_start_mb = _memory_mb()
    start_us = clock()
    try:
        if fault == "bad model":
            raise ValueError("The model is not a valid Flatbuffer buffer")
        model = runtime.load(Path(flags["graph"]), threads)
    except (ValueError, RuntimeError) as error:
        raise RefusedError(f"Failed to load model {flags['graph']} ({error})") from None
    init_us = clock() - start_us
    memory_after_init_mb = _memory_mb()
    _print(f"Loaded model {flags['graph']}")
    _tell_delegates(flags, is_compiled, fault, sum(model.delegated_partitions() or [1]))
    _print(f"The input model file size (MB): {Path(flags['graph']).stat().st_size / 1e6:g}")
    _print(f"Initialized session in {init_us / 1e3:g}ms.")
    pixels = _input(model, flags.get("input_layer_value_files", ""))

    warmup_us = _run(
        model, pixels, int(flags["warmup_runs"]), float(flags["warmup_min_secs"]), clock
    )
    times_us = _run(model, pixels, int(flags["num_runs"]), float(flags["min_secs"]), clock)
    if flags.get("output_filepath"):
        output = model.raw_output()
        if fault == "wrong answer":  # sure of the class that it should hold for the least likely
            sure = np.zeros_like(output)
            sure.flat[output.argmin()] = 255 if model.output.is_quantised else 1
            output = sure
        Path(flags["output_filepath"]).write_bytes(output.tobytes())
    if fault == "half line":
        sys.stdout.write("INFO: Inference timings in us: Init: 12")
        sys.stdout.flush()
        return
    memory = (memory_after_init_mb - memory_at_start_mb, _memory_mb() - memory_at_start_mb)
    if is_compiled:
        _print_compiled_summary(init_us, warmup_us, times_us, memory)
    else:
        warmup, mean = map(statistics.fmean, (warmup_us, times_us))
        _print(f"Inference timings in us: Init: {init_us}, First inference: {warmup_us[0]}, "
               f"Warmup (avg): {warmup:g}, Inference (avg): {mean:g}")  # fmt: skip
        _print("Note: as the benchmark tool itself affects memory footprint, the following is only "
               "APPROXIMATE to the actual memory footprint of the model at runtime. Take the "
               "information at your discretion.")  # fmt: skip
        _print("Memory footprint delta from the start of the tool (MB): "
               f"init={memory[0]:g} overall={memory[1]:g}")  # fmt: skip
    if flags.get("enable_op_profiling") == "true":
        _print_profile(Path(flags["graph"]).read_bytes(), pixels, len(times_us))


def _print_profile(content: bytes, pixels: np.ndarray, runs: int) -> None:
    """Print what `ProfilingListener` does of the inferences, by LiteRT's own profiler."""
    with ProfiledModel(content) as model:
        model.set_input(pixels)
        model.start()
        for _ in range(runs):
            model.invoke()
        events = model.stop()
    times_us = np.reshape([event.microseconds for event in events], (runs, -1)).mean(axis=0)
    shares = 100 * times_us / times_us.sum()
    _print("Operator-wise Profiling Info for Regular Benchmark Runs:")
    heads = "[node type]\t[first]\t[avg ms]\t[%]\t[cdf%]\t[mem KB]\t[times called]\t[Name]"
    print(f"{'=' * 30} Run Order {'=' * 30}\n\t{heads}")
    for number, (event, time_us) in enumerate(zip(events, times_us, strict=False)):
        name = f"Delegate/{event.name}:{number}" if event.node is None else f"[x]:{event.node}"
        print(f"\t{event.name}\t{time_us / 1e3:.3f}\t{time_us / 1e3:.3f}\t{shares[number]:.3f}%\t"
              f"{shares[:number + 1].sum():.3f}%\t0.000\t1\t{name}")  # fmt: skip
    print(f"\nTimings (microseconds): count={runs} first=1 curr=1 min=1 max=1 "
          f"avg={times_us.sum():g} std=0\nMemory (bytes): count=0\n", flush=True)  # fmt: skip


def _tell_delegates(
    flags: dict[str, str], is_compiled: bool, fault: str | None, nodes: int
) -> None:
    """Print what the runtime logs of who took which nodes, and what the tool makes of it."""
    delegate = next((name for name in DELEGATES if flags.get(f"use_{name}") == "true"), None)
    taken = 0 if delegate is None or fault == "delegate falls back" else nodes
    if taken and fault == "delegate takes a part":
        taken = nodes // 2
    if fault == "delegate is not told":
        return
    lines, label = [], f"{str(delegate).upper()} delegate"
    if delegate is not None:
        if 0 < taken < nodes:
            lines += [
                "ERROR: Following operations are not supported by GPU delegate:",
                "UNPACK: Operation is not supported.",
                f"{taken} operations will run on the GPU, and the remaining {nodes - taken} "
                "operations will run on the CPU.",
            ]
        if taken:
            lines.append(_replacing(taken, nodes, DELEGATES[delegate][is_compiled], 1))
        elif is_compiled:
            lines.append(f"WARNING: [auto_registration.cc:266] {delegate.upper()} accelerator "
                         "could not be loaded and registered.")  # fmt: skip
        how = "completely executed by the delegate."
        if taken < nodes:
            how = "partially executed by the delegate w/ 1 delegate kernels."
        if taken and not is_compiled:
            lines.append(f"INFO: Explicitly applied {label}, and the model graph will be {how}")
        elif not is_compiled:
            lines.append(f"INFO: Though {label} is explicitly applied, the model graph will not be "
                         "executed by the delegate.")  # fmt: skip
    left = nodes - taken
    if left:
        all_nodes = left + 1 if taken else nodes
        lines.append("INFO: Created TensorFlow Lite XNNPACK delegate for CPU.")
        lines.append(_replacing(left, all_nodes, "TfLiteXNNPackDelegate", 2 if taken else 1))
    for line in lines:
        print(line, file=sys.stderr, flush=True)


def _replacing(taken: int, nodes: int, name: str, partitions: int) -> str:
    return (f"VERBOSE: Replacing {taken} out of {nodes} node(s) with delegate ({name}) node, "
            f"yielding {partitions} partitions for subgraph 0 (main).")  # fmt: skip


def _memory_mb() -> float:
    """Return the largest resident set so far, which is what the real tool compares."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_PER_MIB


def _input(model: LoadedModel, value_files: str) -> np.ndarray:
    """Read the input from a file in the tensor's own layout, else fill it at random."""
    spec = model.input
    if not value_files:
        return spec.quantise(np.random.default_rng().uniform(-0.5, 0.5, spec.shape))
    path = Path(value_files.rpartition(":")[2])
    actual_bytes = path.stat().st_size
    expected_bytes = int(np.prod(spec.shape)) * spec.dtype.itemsize
    if actual_bytes != expected_bytes:
        size = f"The size of {path} is {actual_bytes} bytes."
        raise RefusedError(f"{size} It should be {expected_bytes} bytes.")
    return np.fromfile(path, spec.dtype).reshape(spec.shape)


def _run(
    model: LoadedModel, pixels: np.ndarray, runs: int, min_secs: float, clock: Clock
) -> list[int]:
    """Invoke at least `runs` times and `min_secs` seconds; print and return each duration in us."""
    _print(f"Running benchmark for at least {runs} iterations and at least {min_secs:g} seconds "
           "but terminate if exceeding 150 seconds.")  # fmt: skip
    times_us: list[int] = []
    finish_s = time.monotonic() + min_secs
    while len(times_us) < runs or time.monotonic() < finish_s:
        model.set_input(pixels)
        start_us = clock()
        model.invoke()
        times_us.append(clock() - start_us)
    _print(_summary(times_us) + "\n")
    return times_us


def _summary(times_us: list[int]) -> str:
    """Return the line that the real tool's `Stat` prints."""
    count, last = len(times_us), times_us[-1]
    if min(times_us) == max(times_us):
        return f"count={count} curr={last}" + ("(all same)" if count > 1 else "")
    return (
        f"count={count} first={times_us[0]} curr={last} min={min(times_us)} max={max(times_us)} "
        f"avg={statistics.fmean(times_us):g} std={int(statistics.pstdev(times_us))} "
        f"p5={_percentile(times_us, 5)} median={_percentile(times_us, 50)} "
        f"p95={_percentile(times_us, 95)}"
    )


def _percentile(times_us: list[int], percent: int) -> int:
    return sorted(times_us)[min(len(times_us) - 1, len(times_us) * percent // 100)]


def _print_compiled_summary(
    init_us: int, warmup_us: list[int], times_us: list[int], memory_mb: tuple[float, float]
) -> None:
    warmup_ms = statistics.fmean(warmup_us) / 1e3
    lines = [
        "\n========== BENCHMARK RESULTS ==========",
        f"Model initialization: {init_us / 1e3:.2f} ms",
        f"Warmup (first):       {warmup_us[0] / 1e3:.2f} ms",
        f"Warmup (avg):         {warmup_ms:.2f} ms ({len(warmup_us)} runs)",
        f"Inference (avg):      {statistics.fmean(times_us) / 1e3:.2f} ms ({len(times_us)} runs)",
        f"Inference (min):      {min(times_us) / 1e3:.2f} ms",
        f"Inference (max):      {max(times_us) / 1e3:.2f} ms",
        f"Inference (std):      {statistics.pstdev(times_us) / 1e3:.2f}",
        "\nMemory Usage:",
        f"Init footprint:       {memory_mb[0]:.2f} MB",
        f"Overall footprint:    {memory_mb[1]:.2f} MB",
        "Peak memory usage not available. (peak_mem_mb <= 0)",
        "======================================\n",
    ]
    for number, line in enumerate(lines, start=90):
        print(f"INFO: [benchmark_litert_model.h:{number}] {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
