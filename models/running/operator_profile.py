"""How long each operator of a model takes on this machine, by LiteRT's own profiler."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models.files import graph
from models.files.artifacts import Artifact, ArtifactError
from models.running.child_process import run_apart
from models.running.loaded_model import CannotRunError
from models.running.probe import probe
from models.running.runtimes import RUNTIMES, RuntimeUnavailableError

RUNTIME = "litert"
TIMEOUT_S = 600
COMMAND = [sys.executable, "-m", "models.running.operator_rounds"]

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
        artifact: a model.
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
        model = graph.parse(artifact.read_bytes())
        nodes = graph.operators_of(model)
    except graph.GraphError as error:
        raise ArtifactError(f"{artifact.path}: {error}") from None
    probe(artifact.path, runtime)
    if any(tensor.isVariable for each in model.subgraphs for tensor in each.tensors):
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
        measured: "name", "node" (number in its subgraph, or None), "subgraph" and "microseconds"
            of each.
        nodes: of the file.
    """
    taken = {each["node"] for each in measured if not each["subgraph"]}
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
        if each["node"] is not None and not each["subgraph"] and each["node"] < len(nodes)
    }
    if len(free) == len(weighted) and all(
        node.name in _MAY_RUN_AS and _MAY_RUN_AS[node.name].match(measured[number]["name"])
        for node, number in zip(free, weighted, strict=True)
    ):
        found |= dict(zip(weighted, free, strict=True))
    return tuple(
        OperatorTime(
            each["name"],
            found[number].name
            if number in found
            else None
            if each["node"] is None
            else each["name"],
            _cost(found.get(number), each),
            each["node"] is None,
            each["microseconds"],
        )
        for number, each in enumerate(measured)
    )


def _cost(node: graph.Operator | None, event: dict[str, Any]) -> int | None:
    """Return the multiply-accumulates of an operator; None where they are unknown."""
    if node is not None:
        return node.multiply_accumulates
    is_delegated = event["node"] is None
    if is_delegated:
        return None if _WEIGHTED.match(event["name"]) else 0
    return 0 if graph.has_no_weights(event["name"]) else None
