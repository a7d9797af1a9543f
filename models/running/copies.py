"""Copies of a file, with the shapes that a user gives, or with another of its graphs first.

A runtime's interpreter is told other shapes of its inputs. LiteRT's profiler and its benchmark tool
are not, and what is counted in a graph is counted by the shapes that stand in it. All of them run a
file's first graph, whatever its signatures say.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ai_edge_litert.tools import flatbuffer_utils

from models.files import graph
from models.files.artifacts import Artifact, ArtifactError, find_user_models
from models.running.probe import probe
from models.running.runtimes import RUNTIMES

RUNTIME = "litert"
Shape = tuple[int, ...]


SERVING = "serving_default"
"""What converters call the graph that is meant to be called."""


def user_files(
    names: Iterable[str], taken: Collection[str] = (), signature: str | None = None
) -> list[Artifact]:
    """As `find_user_models`, each file as `with_signature` has it."""
    return [with_signature(file, signature) for file in find_user_models(names, taken)]


def with_signature(file: Artifact, name: str | None = None) -> Artifact:
    """Return a file, or a copy of the same name whose first graph is that of a signature.

    The copy lasts as long as this process. A file that cannot be read is returned as it is. Where
    no signature is named it is `SERVING`, if a file has it, else that of the first graph.

    Raises:
        ArtifactError: it has no such signature.
    """
    try:
        details = file.details
    except ArtifactError:
        return file
    chosen = name or (SERVING if SERVING in details.signatures else details.signature)
    if chosen == details.signature:
        return file
    if chosen not in details.signatures:
        known = ", ".join(details.signatures) or "none"
        raise ArtifactError(f"{file.path}: has no signature {chosen!r}; it has: {known}")
    path = Path(tempfile.mkdtemp(dir=_folder()), file.path.name)
    path.write_bytes(_with_first(file.read_bytes(), chosen))
    return replace(file, path=path)


@functools.cache
def _folder() -> str:
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _with_first(content: bytes, name: str) -> bytes:
    """Return a file whose first graph, and first signature, is the one of that name."""
    model = graph.parse(content)
    number = dict(graph.signatures(model))[name]
    order = {0: number, number: 0}
    model.subgraphs[0], model.subgraphs[number] = model.subgraphs[number], model.subgraphs[0]
    for each in model.signatureDefs:
        each.subgraphIndex = order.get(each.subgraphIndex, each.subgraphIndex)
    model.signatureDefs.sort(key=lambda each: each.subgraphIndex != 0)
    for node in (node for each in model.subgraphs for node in each.operators or ()):
        for options in filter(None, (node.builtinOptions, node.builtinOptions2)):
            for key, value in vars(options).items():  # of loops, branches and calls
                if key.lower().endswith("subgraphindex") or key == "subgraph":
                    setattr(options, key, order.get(value, value))
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


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
    """Return what is known of a file with other input shapes; errors as for `shaped_copies`."""
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
    """Return a file whose first graph's tensors have other shapes, and 1 for each open size."""
    model = graph.parse(content)
    tensors = [tensor for subgraph in model.subgraphs for tensor in subgraph.tensors]
    first = model.subgraphs[0].tensors
    changed = {
        index: list(shape)
        for index, shape in shapes.items()
        if index < len(first)  # the rest is a runtime's own
        and list(shape) != ([] if first[index].shape is None else [*first[index].shape])
    }
    if not changed and all(tensor.shapeSignature is None for tensor in tensors):
        return content
    for tensor in tensors:
        tensor.shapeSignature = None
    for index, shape in changed.items():
        first[index].shape = shape
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))
