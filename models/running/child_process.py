"""Running a module of ours in a child process, which a model may crash or hang and this one not."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from models import ROOT
from models.files.artifacts import ArtifactError
from models.running.loaded_model import CannotRunError

CANNOT_RUN = 3
"""The exit status by which a child says that the file is sound and cannot be run here."""

_IS_LOG = re.compile(r"(INFO|WARNING): |\s*$")
"""What runtimes write beside their errors."""


def run_apart(command: Sequence[str], *, path: Path, who: str, timeout_s: float) -> str:
    """Run a command and return what it prints.

    Args:
        command: a program and its arguments; it runs in the project's directory.
        path: the model file that errors name.
        who: is told in errors to have refused the file.
        timeout_s: how long it may take.

    Raises:
        CannotRunError: its exit status was `CANNOT_RUN`; the message ends with its last line.
        ArtifactError: it refused the file (the message ends with its last line), crashed or hung.
    """
    try:
        child = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=timeout_s,
            check=False, cwd=ROOT,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ArtifactError(f"{path}: {who} takes more than {timeout_s:g} s on it") from None
    if child.returncode < 0:
        raise ArtifactError(f"{path}: {who} crashes on it (signal {-child.returncode})")
    if child.returncode:
        lines = [line for line in child.stderr.splitlines() if not _IS_LOG.match(line)]
        lines = lines or [f"exit status {child.returncode}"]
        if child.returncode == CANNOT_RUN:
            raise CannotRunError(f"{path}: {who} cannot run it ({lines[-1]})")
        raise ArtifactError(f"{path}: {who} refuses it ({lines[-1]})")
    return child.stdout
