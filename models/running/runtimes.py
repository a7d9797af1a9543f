"""The runtimes that run a `.tflite` file on this machine, behind one small interface."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from models.files.graph import FileDetails
from models.running.loaded_model import CompiledModel, InterpretedModel, LoadedModel


class RuntimeUnavailableError(Exception):
    """The runtime is not installed; the message is one line that says how to get it."""


@dataclass(frozen=True)
class Runtime:
    """A Python package that runs `.tflite` files.

    Its module has an `Interpreter`, or, if it is a compiler, a `CompiledModel`; pip calls it by its
    distribution. It is taken where none is named if it is a default.
    """

    name: str
    distribution: str
    module: str
    is_compiler: bool = False
    is_default: bool = True

    @property
    def is_available(self) -> bool:
        """Whether the package is installed."""
        return importlib.util.find_spec(self.module.partition(".")[0]) is not None

    @property
    def version(self) -> str:
        """The installed version, such as "2.14.0"."""
        return importlib.metadata.version(self.distribution)

    def import_module(self) -> ModuleType:
        """Import the package, if it is installed and came before TensorFlow (see `preload`)."""
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
        self,
        model: Path | bytes,
        threads: int = 1,
        input_shapes: Sequence[tuple[int, ...]] = (),
        details: FileDetails | None = None,
    ) -> LoadedModel:
        """Load a model and allocate its tensors, with XNNPACK as the runtime has it by default.

        A damaged file can crash the process in native code: `models.running.probe` finds that out
        in another one.

        Args:
            model: a `.tflite` file's path or content.
            threads: number of threads.
            input_shapes: of the first inputs, where the file leaves sizes open; without them an
                open size is 1.
            details: of the file, where they are known: a runtime that tells no quantisation has
                the file parsed else.

        Raises:
            RuntimeUnavailableError: the package is not installed, or came after TensorFlow.
            CannotRunError: the runtime takes no such tensors.
            ValueError, RuntimeError: the runtime refused the model.
        """
        package = self.import_module()
        if self.is_compiler:
            return CompiledModel(package, model, threads, input_shapes, details)
        source = (
            {"model_content": model} if isinstance(model, bytes) else {"model_path": str(model)}
        )
        interpreter = package.Interpreter(**source, num_threads=threads)
        return InterpretedModel(interpreter, input_shapes)


RUNTIMES: dict[str, Runtime] = {
    runtime.name: runtime
    for runtime in (
        Runtime("litert", "ai-edge-litert", "ai_edge_litert.interpreter"),
        Runtime("tflite-runtime", "tflite-runtime", "tflite_runtime.interpreter"),
        Runtime("litert-compiled", "ai-edge-litert", "ai_edge_litert.compiled_model", True, False),
    )
}


def preload() -> None:
    """Import the native parts of every installed runtime.

    It must come before TensorFlow is imported in the same process: TensorFlow's libraries are
    loaded with global symbols, and a tflite-runtime that is loaded after them binds to
    TensorFlow's kernels in place of its own, without a word.
    """
    for runtime in RUNTIMES.values():
        if runtime.is_available:
            runtime.import_module()


def available() -> list[Runtime]:
    """Return the runtimes that are taken where none is named: installed ones, in order."""
    return [runtime for runtime in RUNTIMES.values() if runtime.is_default and runtime.is_available]
