"""Fetching the photographs: a sparse, partial clone of the data set's own repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from models.data.fruits360 import CLASS_NAMES, SPLITS, DatasetError, photograph_files, spellings

REPOSITORY = "https://github.com/Horea94/Fruit-Images-Dataset.git"
COMMIT = "8f127c5043b29237313f87268f16106b16cbd8c6"
"""Version 2020.05.18.0: the last of the time of the study, whose class names are the labels."""

_PROGRESS = re.compile(r"([A-Z][^:\r\n]*):\s+(\d+)% ")


def download(
    destination: Path,
    *,
    repository: str = REPOSITORY,
    commit: str = COMMIT,
    on_progress: Callable[[str, int], None] = lambda stage, percent: None,
) -> int:
    """Fetch the 20 class folders of both splits to `destination`.

    The clone is made in a folder beside it, which is resumed after an interruption; the
    destination appears in one step when it is whole.

    Args:
        destination: the data set's directory; it may exist only if it is empty or whole.
        repository: URL of a git repository that has `Training/<class>` and `Test/<class>`.
        commit: the full hash of the version.
        on_progress: called with a stage of git's work and its percentage.

    Returns:
        The number of photographs.

    Raises:
        DatasetError: git is missing or failed, or the version lacks a class.
    """
    if destination.is_dir() and any(destination.iterdir()):
        try:
            return _count(destination)
        except DatasetError:
            raise DatasetError(
                f"{destination}: is not empty, and holds no whole data set; name another folder "
                "with --to, or remove it"
            ) from None
    work = destination.with_name(destination.name + ".partial")
    _clone(work, repository, commit, on_progress)
    count = _count(work)
    if destination.is_dir():
        destination.rmdir()
    shutil.rmtree(work / ".git")
    work.rename(destination)
    return count


def _clone(
    work: Path, repository: str, commit: str, on_progress: Callable[[str, int], None]
) -> None:
    if not (work / ".git" / "HEAD").is_file():
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        _git(work, "init", "--quiet")
    _git(work, "config", "remote.origin.url", repository)
    # A partial clone: git fetches commits and trees, and of the files only what is checked out.
    _git(work, "config", "remote.origin.promisor", "true")
    _git(work, "config", "remote.origin.partialclonefilter", "blob:none")
    for lock in (work / ".git").glob("*.lock"):  # left by a git that was killed
        lock.unlink()
    _git(work, "fetch", "--progress", "--depth=1", "--filter=blob:none", "origin", commit,
         on_progress=on_progress)  # fmt: skip
    folders = [
        f"/{split}/{spelling}/"
        for split in SPLITS
        for class_name in CLASS_NAMES
        for spelling in spellings(class_name)
    ]
    (work / ".git" / "info").mkdir(exist_ok=True)
    (work / ".git" / "info" / "sparse-checkout").write_text(
        "\n".join(["/LICENSE", *folders]) + "\n"
    )
    _git(work, "config", "core.sparseCheckout", "true")
    _git(work, "checkout", "--progress", "--force", "--detach", commit, on_progress=on_progress)


def _count(root: Path) -> int:
    return sum(
        len(photograph_files(root, split, class_name))
        for split in SPLITS
        for class_name in CLASS_NAMES
    )


def _git(
    directory: Path, *arguments: str, on_progress: Callable[[str, int], None] | None = None
) -> None:
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        process = subprocess.Popen(
            ["git", *arguments],
            cwd=directory,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
    except FileNotFoundError:
        raise DatasetError("git is not installed: the data set is fetched with it") from None
    last_line = ""
    assert process.stderr is not None
    with process:
        # Universal newlines split git's carriage-return progress into lines.
        for line in process.stderr:
            match = _PROGRESS.search(line)
            if match and on_progress:
                on_progress(match[1].removeprefix("remote: "), int(match[2]))
            elif line.strip() and not line.startswith(("hint:", "From ")):
                last_line = line.strip()
    if process.returncode:
        raise DatasetError(
            f"git {arguments[0]} failed: {last_line}; run the same command again to resume"
        )
