"""The order of runs: by their commits, as git has them."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.results.session import Session


def in_commit_order(runs: Sequence[Session], repository: Path) -> tuple[list[Session], list[str]]:
    """Sort runs so that each commit stands after all that it came from.

    Runs of one commit stand by their measuring time, those of changed files last. If the
    repository does not have all commits, the commits' own times decide.

    Args:
        runs: in any order.
        repository: a folder of a git repository; may be none.

    Returns:
        The runs, and remarks on the order, one line each.
    """
    commits = sorted({run.commit for run in runs if run.commit})
    known = {commit: place for place, commit in enumerate(_from_git(commits, repository))}
    missing = [commit for commit in commits if commit not in known]
    anonymous = [run for run in runs if run.commit is None]
    remarks = []
    if missing:
        remarks.append(
            f"in the order of the commits' times: {repository} does not have {missing[0][:8]}"
            + (f" and {len(missing) - 1} more" if missing[1:] else "")
        )
    if anonymous:
        remarks.append(f"{anonymous[0].name}: of no known commit, so its measuring time decides")

    def place(run: Session) -> tuple[float, str, bool, float]:
        if missing or anonymous:
            order = (run.commit_time or run.time).timestamp()
        else:
            order = known[run.commit or ""]
        return order, run.commit or "", run.is_changed, run.time.timestamp()

    return sorted(runs, key=place), remarks


def _from_git(commits: Sequence[str], repository: Path) -> list[str]:
    """Return all commits that lead to these, ancestors first; none where git cannot tell."""
    command = ["git", "rev-list", "--topo-order", "--reverse", "--ignore-missing", "--stdin"]
    try:
        done = subprocess.run(
            command, input="\n".join(commits), cwd=repository, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return []
    return done.stdout.split()
