"""Which files a test asks: one of each kind of the committed ones, and those of the study."""

import pytest

from bench.results.rows import is_of_the_study
from models.files.artifacts import Artifact, artifact

one_float_one_int8 = pytest.mark.parametrize(
    "tflite_model",
    [artifact("mobilenet_v2", "float32"), artifact("patch_separable", "int8")],
    ids=lambda file: file.name,
    indirect=True,
)


def skip_unless_of_the_study(model: Artifact) -> None:
    """Skip what fruit alone is held to."""
    accuracy = model.require_card().accuracy
    if not is_of_the_study(accuracy.fingerprint):
        pytest.skip(f"it was judged on {accuracy.images:,} pictures that are not the study's")
