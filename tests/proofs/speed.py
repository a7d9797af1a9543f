"""Keep what the pages' tables of times say: `python -m tests.proofs.speed SESSION.json`.

SESSION.json is what `tox -e bench` saved on an idle machine. Quartiles of each model's
`test_classify` in LiteRT go into bench/speed.json; the rows of bench/README.md are printed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from bench.results.rows import host_rows
from bench.results.session import read_session
from models import ROOT, zoo
from models.files.artifacts import PRECISIONS
from models.files.cards import write_json

RECORD = ROOT / "bench" / "speed.json"


def main(path: str) -> int:
    """Write the record, and print the rows."""
    session = read_session(Path(path))
    rows = [
        row for row in host_rows(session.of("test_classify")) if row.info["runtime"] == "litert"
    ]
    quartiles_us = {
        row.model: [
            round(1e6 * each, 2)
            for each in np.percentile(row.results["test_classify"].times_s, (25, 50, 75)).tolist()
        ]
        for row in rows
    }
    record = {
        "processor": session.processor,
        "runs_on": rows[0].runs_on,
        "measured": session.time.isoformat(timespec="seconds"),
        "rounds": len(rows[0].results["test_classify"].times_s),
        "files": {row.model: row.info["sha256"] for row in rows},
        "classify_us": quartiles_us,
    }
    write_json(RECORD, record)
    for name, architecture in zoo.ARCHITECTURES.items():
        cells = (
            "{1:.1f} ({0:.1f} to {2:.1f})".format(*quartiles_us[f"{name}-{precision}"])
            for precision in PRECISIONS
        )
        print(f"| {architecture.title} | {' | '.join(cells)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
