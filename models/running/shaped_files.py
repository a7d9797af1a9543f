"""Files with the shapes that a user gives: for what measures a file as it is, a copy of it.

A runtime's interpreter is told other shapes of its inputs. LiteRT's profiler and its benchmark tool
are not, and what is counted in a graph is counted by the shapes that stand in it.
"""

from __future__ import annotations

import contextlib
import functools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ai_edge_litert.tools import flatbuffer_utils

from models.files import graph
from models.files.artifacts import Artifact
from models.running.probe import probe
from models.running.runtimes import RUNTIMES

RUNTIME = "litert"
Shape = tuple[int, ...]


@contextlib.contextmanager
def shaped_copies(files: Sequence[Artifact], shapes: Sequence[Shape]) -> Iterator[list[Artifact]]:
    """Lend copies of a user's files, of the same names, whose first inputs have other shapes.

    The project's own files are lent as they are, and all are where there are no shapes.

    Raises:
        ArtifactError: a file is missing or damaged, or LiteRT does not run it so.
        RuntimeUnavailableError: LiteRT is not installed.
    """
    with tempfile.TemporaryDirectory() as folder:
        copies = list(files)
        for number, file in enumerate(files):
            if shapes and file.architecture is None:
                copies[number] = replace(file, path=Path(folder, f"{number}.tflite"))
                copies[number].path.write_bytes(_shaped(file, tuple(shapes)))
        yield copies


@functools.cache
def shaped_details(file: Artifact, shapes: tuple[Shape, ...]) -> graph.FileDetails:
    """Return what is known of a file whose first inputs have other shapes.

    Raises:
        ArtifactError, RuntimeUnavailableError: as for `shaped_copies`.
    """
    return graph.read_details(_shaped(file, shapes))


def _shaped(file: Artifact, shapes: tuple[Shape, ...]) -> bytes:
    """Return a file's content with other shapes of its first inputs, and of what follows."""
    runtime = RUNTIMES[RUNTIME]
    probe(file, runtime, input_shapes=shapes)
    content = file.read_bytes()
    package = runtime.import_module()
    # Within a delegate the tensors between its nodes keep the shapes of the file.
    resolver = package.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = package.Interpreter(model_content=content, experimental_op_resolver_type=resolver)
    for details, shape in zip(interpreter.get_input_details(), shapes, strict=False):
        interpreter.resize_tensor_input(details["index"], shape, strict=True)
    interpreter.allocate_tensors()
    details = interpreter.get_tensor_details()
    return with_shapes(content, {each["index"]: tuple(map(int, each["shape"])) for each in details})


def with_shapes(content: bytes, shapes: Mapping[int, Shape]) -> bytes:
    """Return a file with other shapes in its first graph, and 1 for each size that is left open.

    Args:
        content: a `.tflite` file's bytes.
        shapes: by tensor.
    """
    model = graph.parse(content)
    tensors = [tensor for subgraph in model.subgraphs for tensor in subgraph.tensors]
    if not shapes and all(tensor.shapeSignature is None for tensor in tensors):
        return content
    for tensor in tensors:
        tensor.shapeSignature = None
    for index, tensor in enumerate(model.subgraphs[0].tensors):
        if index in shapes and tensor.shape is not None:
            tensor.shape = list(shapes[index])
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))
