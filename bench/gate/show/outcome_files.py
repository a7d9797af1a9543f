"""Writing what the gate found: gate.json, gate.md and gate.png."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.gate.judge.outcome import Outcome
from bench.gate.measure.block import Block
from bench.gate.show.interval_picture import draw
from bench.gate.show.tables import markdown
from bench.tables import write, write_text

FORMAT = 2


def write_outcome(
    directory: Path, outcome: Outcome, blocks: Sequence[Block] = (), **more: Any
) -> None:
    """Write gate.json with every raw round, gate.md, and gate.png where there are latencies.

    `GITHUB_STEP_SUMMARY` names a file that the Markdown is appended to. A picture that cannot be
    drawn is a note in the outcome, and costs nothing else.

    Raises:
        ResultsError, OSError: a file cannot be written.
    """
    picture = directory / "gate.png"
    picture.unlink(missing_ok=True)
    if outcome.latencies:
        try:
            write(picture, lambda temporary: draw(outcome, temporary))
        except Exception as error:  # whatever it is, it says nothing of the latencies
            outcome.notes.append(f"no picture: {type(error).__name__}: {error}")
    record = {
        "format": FORMAT,
        **outcome.to_dict(),
        **more,
        "blocks": [block_to_dict(block) for block in blocks],
    }
    write_text(directory / "gate.json", json.dumps(record, allow_nan=False) + "\n")
    report = markdown(outcome)
    write_text(directory / "gate.md", report)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(report)


def block_to_dict(block: Block) -> dict[str, Any]:
    """Return a block with its raw rounds in seconds, by tree, then benchmark."""
    return {
        "order": block.order,
        "cpus": block.cpus,
        "seconds": round(block.seconds, 3),
        "rounds_s": {
            tree: {name: list(sample.rounds_s) for name, sample in samples.items()}
            for tree, samples in block.samples.items()
        },
        "skipped": block.skipped,
    }


def infos(block: Block) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the `extra_info` of a block's benchmarks, by tree, then benchmark."""
    return {
        tree: {name: sample.info for name, sample in samples.items()}
        for tree, samples in block.samples.items()
    }
