"""Running a `.tflite` file of unknown origin in a child process first, on the very input that is
measured afterwards. A file can crash a runtime in native code, or keep it busy for ever; then the
child ends, not the caller.
"""

from __future__ import annotations

import json
import math
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

try:
    import resource
except ImportError:  # of Unix alone
    resource = None  # type: ignore[assignment]

from models import ROOT
from models.files.artifacts import Artifact, ArtifactError
from models.files.graph import read_details
from models.files.obstacles import obstacle, open_sizes
from models.running.loaded_model import CannotRunError
from models.running.runtimes import RUNTIMES, Runtime
from models.running.samples import fill, nan_remark

TIMEOUT_S = 60
"""Of a processor's time; of a clock's, `PATIENCE` times that: other work may slow this one down."""

PATIENCE = 5
COMMAND = [sys.executable, "-m", "models.running.probe"]

CANNOT_RUN = 3
"""The exit status by which a child says that the file is sound and cannot be run here."""

SMALL_BYTES = 2
"""Of whole numbers that stand for real ones; wider ones may be indices or a shape."""

MOST_CHARACTERS = 250
"""Of what a runtime says: some say it twice."""

_IS_LOG = re.compile(r"(INFO|WARNING): |\s*$")
"""What runtimes write beside their errors."""

_LACKS_OPERATOR = (
    "unresolved custom op",
    "Didn't find op for builtin opcode",
    "Select TensorFlow op",
    "Regular TensorFlow ops are not supported",
)
"""What runtimes say of a sound file whose operators they do not have, or not in its version."""


class Probed(NamedTuple):
    """What a file's first inferences show: a remark on the answers, such as that they are NaN, if
    there is one; shape and dtype of each output, of which a file does not tell all.
    """

    remark: str | None
    outputs: list[str]


def probe(
    file: Artifact, runtime: Runtime, *,
    threads: int = 1, input_shapes: Sequence[tuple[int, ...]] = (),
) -> Probed:  # fmt: skip
    """Check a file, then load it in a child process and invoke it twice on its samples.

    Raises:
        CannotRunError: the file is sound and cannot be run here, such as one that takes text, is
            compiled for another processor, leaves the size of a picture open, has fewer inputs
            than there are shapes, or takes indices or shapes that no sample can know.
        ArtifactError: the file is damaged, or the runtime refused it, crashed on it, or takes
            more than `TIMEOUT_S` seconds.
    """
    details, path = file.details, file.path
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
    answer = run_apart(command, path=path, who=runtime.name, timeout_s=TIMEOUT_S * threads)
    return Probed(**json.loads(answer))


def run_apart(command: Sequence[str], *, path: Path, who: str, timeout_s: float) -> str:
    """Run a module of ours in a process that a model may crash or hang, and return what it prints.

    It may keep a processor busy for `timeout_s`.

    Raises:
        CannotRunError: its exit status was `CANNOT_RUN`; the message ends with its last line.
        ArtifactError: it refused the file (the message ends with its last line), crashed or hung.
    """
    try:
        child = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, cwd=ROOT,
            timeout=PATIENCE * timeout_s,
            preexec_fn=partial(_limit, timeout_s) if resource else None,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ArtifactError(f"{path}: {who} does not come to an end on it") from None
    if resource and child.returncode == -signal.SIGXCPU:
        raise ArtifactError(f"{path}: {who} takes more than {timeout_s:g} s on it")
    if child.returncode < 0:
        raise ArtifactError(f"{path}: {who} crashes on it (signal {-child.returncode})")
    if child.returncode:
        lines = [line for line in child.stderr.splitlines() if not _IS_LOG.match(line)]
        lines = lines or [f"exit status {child.returncode}"]
        if child.returncode == CANNOT_RUN:
            raise CannotRunError(f"{path}: {who} cannot run it ({lines[-1]})")
        raise ArtifactError(f"{path}: {who} refuses it ({lines[-1]})")
    return child.stdout


def _limit(seconds: float) -> None:
    whole = math.ceil(seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole + 5))


def _main(runtime_name: str, path: str, threads: str, *shapes: str) -> int:
    try:
        sizes = [tuple(map(int, shape.split("x"))) for shape in shapes]
        model = RUNTIMES[runtime_name].load(Path(path), int(threads), sizes)
        try:
            for _ in range(2):
                fill(model)
                model.invoke()
        except (RuntimeError, ValueError) as error:
            wide = [each for each in model.inputs if each.dtype.kind in "iu"]
            asked = [repr(each.name) for each in wide if each.dtype.itemsize > SMALL_BYTES]
            if not asked:
                raise
            reason = f"it refuses this suite's sample of {', '.join(asked)}, 0 and 1: {error}"
            return _end(CANNOT_RUN, reason)
        outputs = list(map(str, model.settled_outputs()))
        print(json.dumps({"remark": nan_remark(model.raw_outputs()), "outputs": outputs}))
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
