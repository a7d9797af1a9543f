"""What is compared: revisions beside the working tree, or two versions of a model file; and where.

A base is checked out in a temporary worktree, with an environment of its own if it pins others. On
a device all trees are measured on the same one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path

from bench.gate.measure.worker import BASE, HEAD, GateError, Sampling, Tree
from models.files.artifacts import ArtifactError, find_user_models

ROOT = Path(__file__).parents[3]
REQUIREMENTS = Path("requirements") / "bench.txt"


def git(*arguments: str, root: Path = ROOT) -> str:
    """Run git and return what it prints."""
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
    """Return the full hash of the commit that a revision names."""
    try:
        return git("rev-parse", "--verify", "--quiet", "--end-of-options",
                   f"{revision}^{{commit}}", root=root)  # fmt: skip
    except GateError as error:
        reason = error.details
        if git("rev-parse", "--is-shallow-repository", root=root) == "true":
            reason = "this clone is shallow: fetch it first"
        elif len(git("rev-list", "--max-count=2", "HEAD", root=root).split()) == 1:
            reason = "HEAD is the first commit, and nothing stands before it"
        raise GateError(f"{revision!r} names no commit here{reason and f': {reason}'}") from None


def describe(root: Path = ROOT) -> str:
    """Return the commit that is checked out, with "+changes" where files differ from it."""
    return git("describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=+changes", root=root)


def state(root: Path = ROOT) -> str:
    """Return what differs as soon as a file of the tree does, whether or not git tracks it."""
    ours = (":(exclude,glob)**/__pycache__/**", ":(exclude,glob)**/.benchmarks/**")
    parts = [git("rev-parse", "HEAD", root=root), git("diff", "--binary", "HEAD", ".", root=root)]
    others = git("ls-files", "--others", "--exclude-standard", "-z", "--", ".", *ours, root=root)
    for name in filter(None, others.split("\0")):
        with contextlib.suppress(FileNotFoundError):
            found = (root / name).stat()
            parts.append(f"{name} {found.st_size} {found.st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode(errors="replace")).hexdigest()


@contextlib.contextmanager
def checked_out(commit: str, name: str, root: Path = ROOT) -> Iterator[Path]:
    """Check a commit out in a temporary worktree, and leave no trace of it afterwards.

    Gives the project's folder in it, which may be one of many in its repository.
    """
    folder = git("rev-parse", "--show-prefix", root=root)
    with tempfile.TemporaryDirectory(prefix="gate-", ignore_cleanup_errors=True) as directory:
        path = Path(directory) / name
        try:
            git("worktree", "add", "--detach", "--force", str(path), commit, root=root)
            if not (path / folder).is_dir():
                raise GateError(f"{commit[:8]} has no folder {folder}: the project was elsewhere")
            yield path / folder
        finally:
            with contextlib.suppress(GateError):  # twice: an interrupted "add" leaves a lock
                git("worktree", "remove", "--force", "--force", str(path), root=root)
            shutil.rmtree(path, ignore_errors=True)
            with contextlib.suppress(GateError):
                git("worktree", "prune", root=root)


@contextlib.contextmanager
def python_for(tree: Path, tell: Callable[[str], None], root: Path = ROOT) -> Iterator[str]:
    """Give an interpreter that has what a tree pins: this one where it pins the same as `root`."""
    pins = tree / REQUIREMENTS
    if not pins.is_file() or _pins(pins) == _pins(root / REQUIREMENTS):
        yield sys.executable
        return
    with tempfile.TemporaryDirectory(prefix="gate-environment-") as directory:
        tell("the base pins other requirements: building an environment for it")
        python = str(Path(directory) / "bin" / "python")
        pip = [python, "-m", "pip", "install", "--quiet", "-r", str(pins)]
        for command in ([sys.executable, "-m", "venv", directory], pip):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                problem = "no environment could be built for the base"
                raise GateError(problem, done.stderr or done.stdout)
        yield python


def check_pins(root: Path = ROOT) -> None:
    """Hold what a tree pins against what is installed here."""
    from packaging.requirements import Requirement

    pins = root / REQUIREMENTS
    wrong = []
    installed = {each.name.lower(): each.version for each in metadata.distributions()}
    for line in _pins(pins) if pins.is_file() else []:
        pinned = None if line.startswith("-") else Requirement(line)
        if pinned and (pinned.marker is None or pinned.marker.evaluate()):
            version = installed.get(pinned.name.lower(), "missing")
            if version not in pinned.specifier:
                wrong.append(f"{pinned.name} is {version}, pinned is {pinned.specifier}")
    if wrong:
        raise GateError(
            f"this environment is not what the working tree pins ({'; '.join(wrong)}); run "
            f"{sys.executable} -m pip install -r {REQUIREMENTS}"
        )


def _pins(path: Path) -> list[str]:
    """Return the lines of a requirements file that pip reads."""
    lines = (line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    return sorted(filter(None, lines))


Trees = tuple[dict[str, Tree], Tree]
"""The bases, by the revision of each, or "" for the only one; and head."""


@contextlib.contextmanager
def revisions(
    commits: Mapping[str, str], models: Sequence[Path], tell: Callable[[str], None]
) -> Iterator[Trees]:
    """Check commits out, by what the user calls them, to be compared with the working tree.

    A model file that lies in the project is taken as it is in each revision, any other is the same
    for all. `tell` is told what takes a while.
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

    Two files at the same place are compared; of folders and patterns, files of the same name.
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
                with contextlib.suppress(FileNotFoundError):
                    shutil.copyfile(pair[place].with_suffix(".json"), copy.with_suffix(".json"))
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


@contextlib.contextmanager
def on_device(settings: Sampling, name: str, tool: Path | None) -> Iterator[Sampling]:
    """Give settings under which all workers measure on the same device.

    The adb server is started here where none runs, so that no worker takes it away from the other;
    and so is the emulated device, by its name. `tool` is its `benchmark_model`.
    """
    from bench.android.adb.errors import DeviceError
    from bench.android.adb.server import ServerAddress, start_server, stop_server
    from bench.android.phone.control import GROUP_VARIABLE

    if name in ("all", "none"):
        raise GateError(f"--device {name}: the gate measures on one device; give its serial")
    with contextlib.ExitStack() as stack:
        environment = {GROUP_VARIABLE: secrets.token_hex(8)}
        try:
            if name == "emulated":
                phone = stack.enter_context(_emulated_phone())
                name, tool = phone["serial"], tool or Path(phone["tool"])
                environment["ADB_SERVER_SOCKET"] = phone["server"]
            else:
                address = ServerAddress.from_environment()
                if start_server(address):
                    stack.callback(stop_server, address)
        except DeviceError as error:
            raise GateError(str(error)) from None
        # A device that is throttled in the middle of a block leaves no block behind.
        arguments = [f"--device={name}", "--require-device", "--device-retries=0"]
        if tool is not None:
            arguments.append(f"--device-tool={tool.expanduser().resolve()}")
        yield replace(
            settings, pytest_arguments=(*arguments, *settings.pytest_arguments),
            is_device=True, shares_core=False, environment=environment,
        )  # fmt: skip


@contextlib.contextmanager
def _emulated_phone() -> Iterator[dict[str, str]]:
    """Run an emulated phone in a process of its own: workers reach it as they do any phone."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.emulated_phone"], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the gate, which ends it by closing its input
    ) as process:  # fmt: skip
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise GateError("the emulated phone does not start")
        yield json.loads(line)
