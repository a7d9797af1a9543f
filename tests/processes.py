"""Programs that tests run in processes of their own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def python(*words: object, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess:
    """Run Python to its end, in the project's root; what it prints is text."""
    return subprocess.run(
        [sys.executable, *map(str, words)], cwd=cwd, env={**os.environ, **environment},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def git(root: Path, *words: str, **environment: str) -> str:
    """Run git as somebody; returns what it printed."""
    who = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    return subprocess.run(
        ["git", *who, *words], cwd=root, env={**os.environ, **environment},
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
