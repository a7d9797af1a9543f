"""How long each operator of a model takes on this machine, by LiteRT's own profiler.

`python -m models.running.operator_times FILE ROUNDS` prints the times as JSON: a child process,
since a mistake in using the profiler would crash it.
"""

from __future__ import annotations

import gc
import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.files import graph
from models.files.artifacts import Artifact
from models.running.copies import with_shapes
from models.running.litert_profiler import Event, ProfiledModel, ProfilerError
from models.running.loaded_model import CannotRunError, signature_inputs
from models.running.probe import probe, run_apart
from models.running.runtimes import RUNTIMES, RuntimeUnavailableError
from models.running.samples import fill, sample_elements

RUNTIME = "litert"
SIGNATURE_RUNTIME = "litert-compiled"
"""It has the inputs in the order of the file's signature, as the profiled model takes them."""

TIMEOUT_S = 600
COMMAND = [sys.executable, "-m", "models.running.operator_times"]

BLOCKS = 10
"""The bare call and the profiled one take turns in blocks, so that both meet the same machine,
and each finds its own data in the caches."""

WARMUP_ROUNDS = 3
"""At the start of each block, not counted."""

MOST_EVENTS = 5_000
"""Of operators in one block. The profiler has room for 10,240 events, and they are read between
blocks only: reading them between two rounds would push the model's data out of the caches."""

_WEIGHTED = re.compile("(Convolution|Deconvolution|Fully Connected|Batch Matrix Multiply)")
_MAY_RUN_AS = {
    "CONV_2D": re.compile("Convolution(?!.*DWConv)|Fully Connected"),  # the latter if it is 1x1
    "DEPTHWISE_CONV_2D": re.compile("Convolution"),
    "FULLY_CONNECTED": re.compile("Fully Connected"),
    "TRANSPOSE_CONV": re.compile("Deconvolution"),
    "BATCH_MATMUL": re.compile("Batch Matrix Multiply"),
}


@dataclass(frozen=True)
class OperatorTime:
    """An operator as the runtime runs it."""

    name: str  # the delegate's where it runs in one, else TensorFlow Lite's
    node: str | None  # TensorFlow Lite's name of what it computes
    multiply_accumulates: int | None  # 0 without weights
    is_delegated: bool  # whether it runs in a delegate
    microseconds: float  # of one inference; XNNPACK drops fractions of each before the mean

    @property
    def kind(self) -> str:
        """The name without layout and dtypes, such as "Convolution DWConv"."""
        return re.sub(r" \([^)]*\)", "", self.name)


@dataclass(frozen=True)
class OperatorProfile:
    """The operators of a model, and what they are part of.

    All times are means over the middle half of the rounds (by the whole call, or by the sum of
    the operators), in microseconds: medians would not add up.
    """

    runtime: str
    rounds: int  # of the bare call, and as many with the profiler
    invoke_us: float  # the bare call, without a profiler
    profiled_us: float  # with it: what it takes more is the profiler's
    operators: tuple[OperatorTime, ...]
    delegated_to: str = "XNNPACK"  # the delegate

    @property
    def operators_us(self) -> float:
        """The sum over the operators."""
        return sum(each.microseconds for each in self.operators)

    @property
    def outside_us(self) -> float:
        """What is left of the bare call: the runtime's own work, and fractions that were dropped.

        It is below 0 where noise made the operators slower than the call.
        """
        return self.invoke_us - self.operators_us


def profile_operators(artifact: Artifact, rounds: int) -> OperatorProfile:
    """Measure a model on one thread, in a child process: so many calls at least of either kind.

    Raises:
        ArtifactError: the file is missing or damaged, or the runtime cannot profile it.
        RuntimeUnavailableError: LiteRT is not installed.
    """
    runtime = RUNTIMES[RUNTIME]
    if not runtime.is_available:
        raise RuntimeUnavailableError(
            f"runtime {runtime.name} is not installed: pip install {runtime.distribution}"
        )
    details = artifact.details
    probe(artifact, runtime)
    if details.has_state:
        raise CannotRunError(
            f"{artifact.path}: cannot be profiled: LiteRT's profiler takes no model with a state "
            "(variable tensors, such as an LSTM's)"
        )
    command = [*COMMAND, str(artifact.path.resolve()), str(rounds)]
    answer = run_apart(command, path=artifact.path, who="LiteRT's profiler", timeout_s=TIMEOUT_S)
    measured = json.loads(answer)
    return OperatorProfile(
        f"{runtime.name} {runtime.version}",
        measured["rounds"],
        measured["invoke_us"],
        measured["profiled_us"],
        match(measured["operators"], details.nodes, measured["parts"]),
    )


def match(
    measured: Sequence[dict[str, Any]], nodes: Sequence[graph.Operator],
    parts: Sequence[Sequence[int]] | None = None,
) -> tuple[OperatorTime, ...]:  # fmt: skip
    """Find the file's node of each measured operator with weights, or outside of the delegate.

    The delegate does not tell nodes. It runs those with weights in their order, part by part, so
    they are matched one by one if there are as many and each is of a kind that its node may run
    as; if not, none is, and neither where unknown `parts` are more than one.
    """
    found: dict[int, graph.Operator] = {
        number: nodes[each["node"]]
        for number, each in enumerate(measured)
        if each["node"] is not None and not each["subgraph"] and each["node"] < len(nodes)
    }
    taken = {measured[number]["node"] for number in found}
    order = range(len(nodes)) if parts is None else [node for part in parts for node in part]
    free = [nodes[number] for number in order
            if number not in taken and nodes[number].multiply_accumulates]  # fmt: skip
    weighted = [number for number, each in enumerate(measured)
                if each["node"] is None and _WEIGHTED.match(each["name"])]  # fmt: skip
    between = measured[weighted[0] : weighted[-1]] if weighted and parts is None else ()
    is_in_order = all(each["node"] is None for each in between)
    if (
        is_in_order
        and len(free) == len(weighted)
        and all(
            node.name in _MAY_RUN_AS and _MAY_RUN_AS[node.name].match(measured[number]["name"])
            for node, number in zip(free, weighted, strict=True)
        )
    ):
        found |= dict(zip(weighted, free, strict=True))
    return tuple(_time(each, found.get(number)) for number, each in enumerate(measured))


def _time(event: dict[str, Any], node: graph.Operator | None) -> OperatorTime:
    name, is_delegated = event["name"], event["node"] is None
    if node is not None:
        cost = node.multiply_accumulates
    else:
        is_light = not _WEIGHTED.match(name) if is_delegated else graph.has_no_weights(name)
        cost = 0 if is_light else None
    called = node.name if node is not None else None if is_delegated else name
    return OperatorTime(name, called, cost, is_delegated, event["microseconds"])


def _measure(content: bytes, rounds: int) -> dict[str, Any]:
    """Return times in microseconds: the bare call's, the profiled call's, each operator's."""
    bare = RUNTIMES[RUNTIME].load(content)
    fill(bare)
    samples = {each.index: sample_elements(each, place) for place, each in enumerate(bare.inputs)}
    bare.invoke()
    # The profiled model has no buffers for open sizes, and takes an output without a shape, as of
    # a detector, for a scalar.
    content = with_shapes(content, {each.index: each.shape for each in bare.settled_outputs()})
    order = signature_inputs(RUNTIMES[SIGNATURE_RUNTIME].import_module(), content)
    bare_us: list[float] = []
    profiled_us: list[float] = []
    operators_us: list[list[int]] = []
    with ProfiledModel(content) as model:
        for number, index in enumerate(order):
            model.set_input(samples[index], number)
        model.invoke()  # what runs but once, such as setting variables to their first values
        model.start()
        model.invoke()
        first = model.stop()
        if not first:
            raise ProfilerError("the profiler saw no operator")
        each_block = max(1, min(-(-rounds // BLOCKS), MOST_EVENTS // len(first) - WARMUP_ROUNDS))
        gc.disable()
        while len(bare_us) < rounds:
            bare_us += _time_us(bare.invoke, each_block)
            model.start()
            profiled_us += _time_us(model.invoke, each_block)
            operators_us += _rounds(model.stop(), first)[WARMUP_ROUNDS:]
        gc.enable()
    means_us = zip(first, operator_means(operators_us), strict=True)
    return {
        "rounds": len(bare_us), "invoke_us": middle_mean(bare_us),
        "profiled_us": middle_mean(profiled_us), "parts": bare.delegated_nodes(),
        "operators": [{**asdict(event), "microseconds": mean} for event, mean in means_us],
    }  # fmt: skip


def operator_means(rounds_us: Sequence[Sequence[float]]) -> list[float]:
    """Return each operator's mean over the middle half of the rounds, by the sum of a round.

    Every operator is averaged over the same rounds, so the means add up to the mean of the sums.
    """
    table = np.array(rounds_us, np.float64)
    return [float(mean) for mean in table[_middle_half(table.sum(axis=1))].mean(axis=0)]


def _time_us(call: Callable[[], object], rounds: int) -> list[float]:
    """Time each round in microseconds, after a warm-up."""
    times_us = []
    for _ in range(WARMUP_ROUNDS + rounds):
        before = time.perf_counter_ns()
        call()
        times_us.append((time.perf_counter_ns() - before) / 1e3)
    return times_us[WARMUP_ROUNDS:]


def _rounds(events: Sequence[Event], first: Sequence[Event]) -> list[list[int]]:
    """Return the microseconds of each round's operators; `first` are the events of one round."""
    if [(one.name, one.node) for one in events] != [(one.name, one.node) for one in first] * (
        len(events) // len(first)
    ):
        raise ProfilerError("the profiler saw other operators in another round")
    times_us = [one.microseconds for one in events]
    return [times_us[start : start + len(first)] for start in range(0, len(events), len(first))]


def _middle_half(values: np.ndarray) -> np.ndarray:
    order = np.argsort(values, kind="stable")
    return order[len(order) // 4 : len(order) - len(order) // 4]


def middle_mean(times_us: Sequence[float]) -> float:
    """Return the mean of the middle half of rounds."""
    values = np.array(times_us)
    return float(values[_middle_half(values)].mean())


def _main(path: str, rounds: str) -> int:
    try:
        print(json.dumps(_measure(Path(path).read_bytes(), int(rounds))))
    except (ProfilerError, RuntimeUnavailableError, ValueError, RuntimeError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
