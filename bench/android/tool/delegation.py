"""What really ran: which delegate took how much of a model's graph, by the tool's own word.

A label says what was asked for. The tools warn and go on where an accelerator cannot be loaded, and
XNNPACK on the CPU takes what is left, which may be all.

Source: the TensorFlow Authors, tensorflow/lite/core/subgraph.cc ("Replacing N out of M node(s)"),
tools/benchmark/benchmark_tflite_model.cc ("Explicitly applied"), and
profiling/proto/model_runtime_info.proto.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from bench.android.adb.errors import DeviceError, printable

FAMILIES = {
    "gpu": re.compile(r"gpu|^litert_(?!.*npu)|metal|opencl|vulkan", re.IGNORECASE),
    "npu": re.compile(r"dispatch|npu", re.IGNORECASE),
    "nnapi": re.compile(r"nnapi", re.IGNORECASE),
    "xnnpack": re.compile(r"xnnpack", re.IGNORECASE),
}
"""By what is asked for, what the delegates are called that do it, such as TfLiteGpuDelegateV2,
LITERT_CL, DispatchDelegate."""

ON_CPU = ("cpu", "xnnpack")
NOT_ON_CPU = re.compile(r"^(?!.*(xnnpack|flex))", re.IGNORECASE)
"""Flex is TensorFlow's own operators, which run on the CPU."""


@dataclass(frozen=True)
class Delegation:
    """What one delegate took of the graph, all subgraphs together; None where nothing tells.

    Attributes:
        delegate: its name.
        part: "whole", "part" or "none".
        taken, nodes: it took so many of the nodes that were there when it was asked.
        partitions: pieces that the graph fell into, those that stay on the CPU included.
    """

    delegate: str
    part: str
    taken: int | None = None
    nodes: int | None = None
    partitions: int | None = None

    def __str__(self) -> str:
        if self.taken is None:
            return f"{self.delegate}: {self.part} of the nodes"
        of = "" if self.nodes is None else f" of {self.nodes}"
        return f"{self.delegate}: {self.taken}{of} nodes"


@dataclass
class Delegations:
    """What a tool's lines say of delegates, in their order."""

    _replaced: dict[str, dict[str, tuple[int, int | None, int]]] = field(default_factory=dict)
    _applied: dict[str, str] = field(default_factory=dict)
    _has_only_reference: bool = False

    def take(self, text: str) -> bool:
        """Take a line without its prefix; return whether it was one of them."""
        if (match := _REPLACING.fullmatch(text)) is not None:
            graphs = self._replaced.setdefault(match["name"], {})
            # The same words for every subgraph are no name of one.
            graph = match["graph"] or f"another {len(graphs)}"
            nodes = int(match["nodes"]) if match["nodes"] else None
            is_cpu = self._has_only_reference and FAMILIES["nnapi"].search(match["name"])
            graphs[graph] = (0 if is_cpu else int(match["taken"]), nodes, int(match["partitions"]))
        elif (match := _APPLIED.fullmatch(text)) is not None:
            if match["unused"]:
                self._applied[match["unused"]] = "none"
            else:
                self._applied[match["applied"]] = "whole" if match["whole"] else "part"
        elif text.startswith(_RESTORED) and self._replaced:
            self._replaced.popitem()
        elif (match := _NNAPI_ACCELERATORS.search(text)) is not None:
            self._has_only_reference = match["names"].strip() == "nnapi-reference"
        else:
            return False
        return True

    def found(self) -> tuple[Delegation, ...]:
        """Return each delegate, the first to be asked first."""
        found = [_sum(name, graphs) for name, graphs in self._replaced.items()]
        for applied, part in self._applied.items():
            family = next((each for each in FAMILIES.values() if each.search(applied)), None)
            same = [each for each in found if family and family.search(each.delegate)]
            if not same:
                found.append(Delegation(applied, part))
            elif part == "none":
                found[found.index(same[0])] = replace(same[0], part="none", taken=0)
        return tuple(found)


def _sum(name: str, graphs: dict[str, tuple[int, int | None, int]]) -> Delegation:
    taken = sum(each[0] for each in graphs.values())
    nodes = [each[1] for each in graphs.values()]
    is_whole = all(
        # A tool of 2020 names no number of nodes; one piece alone is the whole graph.
        took == of if of is not None else pieces == 1
        for took, of, pieces in graphs.values()
    )
    return Delegation(
        name,
        "none" if not taken else "whole" if is_whole else "part",
        taken,
        None if None in nodes else sum(each or 0 for each in nodes),
        sum(each[2] for each in graphs.values()),
    )


def check_delegation(
    wanted: str, found: Sequence[Delegation], may_be_part: bool, model: str
) -> None:
    """Refuse what is not a result of the delegate that was wanted: it ran elsewhere, or nothing
    tells where, or it took a part alone."""
    model = printable(model)
    if wanted in ON_CPU:
        for each in found:
            if each.part != "none" and NOT_ON_CPU.search(each.delegate):
                raise DeviceError(f"{model} did not run on the CPU alone ({printable(str(each))})")
        return
    family = FAMILIES.get(wanted, NOT_ON_CPU)
    own = [each for each in found if family.search(each.delegate)]
    if not found:
        raise DeviceError(
            f"nothing tells whether {wanted} took anything of {model}: no line of this "
            "benchmark_model names a delegate"
        )
    if all(each.part == "none" for each in own):
        raise DeviceError(
            f"{wanted} took nothing of {model}, which is no result of {wanted} (it ran by "
            f"{printable('; '.join(map(str, found)))}): has the tool its libraries "
            "(--device-libraries)?"
        )
    if not may_be_part and not any(each.part == "whole" for each in own):
        raise DeviceError(
            f"{wanted} took a part of {model} alone ({printable(str(own[0]))}): "
            "--device-delegation part measures that"
        )


def read_runtime_info(content: bytes) -> tuple[Delegation, ...]:
    """Read what `--model_runtime_info_output_file` wrote; () where it is no such file."""
    taken: dict[str, int] = {}
    nodes = 0
    try:
        for subgraph in _values(content, 2):
            if list(_values(subgraph, 5)) != [1]:  # a TFLITE_SUBGRAPH, not a delegate's own
                continue
            for node in _values(subgraph, 3):
                details = [each for each in _values(node, 8) if isinstance(each, bytes)]
                nodes += not details
                for each in details:
                    (name,) = _values(each, 1)
                    # Packed numbers end in a byte without the highest bit.
                    count = sum(byte < 128 for ids in _values(each, 2) for byte in ids)
                    taken[name.decode()] = taken.get(name.decode(), 0) + count
    except (ValueError, TypeError, LookupError, AttributeError):
        return ()
    return tuple(
        Delegation(
            name, "none" if not count else "whole" if count == nodes else "part", count, nodes
        )
        for name, count in taken.items()
    )


def _values(message: bytes, wanted: int) -> Iterator:
    """Give the values of a field of a protocol-buffer message: numbers, or bytes."""
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        name, kind = divmod(number(), 8)
        if kind == 0:
            value: int | bytes = number()
        else:
            size = number() if kind == 2 else {1: 8, 5: 4}[kind]
            value, at = message[at : at + size], at + size
        if at > len(message):
            raise ValueError("the message ends in the middle of a field")
        if name == wanted:
            yield value


_REPLACING = re.compile(
    r"Replacing (?P<taken>\d+)(?: out of (?P<nodes>\d+))? node\(s\) with delegate "
    r"\((?P<name>[^)]*)\) node, yielding (?P<partitions>\d+) partitions"
    r"(?: for (?:the whole graph|(?P<graph>.+?)))?\.?"
)
_APPLIED = re.compile(
    r"Explicitly applied (?P<applied>.+?) delegate, and the model graph will be "
    r"(?:(?P<whole>completely) executed by the delegate\."
    r"|partially executed by the delegate w/ \d+ delegate kernels\.)"
    r"|Though (?P<unused>.+?) delegate is explicitly applied, the model graph will not be executed "
    r"by the delegate\."
)
_RESTORED = "Restored original execution plan after delegate application failure"
_NNAPI_ACCELERATORS = re.compile(r"NNAPI accelerators available: \[(?P<names>[^]]*)\]")
"""nnapi-reference is what NNAPI calls the CPU."""
