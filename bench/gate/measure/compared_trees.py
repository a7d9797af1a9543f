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
        old, new: as many of each; what stands at the same place is compared.

    Raises:
        GateError: there are not as many, or one is missing.
    """
    if len(old) != len(new):
        raise GateError(f"{len(old)} --base-model and {len(new)} --model: give one for each")
    with tempfile.TemporaryDirectory(prefix="gate-models-") as directory:
        trees = []
        for name, files in ((BASE, old), (HEAD, new)):
            arguments = []
            for number, (file, named) in enumerate(zip(files, new, strict=True)):
                copy = Path(directory) / name / str(number) / named.name
                copy.parent.mkdir(parents=True)
                shutil.copyfile(_checked(file, name), copy)
                arguments.append(f"--model={copy}")
            trees.append(Tree(name, ROOT, sys.executable, tuple(arguments)))
        yield {"": trees[0]}, trees[1]


def _as_in(root: Path, name: str, models: Sequence[Path]) -> tuple[str, ...]:
    arguments = []
    for model in models:
        path = model.expanduser().resolve()
        if path.is_relative_to(ROOT):
            path = root / path.relative_to(ROOT)
        arguments.append(f"--model={_checked(path, name)}")
    return tuple(arguments)


def _checked(path: Path, name: str) -> Path:
    path = path.expanduser().resolve()
    if not path.is_file():
        raise GateError(f"{name}: {path}: no such file; --base-model OLD --model NEW names both")
    return path
