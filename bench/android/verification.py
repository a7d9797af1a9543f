"""What a model is fed on the device, and whether it answers there as it does on the host."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bench.android.adb.errors import DeviceError
from bench.android.tool.delegation import ON_CPU
from bench.android.tool.program import FLEX, Tool
from models.files.artifacts import Artifact, ArtifactError
from models.running.loaded_model import LoadedModel
from models.running.probe import probe
from models.running.runtimes import available
from models.running.samples import IMAGE_SHAPE, sample_pixels

TOLERANCE = 0.01
"""How far a real value of the output may be off, as a share of the outputs' span.

Two processors round differently, which is 1e-6 of it in float32.
"""

COARSE_TOLERANCE = 0.05
"""The same where activations are rounded to 8 bits (a quantisation step is 1/256, and one layer's
goes on to the next), or a delegate computes in half precision, as GPUs do by default."""


@dataclass
class ModelInput:
    """One input for a model, and the host's answer; `ArtifactError` where it cannot run it."""

    artifact: Artifact

    def is_left_to(self, tool: Tool) -> bool:
        """Whether the host lacks operators of the model that a tool has: Flex, which no answer of
        the host's is there for."""
        operators = self.artifact.details.custom_operators
        return any(each.startswith("Flex") for each in operators) and FLEX in tool.content

    @cached_property
    def _model(self) -> LoadedModel:
        runtime = available()[0]
        if self.artifact.card is None:
            probe(self.artifact, runtime)  # it may crash the process that loads it
        try:
            return runtime.load(self.artifact.path)
        except (ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise ArtifactError(
                f"{self.artifact.path}: {runtime.name} refuses it ({reason})"
            ) from None

    @property
    def kind(self) -> str:
        """What it is, for the record."""
        return "canary image 0" if self._model.input.shape == IMAGE_SHAPE else "seeded noise"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the input, batch first."""
        return self._model.input.shape

    @cached_property
    def content(self) -> bytes:
        """The input's elements as the tool reads them from a file: the tensor's own layout."""
        spec = self._model.input
        pixels = sample_pixels(spec)
        elements = pixels if pixels.dtype == spec.dtype else spec.quantise(pixels)
        return np.ascontiguousarray(elements).tobytes()

    @cached_property
    def expected(self) -> np.ndarray:
        """The host's answer: float32, one dimension."""
        return self._model.predict(sample_pixels(self._model.input))

    def check(self, output: bytes, delegate: str = "cpu") -> dict[str, float | int]:
        """Compare the bytes of the first output tensor, as the tool wrote them, with the host's;
        return the label, and the largest difference as a share of the outputs' span."""
        spec = self._model.output
        expected_bytes = int(np.prod(spec.shape)) * spec.dtype.itemsize
        if len(output) < expected_bytes:
            raise DeviceError(
                f"the device wrote {len(output)} bytes of output, expected {expected_bytes}"
            )
        elements = np.frombuffer(output[:expected_bytes], spec.dtype)
        answer = spec.dequantise(elements)
        expected = self.expected
        span = max(1.0, float(np.ptp(expected))) if len(expected) else 1.0
        difference = float(np.max(np.abs(answer - expected))) / span
        is_exact = delegate in ON_CPU and self.artifact.precision in ("float32", "float16")
        tolerance = TOLERANCE if is_exact else COARSE_TOLERANCE
        label, expected_label = int(answer.argmax()), int(expected.argmax())
        # A tie may go either way; so the host's value of the device's label decides.
        margin = float(expected[expected_label] - expected[label]) / span
        if not difference <= tolerance or margin > tolerance:
            raise DeviceError(
                f"{self.artifact.name} answers class {label} on the device and class "
                f"{expected_label} on the host (largest difference {difference:.3g}, allowed "
                f"{tolerance:g})"
            )
        return {"label": label, "largest_difference": difference}
