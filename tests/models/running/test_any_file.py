"""Files of others: several inputs, none, open sizes, text, other processors, and worse."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools.flatbuffer_utils import convert_object_to_bytearray

from models.files.artifacts import ArtifactError
from models.files.graph import parse, read_details
from models.files.obstacles import obstacle
from models.preprocessing.tensors import TensorSpec
from models.running import probe as probing
from models.running.loaded_model import CannotRunError
from models.running.probe import probe
from models.running.runtimes import RUNTIMES
from models.running.samples import difference, fill, nan_remark, sample_elements
from tests.models.small_files import Tensor, one_operator, small_file, stream, write

ONE, TWO, OUT = Tensor("one"), Tensor("two"), Tensor("out")
SUM = small_file([ONE, TWO, OUT], [("ADD", [0, 1], [2])], [0, 1], [2])
CONSTANT = Tensor("constant", values=np.arange(4, dtype=np.float32))
NO_INPUT = small_file([CONSTANT, OUT], [("NEG", [0], [1])], [], [1])
TWO_OUTPUTS = small_file([ONE, TWO, OUT], [("NEG", [0], [1]), ("ABS", [0], [2])], [0], [1, 2])
ROOT_OF_NEGATIVE = one_operator("SQRT", Tensor("many", (1, 64)))
BATCH = one_operator("NEG", Tensor("pictures", (4, 8, 8, 3)))
OPEN = one_operator("NEG", Tensor("picture", (1, -1, -1, 3)))
OPEN_BATCH = one_operator("NEG", Tensor("picture", (-1, 4)))
TEXT = one_operator("Lookup", Tensor("text", (1,), "string"), OUT)


def endless() -> bytes:
    """WHILE whose condition is always true."""
    flag = Tensor("flag", (1,), "bool", np.array([True]))
    number = Tensor("number", (1,), "float32")
    options = schema.WhileOptionsT()
    options.condSubgraphIndex, options.bodySubgraphIndex = 1, 2
    return write(
        [
            ([number, number], [("WHILE", [0], [1])], [0], [1]),
            ([number, flag], [], [0], [1]),
            ([number, number], [("NEG", [0], [1])], [0], [1]),
        ],
        {"WHILE": (schema.BuiltinOptions.WhileOptions, options)},
    )


@pytest.fixture(params=list(RUNTIMES))
def any_runtime(request):
    runtime = RUNTIMES[request.param]
    if not runtime.is_available:
        pytest.skip(f"{runtime.name} is not installed")
    return runtime


@pytest.mark.parametrize(
    "content",
    [SUM, NO_INPUT, TWO_OUTPUTS, BATCH, OPEN_BATCH],
    ids=["two inputs", "no input", "two outputs", "batch of 4", "open batch"],
)
def test_sound_files_run(file, any_runtime, content):
    assert probe(file(content), any_runtime).remark is None


def test_every_input_is_filled_each_with_something_else(any_runtime):
    model = any_runtime.load(SUM)
    fill(model)
    model.invoke()
    one, two = (sample_elements(spec, number) for number, spec in enumerate(model.inputs))
    assert np.abs(one - two).max() > 0.1
    np.testing.assert_allclose(model.raw_output(), one + two, rtol=1e-6)


def test_every_output_is_read(any_runtime):
    model = any_runtime.load(TWO_OUTPUTS)
    fill(model)
    model.invoke()
    (given,) = (sample_elements(spec) for spec in model.inputs)
    assert difference(model.raw_outputs(), [-given, np.abs(given)]) is None
    assert difference(model.raw_outputs(), [given, given]) == "output 0 differs in 4 of 4 values"


def test_a_model_without_input_says_so(any_runtime):
    model = any_runtime.load(NO_INPUT)
    fill(model)
    model.invoke()
    assert model.raw_output().ravel().tolist() == [-0.0, -1, -2, -3]
    with pytest.raises(CannotRunError, match="has no input"):
        _ = model.input


def test_open_sizes_are_told_not_guessed(file, any_runtime):
    path = file(OPEN)
    with pytest.raises(
        CannotRunError, match=r"'picture' open \(1x\?x\?x3 float32\).*--input-shape"
    ):
        probe(path, any_runtime)
    assert probe(path, any_runtime, input_shapes=[(1, 5, 6, 3)]).outputs == ["1x5x6x3 float32"]
    model = any_runtime.load(OPEN, input_shapes=[(1, 5, 6, 3)])
    assert model.input.shape == (1, 5, 6, 3)
    fill(model)
    model.invoke()
    assert model.raw_output().shape == (1, 5, 6, 3)


def test_nan_equals_nan_and_is_told(file, any_runtime):
    remark = probe(file(ROOT_OF_NEGATIVE), any_runtime).remark
    assert remark is not None
    assert remark.startswith("NaN: ")
    assert remark.endswith("of 64 values of output 0")
    model = any_runtime.load(ROOT_OF_NEGATIVE)
    answers = []
    for _ in range(2):
        fill(model)
        model.invoke()
        answers.append(model.raw_outputs())
    assert difference(*answers) is None
    assert nan_remark(answers[0]) == remark


def test_the_state_of_a_model_is_set_back(runtime):
    """Without that the next answer goes on from the one before."""
    model = runtime.load(accumulator())
    answers = []
    for _ in range(2):
        fill(model)
        model.invoke()
        answers.append(model.raw_outputs())
    model.invoke()
    assert difference(*answers) is None
    assert difference(answers[0], model.raw_outputs()) is not None


def accumulator() -> bytes:
    """An SVDF layer: its state holds what went in before."""
    ones = np.ones((2, 4), np.float32)
    tensors = [
        Tensor("in", (1, 4)),
        Tensor("features", (2, 4), values=ones),
        Tensor("time", (2, 3), values=np.ones((2, 3), np.float32)),
        Tensor("state", (1, 6), is_variable=True),
        Tensor("out", (1, 2)),
    ]
    options = schema.SVDFOptionsT()
    options.rank = 1
    return write(
        [(tensors, [("SVDF", [0, 1, 2, -1, 3], [4])], [0], [4])],
        {"SVDF": (schema.BuiltinOptions.SVDFOptions, options)},
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (TEXT, "takes text"),
        (one_operator("edgetpu-custom-op"), "compiled for an Edge TPU"),
        (one_operator("DISPATCH_OP"), "compiled for an NPU"),
        (one_operator("FlexErf"), r"Select TF ops, such as FlexErf"),
        (one_operator("MyOwn"), "MyOwn"),
    ],
    ids=["text", "Edge TPU", "NPU", "flex", "custom"],
)
def test_what_cannot_run_here_is_not_called_damaged(file, any_runtime, content, reason):
    with pytest.raises(CannotRunError, match=reason) as caught:
        probe(file(content), any_runtime)
    message = str(caught.value)
    assert "damaged" not in message
    assert "\n" not in message
    assert len(message) < 400


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n", "git lfs pull"),
        (SUM[:200], "damaged: not a readable"),
        (b"PK\x03\x04 a zip", "not a .tflite file"),
    ],
    ids=["LFS pointer", "cut", "zip"],
)
def test_damage_is_called_what_it_is(file, content, reason):
    with pytest.raises(ArtifactError, match=reason) as caught:
        probe(file(content), RUNTIMES["litert"])
    assert not isinstance(caught.value, CannotRunError)


def test_a_model_that_does_not_end_is_ended(file, monkeypatch):
    """By the time that it keeps a processor busy: other work may take the clock's."""
    monkeypatch.setattr(probing, "TIMEOUT_S", 2)
    monkeypatch.setattr(probing, "PATIENCE", 100)
    with pytest.raises(ArtifactError, match="litert takes more than 2 s on it"):
        probe(file(endless()), RUNTIMES["litert"])


def test_where_our_sample_is_refused_the_file_is_not_blamed(file, any_runtime):
    tensors = [Tensor("x"), Tensor("new shape", (2,), "int32"), Tensor("y", (-1, -1))]
    content = small_file(tensors, [("RESHAPE", [0, 1], [2])], [0, 1], [2])
    with pytest.raises(CannotRunError, match="refuses this suite's sample of 'new shape', 0 and 1"):
        probe(file(content), any_runtime)


def test_a_state_that_one_interface_takes_none_of_is_told(file, monkeypatch):
    class Refusing:
        def __getattr__(self, name):
            raise RuntimeError("model_load.cc:511")

    package = RUNTIMES["litert-compiled"].import_module()
    monkeypatch.setattr(package, "CompiledModel", Refusing())
    with pytest.raises(CannotRunError, match="takes no model with a state"):
        RUNTIMES["litert-compiled"].load(accumulator())
    with pytest.raises(RuntimeError, match="model_load"):
        RUNTIMES["litert-compiled"].load(SUM)


def test_what_a_file_does_not_tell_is_unknown_and_it_runs(file, any_runtime):
    """No rank, as converters leave that of a picture of any size, and no table of buffers."""
    rankless = one_operator("NEG", ONE, Tensor("out", None))
    details = read_details(rankless)
    assert (details.bytes_moved, details.multiply_accumulates) == (None, 0)
    assert probe(file(rankless), any_runtime).outputs == ["1x4 float32"]
    model = parse(SUM)
    model.buffers = None
    bare = bytes(convert_object_to_bytearray(model))
    assert read_details(bare).operators == {"ADD": 1}


def test_all_that_a_delegate_takes_is_counted():
    """What is assigned to a variable is no output of any operator."""
    (taken,) = RUNTIMES["litert"].load(stream()).delegated_partitions()
    assert taken == 4  # all but the call that runs once


def test_an_index_that_comes_from_the_input_is_one_that_fits(file):
    """Of one that lies outside native code may die."""
    tensors = [
        Tensor("indices", (1, 1), "int32"),
        Tensor("shape", (1,), "int32", np.array([1], np.int32)),
        Tensor("values", (1,)),
        Tensor("default", (), values=np.zeros((), np.float32)),
        Tensor("out", (1,)),
    ]
    path = file(small_file(tensors, [("SPARSE_TO_DENSE", [0, 1, 2, 3], [4])], [0, 2], [4]))
    assert probe(path, RUNTIMES["litert"]).remark is None  # the sample's index is one that fits


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [
        ("int8", -128, 127), ("uint8", 0, 255), ("int16", -32_768, 32_767), ("int32", 0, 1),
        ("int64", 0, 1), ("bool", 0, 1), ("float32", -1, 1),
    ],
)  # fmt: skip
def test_samples_suit_the_dtype(dtype, low, high):
    spec = TensorSpec(0, (1, 5_000), np.dtype(dtype), 0.5 if dtype == "int8" else 0.0, 3)
    elements = sample_elements(spec)
    assert (elements.shape, elements.dtype) == (spec.shape, spec.dtype)
    assert (elements == sample_elements(spec)).all()
    assert low <= elements.min() < low + (high - low) / 20 + 0.01
    assert high - (high - low) / 20 - 0.01 < elements.max() <= high
    # Nothing was clipped: no value is much more frequent than the others.
    _, counts = np.unique(elements, return_counts=True)
    assert counts.max() <= max(60, 2 * elements.size / len(counts))


@pytest.mark.parametrize(
    ("state", "said"), [("int8", "is for TensorFlow Lite Micro alone"), ("int16", "1x64 int8")]
)
def test_what_would_write_past_its_state_is_not_run(file, state, said):
    """LiteRT takes an SVDF's state for int16 without a look, and dies sooner or later."""
    tensors = [
        Tensor("x", (1, 96), "int8", scale=0.06),
        Tensor("features", (64, 96), "int8", np.ones((64, 96), np.int8), 0.01),
        Tensor("times", (64, 8), state, np.ones((64, 8), state), 0.015),
        Tensor("bias", (64,), "int32", np.zeros(64, np.int32), 0.012),
        Tensor("state", (1, 512), state, scale=0.8, is_variable=True),
        Tensor("y", (1, 64), "int8", scale=0.24),
    ]
    options = schema.SVDFOptionsT()
    options.rank, options.fusedActivationFunction = 1, schema.ActivationFunctionType.RELU
    told = {"SVDF": (schema.BuiltinOptions.SVDFOptions, options)}
    content = write([(tensors, [("SVDF", [0, 1, 2, 3, 4], [5])], [0], [5])], told)
    reason = obstacle(read_details(content)) or probe(file(content), RUNTIMES["litert"]).outputs[0]
    assert reason.partition(" (")[0] == said


def test_what_is_known_of_a_file_needs_no_runtime():
    details = read_details(BATCH)
    assert str(details.inputs[0]) == "4x8x8x3 float32"
    assert (details.operators, details.precision, details.parameters) == ({"NEG": 1}, "none", 0)
    assert obstacle(details) is None
    assert read_details(OPEN).inputs[0].shape == (1, -1, -1, 3)
