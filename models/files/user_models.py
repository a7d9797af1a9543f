"""Files that a user names: found by path, folder or pattern, each with a name of its own."""

from __future__ import annotations

import glob
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from models.files.artifacts import Artifact, ArtifactError, user_model

SUFFIX = ".tflite"


def find_user_models(names: Iterable[str], taken: Collection[str] = ()) -> list[Artifact]:
    """Return the files that a user names, each once, in the order given.

    A file is called by its stem, and by as many of the folders above it as tell it from another
    of the same stem, such as "a/net" and "b/net": the same in any checkout.

    Args:
        names: paths of files, of folders whose `.tflite` files are meant, or patterns such as
            "models/*.tflite"; a leading "~" is the user's home.
        taken: names that none of them may have.

    Raises:
        ArtifactError: nothing is there.
    """
    paths = {path.resolve(): path for name in names for path in _find(name)}
    parts = [_parts(path) for path in paths]
    return [
        replace(user_model(path), name=_shortest(own, parts, taken))
        for path, own in zip(paths.values(), parts, strict=True)
    ]


def _find(name: str) -> list[Path]:
    path = Path(name).expanduser()
    if path.is_dir():
        found = sorted(path.rglob(f"*{SUFFIX}"))
        if not found:
            raise ArtifactError(f"{path}: no {SUFFIX} file is in this folder")
        return found
    if path.exists():
        return [path]
    found = [Path(match) for match in sorted(glob.glob(str(path), recursive=True))]  # noqa: PTH207
    if not found:
        raise ArtifactError(f"{path}: no such file")
    return found


def _parts(path: Path) -> tuple[str, ...]:
    own = path.stem if path.suffix == SUFFIX else path.name
    return (*path.parent.parts[1:], own)


def _shortest(own: tuple[str, ...], everyone: list[tuple[str, ...]], taken: Collection[str]) -> str:
    for count in range(1, len(own) + 1):
        tail = own[-count:]
        if "/".join(tail) not in taken and sum(each[-count:] == tail for each in everyone) == 1:
            return "/".join(tail)
    return "/".join(own)
