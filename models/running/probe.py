"""Running a `.tflite` file of unknown origin in a child process first, on the very input that is
measured afterwards. A file can crash a runtime in native code, or keep it busy for ever; then the
child ends, not the caller.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from models.files.artifacts import ArtifactError, user_model
from models.files.details import read_details
from models.files.graph import GraphError
from models.files.obstacles import obstacle, open_sizes
from models.running.child_process import CANNOT_RUN, run_apart
from models.running.loaded_model import CannotRunError
from models.running.runtimes import RUNTIMES, Runtime
from models.running.samples import fill, nan_remark

TIMEOUT_S = 60
COMMAND = [sys.executable, "-m", "models.running.probe"]

MOST_CHARACTERS = 250
"""Of what a runtime says: some say it twice."""

_LACKS_OPERATOR = (
    "unresolved custom op",
    "Didn't find op for builtin opcode",
    "Select TensorFlow op",
    "Regular TensorFlow ops are not supported",
)
"""What runtimes say of a sound file whose operators they do not have, or not in its version."""


def probe(
    path: Path,
    runtime: Runtime,
    *,
    threads: int = 1,
    input_shapes: Sequence[tuple[int, ...]] = (),
) -> str | None:
    """Check a file, then load it in a child process and invoke it twice on its samples.

    Args:
        path: the file.
        runtime: what loads it.
        threads, input_shapes: as for `Runtime.load`.

    Returns:
        A remark on the answers, such as that they are NaN; None where there is none.

    Raises:
        CannotRunError: the file is sound and cannot be run here, such as one that takes text, is
            compiled for another processor, leaves the size of a picture open, or has fewer inputs
                than there are shapes.
        ArtifactError: the file is damaged, or the runtime refused it, crashed on it, or takes
            more than `TIMEOUT_S` seconds.
    """
    try:
        details = read_details(user_model(path).read_bytes())
    except GraphError as error:
        raise ArtifactError(f"{path}: {error}") from None
    if len(input_shapes) > len(details.inputs):
        raise CannotRunError(
            f"{path}: {len(input_shapes)} input shapes are named, and it has "
            f"{len(details.inputs)} inputs"
        )
    opened = [open_sizes(tensor) for tensor in details.inputs[len(input_shapes) :]]
    reason = obstacle(details) or next(filter(None, opened), None)
    if reason:
        raise CannotRunError(f"{path}: {reason}")
    shapes = ["x".join(map(str, shape)) for shape in input_shapes]
    command = [*COMMAND, runtime.name, str(path.resolve()), str(threads), *shapes]
    answer = run_apart(command, path=path, who=runtime.name, timeout_s=TIMEOUT_S)
    return json.loads(answer)


def _main(runtime_name: str, path: str, threads: str, *shapes: str) -> int:
    try:
        sizes = [tuple(map(int, shape.split("x"))) for shape in shapes]
        model = RUNTIMES[runtime_name].load(Path(path), int(threads), sizes)
        for _ in range(2):
            fill(model)
            model.invoke()
        print(json.dumps(nan_remark(model.raw_outputs())))
    except CannotRunError as error:
        return _end(CANNOT_RUN, error)
    except (ValueError, RuntimeError, IndexError, TypeError, MemoryError) as error:
        custom = read_details(Path(path).read_bytes()).custom_operators
        if custom:
            return _end(CANNOT_RUN, f"it has the custom operator {', '.join(custom)}: {error}")
        lacks = any(text in str(error) for text in _LACKS_OPERATOR)
        return _end(CANNOT_RUN if lacks else 1, error)
    return 0


def _end(status: int, reason: object) -> int:
    text = textwrap.shorten(str(reason), MOST_CHARACTERS, placeholder=" ...")
    print(text or type(reason).__name__, file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
