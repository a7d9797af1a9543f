"""The runtimes that run a `.tflite` file on this machine, behind one small interface."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from models.preprocessing.tensors import TensorSpec


class RuntimeUnavailableError(Exception):
    """The runtime is not installed; the message is one line that says how to get it."""


class LoadedModel:
    """A model in a runtime's interpreter, its tensors allocated, ready to be invoked.

    Attributes:
        interpreter: the runtime's own `Interpreter`.
        input: the model's first input.
        output: the model's first output.
        invoke: the interpreter's own bound method, so that timing it times nothing else.
    """

    def __init__(self, interpreter: Any):
        interpreter.allocate_tensors()
        self.interpreter = interpreter
        self.input = TensorSpec.from_details(interpreter.get_input_details()[0])
        self.output = TensorSpec.from_details(interpreter.get_output_details()[0])
        self.invoke = interpreter.invoke

    def set_input(self, elements: np.ndarray) -> None:
        """Copy elements of the input's shape and dtype into the interpreter."""
        self.interpreter.set_tensor(self.input.index, elements)

    def raw_output(self) -> np.ndarray:
        """Return a copy of the output's elements, in its own shape and dtype."""
        return self.interpreter.get_tensor(self.output.index)

    def classify(self, pixels: np.ndarray) -> int:
        """Classify one picture: what the study times.

        Args:
            pixels: what the input takes, in its shape with or without the batch dimension:
                RGB in 0..255 of any dtype for the models of this project.

        Returns:
            The index of the likeliest class.
        """
        self._answer(pixels)
        return int(self.raw_output().argmax())

    def predict(self, pixels: np.ndarray) -> np.ndarray:
        """Return the real values of the output (class probabilities): float32, one dimension.

        The argument is that of `classify`.
        """
        self._answer(pixels)
        return self.output.dequantise(self.raw_output()).ravel()

    def _answer(self, pixels: np.ndarray) -> None:
        elements = pixels.reshape(self.input.shape)
        if elements.dtype != self.input.dtype:
            elements = self.input.quantise(elements)
        self.set_input(elements)
        self.invoke()


@dataclass(frozen=True)
class Runtime:
    """A Python package with a TensorFlow Lite interpreter.

    Attributes:
        name: its name on the command line and in ids.
        distribution: what pip calls it.
        module: the module that has `Interpreter`.
    """

    name: str
    distribution: str
    module: str

    @property
    def is_available(self) -> bool:
        """Whether the package is installed."""
        return importlib.util.find_spec(self.module.partition(".")[0]) is not None

    @property
    def version(self) -> str:
        """The installed version, such as "2.14.0"."""
        return importlib.metadata.version(self.distribution)

    def import_module(self) -> ModuleType:
        """Import the package.

        Raises:
            RuntimeUnavailableError: it is not installed, or TensorFlow was imported before it
                (see `preload`).
        """
        if not self.is_available:
            raise RuntimeUnavailableError(
                f"runtime {self.name} is not installed: pip install {self.distribution}"
            )
        if self.module not in sys.modules and sys.modules.get("tensorflow"):
            raise RuntimeUnavailableError(
                f"runtime {self.name} would run TensorFlow's kernels, for TensorFlow was imported "
                "before it: call models.running.runtimes.preload() first"
            )
        return importlib.import_module(self.module)

    def load(
        self, model: Path | bytes, threads: int = 1, **interpreter_options: Any
    ) -> LoadedModel:
        """Load a model and allocate its tensors, with XNNPACK as the runtime has it by default.

        A damaged file can crash the process in native code: `models.running.probe` finds that out
        in another one.

        Args:
            model: a `.tflite` file's path or content.
            threads: number of threads of the interpreter.
            interpreter_options: passed on to the runtime's `Interpreter`.

        Raises:
            RuntimeUnavailableError: as for `import_module`.
            ValueError, RuntimeError: the runtime refused the model.
        """
        source = (
            {"model_content": model} if isinstance(model, bytes) else {"model_path": str(model)}
        )
        interpreter = self.import_module().Interpreter(
            **source, num_threads=threads, **interpreter_options
        )
        return LoadedModel(interpreter)


RUNTIMES: dict[str, Runtime] = {
    runtime.name: runtime
    for runtime in (
        Runtime("litert", "ai-edge-litert", "ai_edge_litert.interpreter"),
        Runtime("tflite-runtime", "tflite-runtime", "tflite_runtime.interpreter"),
    )
}


def preload() -> None:
    """Import the native parts of every installed runtime.

    It must come before TensorFlow is imported in the same process: TensorFlow's libraries are
    loaded with global symbols, and a tflite-runtime that is loaded after them binds to
    TensorFlow's kernels in place of its own, without a word.
    """
    for runtime in available():
        runtime.import_module()


def available() -> list[Runtime]:
    """Return the runtimes that are installed, in the table's order."""
    return [runtime for runtime in RUNTIMES.values() if runtime.is_available]
