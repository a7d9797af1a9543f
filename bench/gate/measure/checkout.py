"""The base: a revision checked out beside the working tree, with an environment that suits it."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.gate.measure.gate_error import GateError

ROOT = Path(__file__).parents[3]
REQUIREMENTS = Path("requirements") / "bench.txt"


def git(*arguments: str, root: Path = ROOT) -> str:
    """Run git and return what it prints.

    Raises:
        GateError: git failed, or there is none.
    """
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=False,
            start_new_session=True,  # Ctrl-C is not for git, which has to clean up after it
        )  # fmt: skip
    except OSError as error:
        raise GateError(f"git cannot be run: {error.strerror}") from None
    if done.returncode:
        raise GateError(f"git {arguments[0]} failed", done.stderr.strip())
    return done.stdout.strip()


def resolve(revision: str, root: Path = ROOT) -> str:
    """Return the full hash of the commit that a revision names.

    Raises:
        GateError: it names none.
    """
    try:
        return git("rev-parse", "--verify", "--quiet", "--end-of-options",
                   f"{revision}^{{commit}}", root=root)  # fmt: skip
    except GateError as error:
        raise GateError(
            f"{revision!r} names no commit here; a shallow clone has to fetch it first",
            error.details,
        ) from None


def describe(root: Path = ROOT) -> str:
    """Return the commit that is checked out, with "+changes" where files differ from it.

    Raises:
        GateError: this is no git repository.
    """
    return git("describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=+changes", root=root)


@contextlib.contextmanager
def checked_out(commit: str, name: str, root: Path = ROOT) -> Iterator[Path]:
    """Check a commit out in a temporary worktree, and leave no trace of it afterwards.

    Raises:
        GateError: git could not do it.
    """
    with tempfile.TemporaryDirectory(prefix="gate-", ignore_cleanup_errors=True) as directory:
        path = Path(directory) / name
        try:
            git("worktree", "add", "--detach", "--force", str(path), commit, root=root)
            yield path
        finally:
            with contextlib.suppress(GateError):  # twice: an interrupted "add" leaves a lock
                git("worktree", "remove", "--force", "--force", str(path), root=root)
            shutil.rmtree(path, ignore_errors=True)
            with contextlib.suppress(GateError):
                git("worktree", "prune", root=root)


@contextlib.contextmanager
def python_for(tree: Path, tell: Callable[[str], None], root: Path = ROOT) -> Iterator[str]:
    """Give an interpreter that has what a tree pins: this one where it pins the same as `root`.

    Args:
        tell: is told that an environment is being built, which takes a while.
        root: the tree that this interpreter's environment was made for.

    Raises:
        GateError: the environment could not be built; the details are pip's own words.
    """
    pins = tree / REQUIREMENTS
    if not pins.is_file() or _pins(pins) == _pins(root / REQUIREMENTS):
        yield sys.executable
        return
    with tempfile.TemporaryDirectory(prefix="gate-environment-") as directory:
        tell("the base pins other requirements: building an environment for it")
        python = str(Path(directory) / "bin" / "python")
        for command in (
            [sys.executable, "-m", "venv", directory],
            [python, "-m", "pip", "install", "--quiet", "-r", str(pins)],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise GateError(
                    "no environment could be built for the base", done.stderr or done.stdout
                )
        yield python


def _pins(path: Path) -> list[str]:
    """Return the lines of a requirements file that pip reads."""
    lines = (line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    return sorted(filter(None, lines))
