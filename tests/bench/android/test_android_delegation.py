# ruff: noqa: E501
"""Which delegate really ran: read from real output, quoted with its source, and judged by it."""

import pytest

from bench.android.adb.errors import DeviceError
from bench.android.tool.delegation import (
    Delegation,
    Delegations,
    check_delegation,
    read_runtime_info,
)  # fmt: skip
from bench.android.tool.output import without_prefix

XNNPACK, GPU, CL = "TfLiteXNNPackDelegate", "TfLiteGpuDelegateV2", "LITERT_CL"

REAL = {
    # a car's app with an LLM: two subgraphs, both on the GPU
    """VERBOSE: Replacing 2068 out of 2068 node(s) with delegate (LITERT_CL) node, yielding 1 partitions for subgraph 0 (decode).
VERBOSE: Replacing 1107 out of 1107 node(s) with delegate (LITERT_CL) node, yielding 1 partitions for subgraph 1 (prefill_1024).""": [Delegation(CL, "whole", 3175, 3175, 2)],
    # benchmark_model on a phone: what the GPU leaves goes to XNNPACK
    """VERBOSE: Replacing 54 out of 559 node(s) with delegate (TfLiteGpuDelegateV2) node, yielding 3 partitions for subgraph 0.
VERBOSE: Replacing 456 out of 506 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 13 partitions for subgraph 0.""": [
        Delegation(GPU, "part", 54, 559, 3), Delegation(XNNPACK, "part", 456, 506, 13),
    ],
    # an MT6899: "the CPU's count too"
    """VERBOSE: Replacing 5 out of 64 node(s) with delegate (TfLiteNnapiDelegate) node, yielding 5 partitions for the whole graph.""": [Delegation("TfLiteNnapiDelegate", "part", 5, 64, 5)],
    # 2020 and 2021: no number of nodes. A Snapdragon 450 with Mobilenet-SSD, and tensorflow#59232
    """INFO: Replacing 63 node(s) with delegate (TfLiteGpuDelegateV2) node, yielding 2 partitions.""": [Delegation(GPU, "part", 63, None, 2)],
    """INFO: Replacing 2975 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 98 partitions for the whole graph.""": [Delegation(XNNPACK, "part", 2975, None, 98)],
    """VERBOSE: Replacing 13 node(s) with delegate (TfLiteGpuDelegateV2) node, yielding 1 partitions.""": [Delegation(GPU, "whole", 13, None, 1)],
    # tensorflow#49012
    """INFO: Created 0 GPU delegate kernels.
Though GPU delegate is explicitly applied, the model graph will not be executed by the delegate.""": [Delegation("GPU", "none")],
    # tensorflow#43541, whose tool of 2020 names no nodes
    """INFO: Created 1 GPU delegate kernels.
Explicitly applied GPU delegate, and the model graph will be completely executed by the delegate.""": [Delegation("GPU", "whole")],
    "Explicitly applied GPU delegate, and the model graph will be partially executed by the delegate w/ 2 delegate kernels.": [Delegation("GPU", "part")],
    # benchmark_model with GPU and NNAPI, one after another
    """VERBOSE: Replacing 49 out of 49 node(s) with delegate (TfLiteGpuDelegateV2) node, yielding 1 partitions for subgraph 0.
INFO: Explicitly applied GPU delegate, and the model graph will be completely executed by the delegate.
INFO: Though NNAPI delegate is explicitly applied, the model graph will not be executed by the delegate.""": [Delegation(GPU, "whole", 49, 49, 1), Delegation("NNAPI", "none")],
    # a Snapdragon 888: the delegate took nodes, and gave them back
    """INFO: Replacing 5 node(s) with delegate (TfLiteNnapiDelegate) node, yielding 1 partitions.
ERROR: Node number 5 (TfLiteNnapiDelegate) failed to prepare.
ERROR: Restored original execution plan after delegate application failure.""": [],
}  # fmt: skip

MADE_UP = {
    # a Galaxy S21+: NNAPI has nothing but the processor
    """INFO: NNAPI accelerators available: [nnapi-reference]
VERBOSE: Replacing 49 out of 49 node(s) with delegate (TfLiteNnapiDelegate) node, yielding 1 partitions for subgraph 0.""": [
        Delegation("TfLiteNnapiDelegate", "none", 0, 49, 1)
    ],
    # one of two subgraphs alone is not the whole model
    """Replacing 9 out of 9 node(s) with delegate (LITERT_CL) node, yielding 1 partitions for subgraph 0 ().
Replacing 3 out of 7 node(s) with delegate (LITERT_CL) node, yielding 3 partitions for subgraph 1 ().""": [Delegation(CL, "part", 12, 16, 4)],
    # applied anew after the inputs were resized: the same subgraph, once
    """Replacing 9 out of 9 node(s) with delegate (LITERT_CL) node, yielding 1 partitions for subgraph 0.
Replacing 9 out of 9 node(s) with delegate (LITERT_CL) node, yielding 1 partitions for subgraph 0.""": [Delegation(CL, "whole", 9, 9, 1)],
}  # fmt: skip
"""By the source alone: nobody published such output."""


@pytest.mark.parametrize(("text", "expected"), [*REAL.items(), *MADE_UP.items()])
def test_output(text, expected):
    delegations = Delegations()
    for line in text.splitlines():
        delegations.take(without_prefix(line.removeprefix("I tflite: ")))
    assert list(delegations.found()) == expected


WHOLE_GPU = Delegation(CL, "whole", 70, 70, 1)
PART_GPU = Delegation(GPU, "part", 54, 559, 3)
WHOLE_CPU = Delegation(XNNPACK, "whole", 70, 70, 1)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("cpu", []), ("cpu", [WHOLE_CPU]), ("cpu", [Delegation(XNNPACK, "part", 53, 70, 35)]),
        ("cpu", [Delegation("TfLiteFlexDelegate", "part", 76, 5623, 51)]),  # tensorflow#67699
        ("xnnpack", []), ("xnnpack", [WHOLE_CPU]),
        ("gpu", [WHOLE_GPU]), ("gpu", [Delegation("GPU", "whole")]),
        ("npu", [Delegation("DispatchDelegate", "whole", 1, 1, 1)]),
        ("nnapi", [Delegation("TfLiteNnapiDelegate", "whole", 31, 31, 1)]),
        ("external", [Delegation("Vx Delegate", "whole", 31, 31, 1)]),
    ],
)  # fmt: skip
def test_what_counts_as_a_result(wanted, found):
    check_delegation(wanted, found, may_be_part=False, model="m")


@pytest.mark.parametrize(
    ("wanted", "found", "reason"),
    [
        ("gpu", [], "nothing tells whether gpu took anything of m: no line of this"),
        (
            "gpu",
            [WHOLE_CPU],
            r"gpu took nothing of m, .*\(it ran by TfLiteXNNPackDelegate: 70 of 70 nodes\)",
        ),
        ("gpu", [Delegation("GPU", "none")], "gpu took nothing of m, which is no result of gpu"),
        ("npu", [WHOLE_GPU], r"npu took nothing of m, .*\(it ran by LITERT_CL: 70 of 70 nodes\)"),
        ("gpu", [PART_GPU, WHOLE_CPU], r"a part of m alone \(TfLiteGpuDelegateV2: 54 of 559 nodes"),
        ("cpu", [WHOLE_GPU], r"m did not run on the CPU alone \(LITERT_CL: 70 of 70 nodes\)"),
        ("external", [WHOLE_CPU], "external took nothing of m"),
    ],
)
def test_what_is_no_result_of_its_label(wanted, found, reason):
    with pytest.raises(DeviceError, match=reason):
        check_delegation(wanted, found, may_be_part=False, model="m")


def test_a_part_counts_where_that_was_asked_for():
    check_delegation("gpu", [PART_GPU], may_be_part=True, model="m")


def _field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return bytes([number << 3, value])
    return bytes([number << 3 | 2, len(value)]) + value


def _subgraph(kind: int, *nodes: bytes) -> bytes:
    return _field(2, b"".join(_field(3, each) for each in nodes) + _field(5, kind))


NODES = [_field(1, number) + _field(3, b"CONV_2D") for number in range(5)]
GPU_NODE = _field(1, 5) + _field(8, _field(1, b"LITERT_CL") + _field(2, bytes([0, 1, 2])))


def test_runtime_info():
    """Fields by tflite/profiling/proto/model_runtime_info.proto; packed numbers of node ids."""
    own_of_the_delegate = _subgraph(2, *NODES)
    content = _field(1, b"m") + _subgraph(1, *NODES, GPU_NODE) + own_of_the_delegate
    assert read_runtime_info(content) == (Delegation(CL, "part", 3, 5),)
    assert read_runtime_info(_subgraph(1, *NODES[:3], GPU_NODE)) == (Delegation(CL, "whole", 3, 3),)
    assert read_runtime_info(_subgraph(1, *NODES)) == ()


@pytest.mark.parametrize("content", [b"", b"no such file", b"\x12\x05abc", b"\xff" * 9])
def test_a_file_that_is_no_runtime_info(content):
    assert read_runtime_info(content) == ()
