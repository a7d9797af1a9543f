"""How long each operator of a model takes on this machine, by LiteRT's own profiler."""

from __future__ import annotations

import gc
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models import ROOT
from models.files import graph
from models.files.artifacts import Artifact, ArtifactError
from models.running.litert_profiler import Event, ProfiledModel, ProfilerError
from models.running.probe import probe
from models.running.runtimes import RUNTIMES, RuntimeUnavailableError

RUNTIME = "litert"
BLOCKS = 10
"""The bare call and the profiled one take turns in blocks, so that both meet the same machine,
and each finds its own data in the caches."""

WARMUP_ROUNDS = 3
"""At the start of each block, not counted."""

MOST_EVENTS = 5_000
"""Of operators in one block. The profiler has room for 10,240 events, and they are read between
blocks only: reading them between two rounds would push the model's data out of the caches."""

TIMEOUT_S = 600
COMMAND = [sys.executable, "-m", "models.running.operator_profile"]

_WEIGHTED = re.compile("(Convolution|Fully Connected)")
_MAY_RUN_AS = {
    "CONV_2D": re.compile("Convolution(?!.*DWConv)|Fully Connected"),  # the latter if it is 1x1
    "DEPTHWISE_CONV_2D": re.compile("Convolution"),
    "FULLY_CONNECTED": re.compile("Fully Connected"),
}


@dataclass(frozen=True)
class OperatorTime:
    """An operator as the runtime runs it.

    Attributes:
        name: XNNPACK's where it runs in that delegate, else TensorFlow Lite's.
        node: TensorFlow Lite's name of the graph's node that it computes; None where unknown.
        multiply_accumulates: 0 for operators without weights; None where unknown.
        is_delegated: whether it runs in XNNPACK.
        microseconds: of one inference; XNNPACK drops fractions of each before the mean is taken.
    """

    name: str
    node: str | None
    multiply_accumulates: int | None
    is_delegated: bool
    microseconds: float

    @property
    def kind(self) -> str:
        """The name without layout and dtypes, such as "Convolution DWConv"."""
        return re.sub(r" \([^)]*\)", "", self.name)


@dataclass(frozen=True)
class OperatorProfile:
    """The operators of a model, and what they are part of.

    All times are means over the middle half of the rounds (by the whole call, or by the sum of
    the operators), in microseconds: medians would not add up.

    Attributes:
        runtime: name and version.
        rounds: of the bare call, and as many with the profiler.
        invoke_us: the bare call `invoke`, without a profiler.
        profiled_us: a call with the profiler running; what it takes more is the profiler's.
        operators: in the order in which they run.
    """

    runtime: str
    rounds: int
    invoke_us: float
    profiled_us: float
    operators: tuple[OperatorTime, ...]

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
    """Measure a model on one thread, in a child process.

    Args:
        artifact: a model of one input.
        rounds: how many calls, at least; without a profiler, and with it.

    Raises:
        ArtifactError: the file is missing or damaged, or the runtime cannot profile it.
        RuntimeUnavailableError: LiteRT is not installed.
    """
    runtime = RUNTIMES[RUNTIME]
    if not runtime.is_available:
        raise RuntimeUnavailableError(
            f"runtime {runtime.name} is not installed: pip install {runtime.distribution}"
        )
    try:
        nodes = graph.operators(artifact.read_bytes())
    except graph.GraphError as error:
        raise ArtifactError(f"{artifact.path}: {error}") from None
    probe(artifact.path, runtime)
    measured = _measure_apart(artifact.path, rounds)
    return OperatorProfile(
        f"{runtime.name} {runtime.version}",
        measured["rounds"],
        measured["invoke_us"],
        measured["profiled_us"],
        match(measured["operators"], nodes),
    )


def match(
    measured: Sequence[dict[str, Any]], nodes: Sequence[graph.Operator]
) -> tuple[OperatorTime, ...]:
    """Find the graph's node of each operator that has weights or runs outside the delegate.

    The delegate does not tell nodes. It runs those with weights in their order, so they are
    matched one by one if there are as many and each is of a kind that its node may run as; if
    not, none is.

    Args:
        measured: "name", "node" (number in the graph, or None) and "microseconds" of each.
        nodes: of the file.
    """
    taken = {each["node"] for each in measured}
    free = [
        node
        for number, node in enumerate(nodes)
        if number not in taken and node.multiply_accumulates
    ]
    weighted = [
        number
        for number, each in enumerate(measured)
        if each["node"] is None and _WEIGHTED.match(each["name"])
    ]
    found: dict[int, graph.Operator] = {
        number: nodes[each["node"]]
        for number, each in enumerate(measured)
        if each["node"] is not None and each["node"] < len(nodes)
    }
    if len(free) == len(weighted) and all(
        _MAY_RUN_AS[node.name].match(measured[number]["name"])
        for node, number in zip(free, weighted, strict=True)
    ):
        found |= dict(zip(weighted, free, strict=True))
    return tuple(
        OperatorTime(
            each["name"],
            found[number].name if number in found else None,
            _cost(found.get(number), is_weighted=number in weighted),
            each["node"] is None,
            each["microseconds"],
        )
        for number, each in enumerate(measured)
    )


def _cost(node: graph.Operator | None, *, is_weighted: bool) -> int | None:
    if node is not None:
        return node.multiply_accumulates
    return None if is_weighted else 0


def _measure_apart(path: Path, rounds: int) -> dict[str, Any]:
    try:
        child = subprocess.run(
            [*COMMAND, str(path.resolve()), str(rounds)],
            capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
            cwd=ROOT,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ArtifactError(f"{path}: profiling takes more than {TIMEOUT_S} s") from None
    if child.returncode < 0:
        raise ArtifactError(f"{path}: LiteRT's profiler crashes on it (signal {-child.returncode})")
    if child.returncode:
        lines = child.stderr.strip().splitlines() or [f"exit status {child.returncode}"]
        raise ArtifactError(f"{path}: cannot be profiled ({lines[-1]})")
    return json.loads(child.stdout)


def _measure(content: bytes, rounds: int) -> dict[str, Any]:
    """Return times in microseconds: the bare call's, the profiled call's, each operator's."""
    bare = RUNTIMES[RUNTIME].load(content)
    elements = _elements(bare.input.shape, bare.input.dtype)
    bare.set_input(elements)
    bare_us: list[float] = []
    profiled_us: list[float] = []
    operators_us: list[list[int]] = []
    with ProfiledModel(content) as model:
        model.set_input(elements)
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
    table = np.array(operators_us, np.float64).reshape(len(operators_us), len(first))
    means = table[_middle_half(table.sum(axis=1))].mean(axis=0)
    return {
        "rounds": len(bare_us),
        "invoke_us": _mean(bare_us),
        "profiled_us": _mean(profiled_us),
        "operators": [
            {**asdict(event), "microseconds": float(mean)}
            for event, mean in zip(first, means, strict=True)
        ],
    }


def _elements(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return pixels, the same in every run; zeros where the input may be an index or a text."""
    if np.issubdtype(dtype, np.floating) or dtype.itemsize == 1:
        return np.random.default_rng(0).integers(0, 128, shape).astype(dtype)
    return np.zeros(shape, dtype)


def _time_us(call: Callable[[], object], rounds: int) -> list[float]:
    """Time each round in microseconds, after a warm-up."""
    times_us = []
    for _ in range(WARMUP_ROUNDS + rounds):
        before = time.perf_counter_ns()
        call()
        times_us.append((time.perf_counter_ns() - before) / 1e3)
    return times_us[WARMUP_ROUNDS:]


def _rounds(events: Sequence[Event], first: Sequence[Event]) -> list[list[int]]:
    """Return the microseconds of each round's operators.

    Args:
        events: of many rounds.
        first: of one.
    """
    if [(one.name, one.node) for one in events] != [(one.name, one.node) for one in first] * (
        len(events) // len(first)
    ):
        raise ProfilerError("the profiler saw other operators in another round")
    times_us = [one.microseconds for one in events]
    return [times_us[start : start + len(first)] for start in range(0, len(events), len(first))]


def _middle_half(values: np.ndarray) -> np.ndarray:
    order = np.argsort(values, kind="stable")
    return order[len(order) // 4 : len(order) - len(order) // 4]


def _mean(times_us: list[float]) -> float:
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
