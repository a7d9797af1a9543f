"""Labels and normalisation from a file's own metadata."""

import io
import tracemalloc
import zipfile

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from models.files.artifacts import artifact
from models.files.graph import parse
from models.files.metadata import Metadata, metadata_of, normalisation_of
from models.preprocessing.tensors import TensorSpec
from tests.models.small_files import colour_classifier

NORMALISATION, SCORE_THRESHOLD = 1, 3
AXIS_LABELS, VOCABULARY = 2, 5


def table(builder, *fields):
    """Write a table; a field is (place, method, value, default)."""
    builder.StartObject(10)
    for place, method, value, default in fields:
        getattr(builder, f"Prepend{method}Slot")(place, value, default)
    return builder.EndObject()


def offsets(builder, items):
    builder.StartVector(4, len(items), 4)
    for item in reversed(items):
        builder.PrependUOffsetTRelative(item)
    return builder.EndVector()


def floats(builder, values):
    return builder.CreateNumpyVector(np.array(values, np.float32))


def metadata(mean, std, label_file="labels.txt", kind=AXIS_LABELS, unit=NORMALISATION):
    """Write ModelMetadata by the schema, independently of the reader."""
    builder = flatbuffers.Builder()
    means, stds = floats(builder, mean), floats(builder, std)
    options = table(builder, (0, "UOffsetTRelative", means, 0), (1, "UOffsetTRelative", stds, 0))
    step = table(builder, (0, "Uint8", unit, 0), (1, "UOffsetTRelative", options, 0))
    steps = offsets(builder, [step])
    taken = table(builder, (4, "UOffsetTRelative", steps, 0))
    name = builder.CreateString(label_file)
    file = table(builder, (0, "UOffsetTRelative", name, 0), (2, "Int8", kind, 0))
    files = offsets(builder, [file])
    given = table(builder, (6, "UOffsetTRelative", files, 0))
    inputs, outputs = offsets(builder, [taken]), offsets(builder, [given])
    graph = table(builder, (2, "UOffsetTRelative", inputs, 0), (3, "UOffsetTRelative", outputs, 0))
    graphs = offsets(builder, [graph])
    root = table(builder, (3, "UOffsetTRelative", graphs, 0))
    builder.Finish(root, b"M001")
    return bytes(builder.Output())


def with_metadata(data, labels="red\ngreen\nblue\n", compression=zipfile.ZIP_STORED):
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(colour_classifier()))
    entry, buffer = schema.MetadataT(), schema.BufferT()
    entry.name, entry.buffer = "TFLITE_METADATA", len(model.buffers)
    buffer.data = np.frombuffer(data, np.uint8)
    model.metadata = [entry]
    model.buffers.append(buffer)
    for code in model.operatorCodes:
        code.customCode = None
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", compression) as file:
        file.writestr("labels.txt", labels)
    return bytes(builder.Output()) + archive.getvalue()


def read_metadata(content):
    return metadata_of(parse(content), content)


def test_labels_and_normalisation_are_read():
    content = with_metadata(metadata([127.5], [127.5]))
    assert read_metadata(content) == Metadata(("red", "green", "blue"), (127.5,), (127.5,))


def test_each_channel_may_have_its_own_numbers():
    found = read_metadata(with_metadata(metadata([1, 2, 3], [4, 5, 6])))
    assert (found.mean, found.std) == ((1, 2, 3), (4, 5, 6))


def test_other_steps_and_other_files_are_passed_over():
    content = with_metadata(metadata([1], [2], kind=VOCABULARY, unit=SCORE_THRESHOLD))
    assert read_metadata(content) == Metadata()


@pytest.mark.parametrize("data", [b"", b"\xff" * 40, metadata([1], [1])[:60]])
def test_metadata_that_cannot_be_read_tells_nothing(data):
    assert read_metadata(with_metadata(data)) == Metadata()


def test_labels_that_are_not_in_the_file_leave_the_rest():
    content = with_metadata(metadata([1], [1], "absent.txt"))
    assert read_metadata(content) == Metadata((), (1,), (1,))


def test_labels_in_a_damaged_archive_leave_the_rest():
    content = bytearray(with_metadata(metadata([1], [1]), compression=zipfile.ZIP_DEFLATED))
    header = content.index(b"PK\x03\x04")
    content[header + 30 + len("labels.txt")] = 0xFF  # no kind of block that deflate knows
    told = read_metadata(bytes(content))
    assert (told.labels, told.mean, told.std) == ((), (1,), (1,))
    assert "labels in labels.txt cannot be read" in told.fault


def test_labels_of_a_locked_archive_are_told():
    content = bytearray(with_metadata(metadata([1], [1])))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1  # "encrypted"
    assert "is encrypted" in read_metadata(bytes(content)).fault


def test_labels_are_read_by_the_rules_of_a_file_of_them():
    content = with_metadata(metadata([1], [1]), labels="\ufeff0 red\n1 green\n2 blue\n\n")
    assert read_metadata(content).labels == ("red", "green", "blue")


def test_labels_that_unpack_to_a_flood_are_not_unpacked():
    content = with_metadata(metadata([1], [1]), "a\n" * 20_000_000, zipfile.ZIP_DEFLATED)
    tracemalloc.start()
    told = read_metadata(content)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "take more than 4,194,304 bytes" in told.fault
    assert peak_bytes < 20e6 + len(content)


def test_the_quantisation_goes_before_the_metadata_before_an_assumption():
    told = with_metadata(metadata([127.5], [127.5]))
    floats = TensorSpec(0, (1, 8, 8, 3), np.dtype("float32"))
    found = normalisation_of(read_metadata(told), floats)
    assert (found.mean, found.std, found.told_by) == ((127.5,), (127.5,), "metadata")
    assert normalisation_of(Metadata(), floats).told_by == "assumption"
    levels = TensorSpec(0, (1, 8, 8, 3), np.dtype("uint8"), 1 / 127.5, 128)
    assert normalisation_of(read_metadata(told), levels).told_by == "quantisation"


def test_the_projects_files_have_none():
    assert artifact("alexnet", "int8").metadata == Metadata()
