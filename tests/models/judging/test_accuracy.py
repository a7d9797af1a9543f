"""The accuracy claim: in three links without the photographs, live where they are."""

import numpy as np
import pytest
from PIL import Image

from models import zoo
from models.data.canary_images import fingerprint
from models.data.fruits360 import SMALLEST_ACCEPTED_ACCURACY
from models.data.photographs import Photographs
from models.files.artifacts import artifact
from models.files.cards import Canary, Share
from models.judging import evaluation, robustness
from models.judging.evaluation import measure_accuracy, predict_all
from models.preprocessing import PreprocessingError
from models.running.runtimes import RUNTIMES
from tests.models.committed import one_float_one_int8, skip_unless_of_the_study
from tests.models.small_files import colour_classifier

TEST_PHOTOGRAPHS = 3_358
LARGEST_INT8_LOSS = 0.002
CANARY_FINGERPRINT = "34c97b59715db3536191c142bb1de2948a2f4ccdb9d84b8ab9aa0d08a9fbe149"
"""Written down once: another NumPy or machine must draw the same pixels, or no card is checked."""

CANARY_TOLERANCE = {"float32": 1e-4, "float16": 1e-3, "dynamic": 0.05, "int8": 0.05}
"""Of a probability between two machines or runtimes. Float kernels differ by rounding; integer
kernels by a step of the output, 1/256, times what a step inside the network makes of it."""


def _smallest_accepted(architecture: str) -> float:
    return max(SMALLEST_ACCEPTED_ACCURACY, zoo.find(architecture).bounds.accuracy)


@pytest.fixture
def ours(tflite_model):
    if tflite_model.card is None:
        pytest.skip("a user's own model has no accuracy to prove")
    return tflite_model


def test_the_cards_accuracy_passes(ours):
    skip_unless_of_the_study(ours)
    accuracy = ours.card.accuracy
    assert accuracy.images == TEST_PHOTOGRAPHS
    assert accuracy.fraction >= _smallest_accepted(ours.architecture)


def test_int8_loses_at_most_two_tenths_of_a_point(architecture):
    loss = (
        artifact(architecture.name, "float32").require_card().accuracy.fraction
        - artifact(architecture.name, "int8").require_card().accuracy.fraction
    )
    assert loss <= LARGEST_INT8_LOSS


def test_every_machine_draws_the_same_canary_images(canary_images):
    assert fingerprint(canary_images) == CANARY_FINGERPRINT


def _difference(one: Canary, other: Canary) -> float:
    """Return the largest difference of a probability; below it two classes may change places."""
    assert one.fingerprint == other.fingerprint
    return np.abs(np.subtract(one.probabilities, other.probabilities)).max()


def test_this_machines_runtime_gives_the_recorded_answers(ours, interpreter, canary_images):
    answers, recorded = evaluation.canary(interpreter, canary_images), ours.card.canary
    assert _difference(recorded, answers) <= CANARY_TOLERANCE[ours.precision]
    assert recorded.top1 == tuple(np.argmax(recorded.probabilities, axis=1))


@one_float_one_int8
def test_another_models_answers_are_noticed(interpreter, ours, canary_images):
    """The canary check can fail: each file's answers tell it from every other network's."""
    answers = evaluation.canary(interpreter, canary_images)
    for name in zoo.ARCHITECTURES:
        if name != ours.architecture:
            other = artifact(name, ours.precision).require_card().canary
            assert _difference(other, answers) > CANARY_TOLERANCE[ours.precision]


def test_a_damaged_photograph_is_named(tmp_path):
    path = tmp_path / "torn.jpg"
    path.write_bytes(b"no picture")
    model = RUNTIMES["litert"].load(artifact("patch_separable", "int8").path)
    asked = Photographs(tmp_path, ("torn.jpg",), np.array([0]), ("torn",), ("plum",))
    for ask in (
        lambda: predict_all(model, [path]),
        lambda: robustness.measure({"m": model}, asked),
    ):
        with pytest.raises(PreprocessingError, match=r"torn\.jpg: not a picture"):
            ask()


def test_measured_accuracy_names_the_pictures_it_is_of(tmp_path):
    """Two of three: green is taken for blue."""
    files = ("red.png", "green.png", "blue.png")
    for file, colour in zip(files, ("red", "blue", "blue"), strict=True):
        Image.new("RGB", (9, 9), colour).save(tmp_path / file)
    asked = Photographs(tmp_path, files, np.arange(3), files, ("red", "green", "blue"))
    model = RUNTIMES["litert"].load(colour_classifier())
    assert measure_accuracy(model, asked) == Share(2, 3, asked.fingerprint)


@pytest.mark.parametrize(
    ("stated", "measured", "may"),
    [
        (Share(39, 39), Share(38, 39), True),
        (Share(39, 39), Share(30, 39), False),
        (Share(9_900, 10_000), Share(9_890, 10_000), True),
        (Share(9_900, 10_000), Share(9_800, 10_000), False),
        (Share(39, 39), Share(40, 40), False),
    ],
)
def test_a_few_answers_of_another_runtime_are_no_other_accuracy(stated, measured, may):
    """What a card says holds within its interval: a few answers differ between kernels."""
    assert stated.may_be(measured) == may


def test_accuracy_measured_here_passes_and_is_the_cards(ours, interpreter, photographs):
    skip_unless_of_the_study(ours)
    measured = measure_accuracy(interpreter, photographs)
    assert measured.images == TEST_PHOTOGRAPHS
    assert measured.fraction >= _smallest_accepted(ours.architecture)
    assert measured.fingerprint == ours.card.accuracy.fingerprint
    assert measured.fraction == pytest.approx(ours.card.accuracy.fraction, abs=0.001)
