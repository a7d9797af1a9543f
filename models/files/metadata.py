"""What a `.tflite` file's own metadata says of its pictures and its classes.

Source: TensorFlow Lite's metadata_schema.fbs (tflite-support), file identifier M001: a FlatBuffer
in the model's buffer "TFLITE_METADATA", and the files that it names in a zip archive behind the
model. Only the fields below are read, by their place in the schema.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flatbuffers import number_types
from flatbuffers.encode import Get
from flatbuffers.packer import uoffset
from flatbuffers.table import Table

from models.data.photographs import labels_of
from models.preprocessing import Normalisation
from models.preprocessing.tensors import TensorSpec

_NORMALISATION = 1
"""Of the union ProcessUnitOptions."""

MOST_LABEL_BYTES = 4 << 20
"""Of labels, unpacked: those of ImageNet's 21,841 classes take 1 MB at most."""

_LABELS = (2, 3)
"""AssociatedFileType: labels of a tensor's axis, or of its values."""


@dataclass(frozen=True)
class Metadata:
    """What is told; nothing where a file has no metadata, or none that can be read.

    Attributes:
        labels: names of the classes, in the order of the first output; empty if not told.
        mean: subtracted from grey levels 0..255; one number, or one a channel; empty if not told.
        std: what the difference is divided by; as `mean`.
        fault: why labels that the file has cannot be read; empty where they can.
    """

    labels: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    fault: str = ""


def metadata_of(model: Any, content: bytes) -> Metadata:
    """Read the metadata of a file: of what `graph.parse` made of it, and the labels behind it."""
    for entry in model.metadata or []:
        if entry.name == b"TFLITE_METADATA":
            try:
                return _read(bytes(model.buffers[entry.buffer].data), content)
            except (struct.error, LookupError, TypeError, ValueError):
                return Metadata()
    return Metadata()


def normalisation_of(told: Metadata, spec: TensorSpec) -> Normalisation:
    """Return what a file's first input wants for grey levels, by the best of what tells it.

    The quantisation of an 8-bit input goes first: it says what each element stands for, and the
    metadata of such a file often speaks of the float model that it was made from. Then comes the
    metadata, then an assumption, which has a `warning`.
    """
    by_input = Normalisation.of_input(spec)
    if by_input.told_by == "assumption" and told.mean and told.std:
        return Normalisation(told.mean, told.std, "metadata")
    return by_input


def _read(data: bytes, content: bytes) -> Metadata:
    root = Table(data, Get(uoffset, data, 0))
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    fault = ""
    for subgraph in _tables(root, 3):
        for tensor in list(_tables(subgraph, 2))[:1]:
            for unit in _tables(tensor, 4):
                if _byte(unit, 0) == _NORMALISATION:
                    options = Table(unit.Bytes, unit.Indirect(unit.Pos + unit.Offset(6)))
                    mean, std = _floats(options, 0), _floats(options, 1)
        for tensor in list(_tables(subgraph, 3))[:1]:
            for file in _tables(tensor, 6):
                if _byte(file, 2) in _LABELS and not labels:
                    labels, fault = _packed_labels(content, _string(file, 0))
        break  # the first graph is what runs
    return Metadata(labels, mean, std, fault)


def _field(table: Table, place: int) -> int:
    """Return where a field is, from its place in the schema; 0 if it is absent."""
    offset = table.Offset(4 + 2 * place)
    return offset and table.Pos + offset


def _tables(table: Table, place: int) -> Iterator[Table]:
    """Go through a vector of tables."""
    if _field(table, place):
        offset = table.Offset(4 + 2 * place)
        start = table.Vector(offset)
        for number in range(table.VectorLen(offset)):
            yield Table(table.Bytes, table.Indirect(start + 4 * number))


def _floats(table: Table, place: int) -> tuple[float, ...]:
    if not _field(table, place):
        return ()
    offset = table.Offset(4 + 2 * place)
    start = table.Vector(offset)
    return tuple(
        table.Get(number_types.Float32Flags, start + 4 * number)
        for number in range(table.VectorLen(offset))
    )


def _byte(table: Table, place: int) -> int:
    position = _field(table, place)
    return table.Get(number_types.Uint8Flags, position) if position else 0


def _string(table: Table, place: int) -> str:
    position = _field(table, place)
    return table.String(position).decode("utf-8") if position else ""


def _packed_labels(content: bytes, name: str) -> tuple[tuple[str, ...], str]:
    """Return the labels of a file in the archive, and why there are none."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(name) as file:
            text = file.read(MOST_LABEL_BYTES + 1)
        if len(text) > MOST_LABEL_BYTES:
            return (), f"its labels in {name} take more than {MOST_LABEL_BYTES:,} bytes"
        return labels_of(text), ""
    except (KeyError, zipfile.BadZipFile):
        return (), ""  # they are not there
    except (UnicodeDecodeError, zlib.error, EOFError, RuntimeError) as error:
        return (), f"its labels in {name} cannot be read ({error})"
