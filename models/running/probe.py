"""Loading a `.tflite` file of unknown origin in a child process first.

A damaged file can crash a runtime in native code; then the child dies, not the caller.
"""

from __future__ import annotations

import sys
from pathlib import Path

from models.running.child_process import run_apart
from models.running.runtimes import RUNTIMES, Runtime

TIMEOUT_S = 60
COMMAND = [sys.executable, "-m", "models.running.probe"]


def probe(path: Path, runtime: Runtime) -> None:
    """Load a file and invoke it once on zeros, in a child process.

    Raises:
        ArtifactError: the runtime refused the file, crashed on it, or hung.
    """
    command = [*COMMAND, runtime.name, str(path.resolve())]
    run_apart(command, path=path, who=runtime.name, timeout_s=TIMEOUT_S)


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
