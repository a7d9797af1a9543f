"""Why a sound `.tflite` file cannot be run or measured here, told from the file alone."""

from __future__ import annotations

from models.files.graph import FileDetails
from models.preprocessing.tensors import SMALLEST_SIDE, TensorSpec

_COMPILED_FOR = {
    "edgetpu-custom-op": "an Edge TPU",
    "DISPATCH_OP": "an NPU",
    "ethos-u": "an Arm Ethos-U NPU",
    "vela": "an Arm Ethos-U NPU",
    "QNN": "a Qualcomm NPU",
}


def obstacle(details: FileDetails) -> str | None:
    """Return the reason in a few words that follow the file's name; None where there is none.

    A custom operator that a runtime may know is no obstacle yet: the runtime says so itself.
    """
    for operator in details.custom_operators:
        for mark, target in _COMPILED_FOR.items():
            if operator.startswith(mark):
                return f"is compiled for {target} (operator {operator})"
        if operator.startswith("Flex"):
            return f"needs TensorFlow's own operators (Select TF ops, such as {operator})"
    if details.is_micros:
        return "is for TensorFlow Lite Micro alone (an SVDF with a state of int8)"
    for tensor in details.inputs:
        if tensor.foreign:
            kind = "text" if tensor.foreign == "string" else f"elements of type {tensor.foreign}"
            return f"takes {kind} (input {tensor.name!r}), which this suite has no samples of"
    return None


def no_classifier(details: FileDetails) -> str | None:
    """Say why a file is no classifier of pictures; None where it may be one.

    A classifier takes one picture and gives one value for each class; of two classes a single one,
    made by a sigmoid, will do.
    """
    if len(details.inputs) != 1:
        return f"it takes {len(details.inputs)} inputs"
    if len(details.outputs) != 1:
        return f"it gives {len(details.outputs)} outputs"
    (taken,), (given,) = details.inputs, details.outputs
    if not _is_picture(taken.shape):
        return f"it takes {taken}"
    if taken.shape[0] > 1:
        return f"it takes {taken.shape[0]} pictures at a time"
    answer = given.shape[1:] if given.shape[:1] == (-1,) else given.shape  # an open batch is of 1
    sizes = [size for size in answer if size != 1]
    if not sizes and given.shape:
        return None if details.is_sigmoid else f"it gives {given}, which no sigmoid made"
    if len(sizes) != 1 or sizes[0] < 2 or answer[-1] != sizes[0]:
        return f"it gives {given}"
    return None


def _is_picture(shape: tuple[int, ...]) -> bool:
    if len(shape) == 3:  # grey, without channels
        return all(size == -1 or size >= SMALLEST_SIDE for size in shape[1:])
    return len(shape) == 4 and bool({shape[1], shape[3]} & {1, 3})


def open_sizes(tensor: TensorSpec) -> str | None:
    """Say which sizes a file leaves open beside the batch; None where there are none."""
    if -1 not in tensor.shape[1:]:
        return None
    return (
        f"leaves sizes of its input {tensor.name!r} open ({tensor}): name them with --input-shape"
    )
