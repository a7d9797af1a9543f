"""The apple and pear photographs of Fruits-360: where they are, what they are, fetching them.

Source: Muresan, Oltean, "Fruit recognition from images using deep learning", arXiv 1712.00580.
The photographs are not part of this project.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import platformdirs

from models.data.photographs import DatasetError, DatasetMissingError, Photographs

CLASS_NAMES: tuple[str, ...] = (
    "Apple Braeburn", "Apple Crimson Snow", "Apple Golden 1", "Apple Golden 2", "Apple Golden 3",
    "Apple Granny Smith", "Apple Pink Lady", "Apple Red 1", "Apple Red 2", "Apple Red 3",
    "Apple Red Delicious", "Apple Red Yellow 1", "Apple Red Yellow 2",
    "Pear", "Pear Abate", "Pear Forelle", "Pear Kaiser", "Pear Monster", "Pear Red",
    "Pear Williams",
)  # fmt: skip
SIDE = 100
"""Height and width of every photograph, in pixels."""

SMALLEST_ACCEPTED_ACCURACY = 0.97
"""On Test: no network passes below this, whatever its own bound."""

_ORIGINAL_SIZE = {"r0": "", "r1": "r"}
"""What the release of the original size calls the first two series."""

ENVIRONMENT_VARIABLE = "FRUITS360_DIR"
Split = Literal["Training", "Test"]
SPLITS: tuple[Split, ...] = ("Training", "Test")
HOW_TO_GET = (
    "get it with `python -m models download`, or name a copy with --fruits360 DIR "
    f"or {ENVIRONMENT_VARIABLE}"
)

REPOSITORY = "https://github.com/Horea94/Fruit-Images-Dataset.git"
COMMIT = "8f127c5043b29237313f87268f16106b16cbd8c6"
"""Version 2020.05.18.0: the last of the time of the study, whose class names are the labels."""

_PROGRESS = re.compile(r"([A-Z][^:\r\n]*):\s+(\d+)% ")


def cache_directory() -> Path:
    """Return where `python -m models download` puts the photographs for this user.

    A data set that stands where earlier versions of this project put it is used there.
    """
    place, former = (
        Path(platformdirs.user_cache_dir(name), "fruits-360")
        for name in ("tflite-gauge", "fruits-latency-bench")
    )
    return former if _is_whole(former) and not _is_whole(place) else place


def _is_whole(root: Path) -> bool:
    return all((root / split).is_dir() for split in SPLITS)


def find(directory: str | os.PathLike[str] | None = None) -> Path:
    """Return the data set's directory: the one given, else `FRUITS360_DIR`, else the cache.

    Raises:
        DatasetMissingError: none of them holds a data set. A directory that was named, by the
            argument or the variable, is never passed over for the next one.
    """
    named = directory or os.environ.get(ENVIRONMENT_VARIABLE)
    root = Path(named).expanduser() if named else cache_directory()
    if _is_whole(root):
        return root
    where = f"in {root}" if named else "on this machine"
    raise DatasetMissingError(f"no Fruits-360 data set {where}: {HOW_TO_GET}")


def spellings(class_name: str) -> tuple[str, ...]:
    """Return the folder names of a class in the data set's releases.

    Those of 2025 append " 1" to single varieties; some are in lower case with underscores.
    """
    names = (class_name,) if class_name[-1].isdigit() else (class_name, f"{class_name} 1")
    return (*names, *(name.lower().replace(" ", "_") for name in names))


def release(directory: str | os.PathLike[str] | None = None) -> str:
    """Say which release's class names a data set has; arguments and errors as for `load`."""
    folder = class_directory(find(directory), "Training", CLASS_NAMES[0]).name
    year, case = 2025 if folder.endswith("1") else 2020, " in lower case" * folder.islower()
    return f"Fruits-360 with the class names of {year}{case} ({folder!r})"


def class_directory(root: Path, split: Split, class_name: str) -> Path:
    """Return the folder of a class, in whichever spelling it has."""
    for spelling in spellings(class_name):
        directory = root / split / spelling
        if directory.is_dir():
            return directory
    names = " or ".join(repr(name) for name in spellings(class_name) if not name.islower())
    raise DatasetError(f"{root / split}: the class folder {names} is missing; {HOW_TO_GET}")


def photograph_files(root: Path, split: Split, class_name: str) -> list[Path]:
    """Return the photographs of a class, sorted by name."""
    directory = class_directory(root, split, class_name)
    files = sorted(directory.glob("*.jpg"))
    if not files:
        raise DatasetError(f"{directory}: holds no .jpg photograph; {HOW_TO_GET}")
    return files


def rotation_series(file_name: str) -> str:
    """Return the rotation series that a photograph belongs to.

    A fruit was filmed turning about one axis (`12_100.jpg`: series ""), then about a second
    (`r_12_100.jpg`: "r") and sometimes a third (`r2_12_100.jpg`: "r2"). In the release of the
    original size these are `r0_12.jpg`, `r1_12.jpg` and `r2_12.jpg`. Others are a DatasetError.
    """
    series = _series_and_frame(file_name)[0] or ""
    return _ORIGINAL_SIZE.get(series, series)


def frame_number(file_name: str) -> int:
    """Return the number of a photograph within its turn: 12 for `r_12_100.jpg`; as above."""
    return int(_series_and_frame(file_name)[1])


def _series_and_frame(file_name: str) -> tuple[str | None, str]:
    name = Path(file_name).name
    match = re.match(r"(?:(.*)_)?(\d+)_\d+\.jpg$", name) or re.match(r"(r\d)_(\d+)\.jpg$", name)
    if match is None:
        raise DatasetError(f"{file_name}: not a Fruits-360 file name such as r_12_100.jpg")
    return match[1], match[2]


def load(split: Split, directory: str | os.PathLike[str] | None = None) -> Photographs:
    """List every photograph of a split, in the order of class, then file name.

    A photograph's group is its fruit and rotation series, such as "Pear/r".

    Args:
        split: "Training" (10,046 photographs in the release of 2020) or "Test" (3,358).
        directory: as for `find`.

    Raises:
        DatasetError: nothing found, a class missing, or a file not named as Fruits-360's are.
    """
    root = find(directory)
    files, labels, groups = [], [], []
    for label, class_name in enumerate(CLASS_NAMES):
        for file in photograph_files(root, split, class_name):
            files.append(f"{file.parent.name}/{file.name}")
            labels.append(label)
            groups.append(f"{class_name}/{rotation_series(file.name)}")
    return Photographs(root / split, tuple(files), np.array(labels), tuple(groups), CLASS_NAMES)


def download(
    destination: Path,
    *,
    repository: str = REPOSITORY,
    commit: str = COMMIT,
    on_progress: Callable[[str, int], None] = lambda stage, percent: None,
) -> int:
    """Fetch the 20 class folders of both splits to `destination`, by a sparse, partial clone.

    It is made in a folder beside it, which is resumed after an interruption; the destination
    appears in one step when it is whole.

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
    for lock in (work / ".git").rglob("*.lock"):  # left by a git that was killed
        lock.unlink()
    _git(work, "config", "remote.origin.url", repository)
    _git(work, "fetch", "--progress", "--depth=1", "--filter=blob:none", "origin", commit,
         on_progress=on_progress)  # fmt: skip
    folders = (
        f"/{split}/{spelling}/"
        for split in SPLITS
        for class_name in CLASS_NAMES
        for spelling in spellings(class_name)
    )
    _git(work, "sparse-checkout", "init", "--no-cone")  # `set` knows this from git 2.35 on
    _git(work, "sparse-checkout", "set", "/LICENSE", *folders)
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
