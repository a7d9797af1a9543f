"""Fetch the photographs: 20 folders of each split, about 100 MB."""

from __future__ import annotations

import argparse
from pathlib import Path

from models.data.fruits360 import COMMIT, REPOSITORY, cache_directory, download, release
from models.data.photographs import DatasetError
from models.terminal.screen import on_stderr


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.add_argument(
        "--to", type=Path, default=cache_directory(), metavar="DIR", help="default: %(default)s"
    )
    parser.add_argument(
        "--repository", default=REPOSITORY, metavar="URL", help="default: %(default)s"
    )
    parser.add_argument("--commit", default=COMMIT, metavar="HASH", help="default: %(default)s")


def run(arguments: argparse.Namespace) -> int:
    """Fetch, showing git's progress as a bar."""
    from rich.progress import Progress, TaskID

    place = arguments.to.expanduser()
    is_there = place.is_dir() and any(place.iterdir())
    if is_there and (arguments.commit, arguments.repository) != (COMMIT, REPOSITORY):
        raise DatasetError(
            f"{place}: holds files already; name an empty folder with --to for another version"
        )
    with Progress(**on_stderr()) as progress:
        bars: dict[str, TaskID] = {}

        def show(stage: str, percent: int) -> None:
            if stage not in bars:
                bars[stage] = progress.add_task(stage, total=100)
            progress.update(bars[stage], completed=percent)

        count = download(
            place, repository=arguments.repository, commit=arguments.commit, on_progress=show
        )
    verb = "were there already" if is_there else "are there now"
    print(f"{count:,} photographs {verb}, in {place}: {release(place)}")
    return 0
