"""Each benchmark's medians over the commits of one line on one processor, and where they change."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any

from bench.history.change_points import ChangePoint, find_changes
from bench.results.rows import DEVICE, ModelRow, row_of
from bench.results.session import Result, ResultsError, Session, changed_surroundings, without_file

HEAD = "HEAD"


@dataclass(frozen=True)
class CodeState:
    """A commit, or code that differs from it; what stands in its sessions is one observation."""

    sessions: tuple[Session, ...]

    @property
    def label(self) -> str:
        """The commit for people."""
        return self.sessions[0].label

    @property
    def commit(self) -> str | None:
        """The commit; None where that is not known."""
        return self.sessions[0].commit


@dataclass(frozen=True)
class Series:
    """A benchmark over the states of the code."""

    quantity: str
    row: ModelRow  # the newest
    states: tuple[int, ...]  # indices of those that hold it
    medians_s: tuple[float, ...]  # of each of these, the median of its sessions' medians
    changes: tuple[ChangePoint, ...]  # whose `place` is an index of `states`

    @property
    def title(self) -> str:
        """What people call it."""
        return f"{self.quantity.removeprefix('test_')}: {self.row.full_title}"


@dataclass(frozen=True)
class History:
    """What was measured on one processor."""

    processor: str
    states: tuple[CodeState, ...]  # in the order of their commits
    series: tuple[Series, ...]  # of each benchmark that two states or more hold
    remarks: tuple[str, ...]  # on what is left out, and on the order

    @property
    def sessions(self) -> list[Session]:
        """All sessions, in the order of their commits."""
        return [session for state in self.states for session in state.sessions]

    def around(self, series: Series, change: ChangePoint) -> tuple[CodeState, CodeState]:
        """Return the last state before a change, and the first after it."""
        before, after = series.states[change.place - 1], series.states[change.place]
        return self.states[before], self.states[after]

    def also_changed(self, series: Series, change: ChangePoint) -> list[str]:
        """Return what else differs between the two states, such as "numpy 1.26.4 to 2.1.0"."""
        before, after = self.around(series, change)
        return changed_surroundings(before.sessions, after.sessions)

    def of(self, quantity: str) -> list[Series]:
        """Return the series of a benchmark function."""
        return [each for each in self.series if each.quantity == quantity]


def histories(
    sessions: Sequence[Session], repository: Path = Path(), line: str = HEAD
) -> list[History]:
    """Put together what two states or more hold, for each processor.

    Args:
        sessions: in any order; those in which a benchmark on the host failed are left out.
        repository: where the commits are.
        line: the revision at which the line of first parents ends that is shown.
    """
    failed = {session.name: _failed(session) for session in sessions if _failed(session)}
    sound = sorted((each for each in sessions if each.name not in failed), key=_processor)
    left_out = [f"left out, as {what} failed in it: {name}" for name, what in failed.items()]
    found = []
    for name, group in groupby(sound, key=_processor):
        states, remarks = in_line(list(group), repository, line)
        used = [session for state in states for session in state.sessions]
        remarks += [
            f"disturbed ({each.disturbance}): {each.name}" for each in used if each.disturbance
        ]
        if series := _series(states):
            found.append(History(name, tuple(states), series, (*left_out, *remarks)))
    return found


def _processor(session: Session) -> str:
    return session.processor


def _failed(session: Session) -> str | None:
    """Return a benchmark on the host that failed: what a lost phone lacks says nothing of it."""
    names = map(without_file, session.failures)
    return next((name for name in names if name.partition("[")[0] not in DEVICE), None)


def _series(states: Sequence[CodeState]) -> tuple[Series, ...]:
    many: dict[tuple[Any, ...], dict[int, list[Result]]] = {}
    for place, state in enumerate(states):
        for session in state.sessions:
            for result in session.results:
                many.setdefault(_identity(result), {}).setdefault(place, []).append(result)
    kept = [results for results in many.values() if len(results) > 1]
    medians_s = [
        [median(result.median_s for result in found) for found in results.values()]
        for results in kept
    ]
    return tuple(
        Series(
            (newest := results[max(results)][-1]).quantity, row_of(newest), tuple(results),
            tuple(values), tuple(found),
        )
        for results, values, found in zip(kept, medians_s, find_changes(medians_s), strict=True)
    )  # fmt: skip


def _identity(result: Result) -> tuple[Any, ...]:
    """Tell benchmarks apart that were run in different ways under one name."""
    return (result.name, *(str(result.info.get(key)) for key in ("threads", "protocol")))


def in_line(
    sessions: Sequence[Session], repository: Path, line: str
) -> tuple[list[CodeState], list[str]]:
    """Put sessions into one line of first parents, the oldest commit first, and say what is not.

    States of one commit stand by their measuring time, those of changed files last. Where the
    repository does not have all commits, their own times decide, and all are taken for one line.
    """
    commits = sorted({session.commit for session in sessions if session.commit})
    parents, tip = _first_parents(commits, line, repository)
    if not tip and line != HEAD:
        raise ResultsError(f"--line {line}: no such revision in {repository}")
    missing = [commit for commit in commits if commit not in parents]
    anonymous = [session for session in sessions if session.commit is None]
    remarks = []
    if missing:
        remarks.append(
            f"in the order of the commits' times: git does not have {missing[0][:8]}"
            + (f" and {len(missing) - 1} more" if missing[1:] else "")
        )
    if anonymous:
        remarks.append(f"{anonymous[0].name}: of no known commit, so its measuring time decides")
    path: list[str] = []
    if not missing and not anonymous:
        path = _line(parents, commits, tip)
        beside = list(dict.fromkeys(s.label for s in sessions if s.commit not in path))
        if beside:
            remarks.append(
                f"left out, as they are not on the line of first parents of {path[0][:8]}: "
                f"{', '.join(beside)}; --line takes another"
            )
        sessions = [session for session in sessions if session.commit in path]

    def place(session: Session) -> tuple[float, str, bool, float]:
        when = (session.commit_time or session.time).timestamp()
        order = -path.index(session.commit or "") if path else when
        return order, session.commit or "", session.is_changed, session.time.timestamp()

    states: dict[str, list[Session]] = {}
    for session in sorted(sessions, key=place):
        states.setdefault(session.state, []).append(session)
    return [CodeState(tuple(found)) for found in states.values()], remarks


def _line(parents: Mapping[str, str], commits: Sequence[str], tip: str) -> list[str]:
    """Return the line that ends at a tip, the newest first; where it holds too few, the fullest."""

    def path(end: str) -> list[str]:
        found = [end]
        while parents.get(found[-1]):
            found.append(parents[found[-1]])
        return found

    def measured(found: list[str]) -> int:
        return len({*commits} & {*found})

    wanted = path(tip) if tip else []
    return wanted if measured(wanted) > 1 else max(map(path, commits), key=measured)


def _first_parents(
    commits: Sequence[str], line: str, repository: Path
) -> tuple[dict[str, str], str]:
    """Return the first parent ("" for none) of each commit that leads to these, and the line's tip.

    Nothing, where git cannot tell.
    """
    try:
        tip = _git(repository, "rev-parse", "--verify", "--quiet", f"{line}^{{commit}}").strip()
    except (OSError, subprocess.CalledProcessError):
        tip = ""
    try:
        given = "\n".join([*commits, tip])
        listed = _git(
            repository, "rev-list", "--parents", "--ignore-missing", "--stdin", given=given
        )
    except (OSError, subprocess.CalledProcessError):
        return {}, tip
    lines = [each.split() for each in listed.splitlines()]
    return {commit: theirs[0] if theirs else "" for commit, *theirs in lines}, tip


def _git(repository: Path, *words: str, given: str = "") -> str:
    return subprocess.run(
        ["git", *words], input=given, cwd=repository, capture_output=True, text=True, check=True
    ).stdout
