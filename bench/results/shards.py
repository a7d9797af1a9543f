"""One session that was measured in parts (`--shard I/N`), each part on a machine of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from bench.results.runs import Run


def joined(runs: Sequence[Run]) -> list[Run]:
    """Join the parts of each session to one run, at the place of its first part.

    Parts belong together where their commit, processor and number of parts are the same: of
    several sessions of these, the first of each part, then the second of each, and so on. What is
    not sharded stays as it is. A session that lacks a part holds what there is.
    """
    sessions: list[list[Run]] = []
    for run in runs:
        session = next((each for each in sessions if _belongs(run, each)), None)
        if session is None:
            sessions.append([run])
        else:
            session.append(run)
    return [_join(session) for session in sessions]


def _belongs(run: Run, session: Sequence[Run]) -> bool:
    if run.shard is None or any(each.shard in (None, run.shard) for each in session):
        return False
    return _kind(run) == _kind(session[0])


def _kind(run: Run) -> tuple[object, ...]:
    return run.commit, run.is_changed, run.processor, run.shard and run.shard[1]


def _join(parts: Sequence[Run]) -> Run:
    if len(parts) == 1:
        return parts[0]
    whole = [json.loads(part.content) for part in parts]
    for key in ("benchmarks", "failed_device_benchmarks"):
        whole[0][key] = [each for data in whole for each in data.get(key, [])]
    found = {name: result for part in parts for name, result in part.by_fullname().items()}
    return replace(
        parts[0],
        content=json.dumps(whole[0]).encode(),
        results=tuple(found.values()),
        failures=tuple(failure for part in parts for failure in part.failures),
    )
