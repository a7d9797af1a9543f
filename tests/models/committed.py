"""Which committed files a test asks that would say nothing new of the others."""

from __future__ import annotations

import pytest

from models.files.artifacts import artifact

one_float_one_int8 = pytest.mark.parametrize(
    "tflite_model",
    [artifact("mobilenet_v2", "float32"), artifact("patch_separable", "int8")],
    ids=lambda file: file.name,
    indirect=True,
)
