"""Run in a process of its own: `invoke` of several models, one round of each in turn.

    python -m bench.ratio.worker ROUNDS THREADS MODEL.tflite ...

It prints a JSON list a model, of its rounds in nanoseconds.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bench.host.interleaved import take_turns
from models.running.runtimes import RUNTIMES


def main(words: list[str]) -> int:
    """Measure and print; return 0."""
    rounds, threads = int(words[0]), int(words[1])
    loaded = [RUNTIMES["litert"].load(Path(path).read_bytes(), threads) for path in words[2:]]
    print(json.dumps(take_turns(loaded, rounds)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
