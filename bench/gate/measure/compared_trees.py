"""What is compared: revisions of the project, or two versions of a model file in this one."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from bench.gate.measure.block import BASE, HEAD, Tree
from bench.gate.measure.checkout import ROOT, checked_out, python_for
from bench.gate.measure.gate_error import GateError
from models.files.artifacts import ArtifactError, find_user_models

Trees = tuple[dict[str, Tree], Tree]
"""The bases, by the revision of each, or "" for the only one; and head."""


@contextlib.contextmanager
def revisions(
    commits: Mapping[str, str], models: Sequence[Path], tell: Callable[[str], None]
) -> Iterator[Trees]:
    """Check revisions out, to be compared with the working tree.

    Args:
        commits: by what the user calls them.
        models: files that join the benchmarks. One that lies in the project is taken as it is in
            each revision, any other is the same for all.
        tell: is told what takes a while.

    Raises:
        GateError: git could not do it, no environment could be built, or a file is missing.
    """
    bases: dict[str, Tree] = {}
    with contextlib.ExitStack() as stack:
        for revision, commit in commits.items():
            tell(f"checking out {commit[:8]}")
            root = stack.enter_context(checked_out(commit, ROOT.name))
            python = stack.enter_context(python_for(root, tell))
            is_alone = len(commits) == 1
            name = BASE if is_alone else f"{BASE} {revision}"
            arguments = _as_in(root, name, models)
            bases["" if is_alone else revision] = Tree(name, root, python, arguments)
        yield bases, Tree(HEAD, ROOT, sys.executable, _as_in(ROOT, HEAD, models))


@contextlib.contextmanager
def model_files(old: Sequence[Path], new: Sequence[Path]) -> Iterator[Trees]:
    """Give trees that differ in their model files alone: old ones under the names of new ones.

    Args:
        old, new: files, folders of them or patterns. Two files at the same place are compared; of
            folders and patterns, files of the same name.

    Raises:
        GateError: one is missing, or has no other to be compared with.
    """
    if len(old) != len(new):
        raise GateError(f"{len(old)} --base-model and {len(new)} --model: give one for each")
    pairs = [pair for one, other in zip(old, new, strict=True) for pair in _pairs(one, other)]
    with tempfile.TemporaryDirectory(prefix="gate-models-") as directory:
        trees = []
        for place, name in enumerate((BASE, HEAD)):
            arguments = []
            for number, pair in enumerate(pairs):
                copy = Path(directory) / name / str(number) / pair[1].name
                copy.parent.mkdir(parents=True)
                shutil.copyfile(pair[place], copy)
                arguments.append(f"--model={copy}")
            trees.append(Tree(name, ROOT, sys.executable, tuple(arguments)))
        yield {"": trees[0]}, trees[1]


def _pairs(old: Path, new: Path) -> list[tuple[Path, Path]]:
    before, after = _files(old, BASE), _files(new, HEAD)
    if old.expanduser().is_file() and new.expanduser().is_file():
        return [(before[0], after[0])]
    by_name = [{path.name: path for path in files} for files in (before, after)]
    alone = sorted(by_name[0].keys() ^ by_name[1].keys())
    if alone or [len(before), len(after)] != [*map(len, by_name)]:
        what = f"{alone[0]} is in one of them only" if alone else "two files have the same name"
        raise GateError(f"{old} and {new}: {what}; name the files that are to be compared")
    return [(by_name[0][path.name], path) for path in after]


def _as_in(root: Path, name: str, models: Sequence[Path]) -> tuple[str, ...]:
    arguments = []
    for model in models:
        path = model.expanduser().resolve()
        if path.is_relative_to(ROOT):
            path = root / path.relative_to(ROOT)
        arguments += [f"--model={file}" for file in _files(path, name)]
    return tuple(arguments)


def _files(path: Path, name: str) -> list[Path]:
    try:
        return [each.path.resolve() for each in find_user_models([str(path)])]
    except ArtifactError as error:
        raise GateError(f"{name}: {error}; --base-model OLD --model NEW names both") from None
