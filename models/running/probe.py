"""Loading a `.tflite` file of unknown origin in a child process first.

A damaged file can crash a runtime in native code; then the child dies, not the caller.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from models import ROOT
from models.files.artifacts import ArtifactError
from models.running.runtimes import RUNTIMES, Runtime

TIMEOUT_S = 60
COMMAND = [sys.executable, "-m", "models.running.probe"]


def probe(path: Path, runtime: Runtime) -> None:
    """Load a file and invoke it once on zeros, in a child process.

    Raises:
        ArtifactError: the runtime refused the file, crashed on it, or hung.
    """
    command = [*COMMAND, runtime.name, str(path.resolve())]
    try:
        child = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
            cwd=ROOT,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ArtifactError(f"{path}: {runtime.name} hangs on it (over {TIMEOUT_S} s)") from None
    if child.returncode < 0:
        raise ArtifactError(
            f"{path}: damaged; {runtime.name} crashes on it (signal {-child.returncode})"
        )
    if child.returncode:
        lines = child.stderr.strip().splitlines() or [f"exit status {child.returncode}"]
        raise ArtifactError(f"{path}: {runtime.name} refuses it ({lines[-1]})")


def _main(runtime_name: str, path: str) -> int:
    try:
        model = RUNTIMES[runtime_name].load(Path(path))
        model.invoke()
        model.raw_output()
    except (ValueError, RuntimeError, IndexError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
