"""What a result came from: the commit that was checked out, and the versions of what made it."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from collections.abc import Iterable

from models import ROOT


def commit() -> str:
    """Return the commit that is checked out, with "+changes" where the code differs from it.

    What is in `models/artifacts` is no code: a training writes its records and pictures there.
    "unknown" where there is no git, or no repository.
    """
    try:
        described = _git("rev-parse", "HEAD").stdout.strip()
        changed = _git("diff", "--stat", "HEAD", "--", ".", ":(exclude)models/artifacts").stdout
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{described}+changes" if changed else described


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of Python, the system and those packages that are installed."""
    found = {"python": platform.python_version(), "system": platform.platform()}
    for name in packages:
        # TensorFlow has a distribution for processors alone, too.
        for distribution in (name, f"{name}-cpu"):
            try:
                found[name] = importlib.metadata.version(distribution)
            except importlib.metadata.PackageNotFoundError:
                continue
    return found
