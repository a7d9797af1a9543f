"""Where a study's trials are kept: a file, or a database that several machines share."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from models.search.errors import SearchError

HEARTBEAT_S = 60
"""How often a process tells a database that its trial goes on; after twice that silence the trial
counts as abandoned."""


def open_storage(location: str) -> BaseStorage:
    """Open or create a storage.

    Args:
        location: a database's URL, such as sqlite:///search.db or postgresql://host/name, else
            the path of a journal file.

    Raises:
        SearchError: it cannot be read or written, or is something else.
    """
    try:
        return _database(location) if "://" in location else _journal(Path(location))
    except SearchError:
        raise
    except Exception as error:  # each database driver has errors of its own
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise SearchError(
            f"{display_name(location)}: cannot be used as a search's storage ({reason})"
        ) from error


def display_name(location: str) -> str:
    """Return the location without the password that a URL may have."""
    scheme, separator, rest = location.partition("://")
    if not separator:
        return location
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _database(url: str) -> BaseStorage:
    with warnings.catch_warnings():
        # That heartbeats may change is a reason to pin Optuna, which is done.
        warnings.simplefilter("ignore", ExperimentalWarning)
        return RDBStorage(url, heartbeat_interval=HEARTBEAT_S, grace_period=2 * HEARTBEAT_S)


def _journal(path: Path) -> BaseStorage:
    path.parent.mkdir(parents=True, exist_ok=True)
    # The other kind of lock needs symbolic links, which Windows does not let everyone make.
    lock = JournalFileOpenLock(str(path))
    if path.exists() and path.stat().st_size:
        lock.acquire()
        try:
            _mend(path)
        finally:
            lock.release()
    return JournalStorage(JournalFileBackend(str(path), lock))


def _mend(path: Path) -> None:
    """Cut off a last line that a crash left unfinished: a journal counts complete lines only.

    A file that is no journal is refused before anything is written to it.
    """
    content = path.read_bytes()
    try:
        first = json.loads(content[: content.find(b"\n") + 1])
        is_journal = {"op_code", "worker_id"} <= first.keys()
    except (ValueError, AttributeError):
        is_journal = False
    if not is_journal:
        raise SearchError(f"{path}: is not a search's journal; give another file with --storage")
    complete = content.rfind(b"\n") + 1
    if complete < len(content):
        with path.open("r+b") as file:
            file.truncate(complete)
