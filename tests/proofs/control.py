"""How much of Patch Separable's speed is reading less? `python -m tests.proofs.control`, idle.

Its stem reads 17 x 17 patches of 2 x 2: as many pixels as a picture of 34 x 34 has. The study's
four are built for such pictures, untrained, as weights do not change what a call takes, and timed
in turns with Patch Separable and the committed files. What it still saves is its shape; what they
save is reading less. Nothing is said of what they would be right in. Three minutes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from bench.__main__ import main as bench
from models import zoo
from models.files.artifacts import artifact
from models.running import runtimes

PRECISIONS = ("float32", "int8")


def small(name: str, side: int, precision: str, folder: Path) -> Path:
    """Convert a network for pictures of that side, with chance weights, and return the file."""
    from models.conversion import convert

    pictures = np.random.default_rng(0).integers(0, 256, (50, side, side, 3), np.uint8)
    path = folder / f"{name}_{side}-{precision}.tflite"
    path.write_bytes(convert(zoo.find(name).build((side, side, 3)), precision, pictures))
    return path


def main(blocks: str = "20") -> int:
    """Print a table a precision: Patch Separable's `invoke` as a share of the others'."""
    runtimes.preload()
    from models.architectures.patch_separable import PATCH_SIDE, PATCH_STRIDES

    side = ((100 - PATCH_SIDE) // PATCH_STRIDES + 1) * PATCH_SIDE
    four = [name for name, row in zoo.ARCHITECTURES.items() if row.in_study]
    with tempfile.TemporaryDirectory() as folder:
        for precision in PRECISIONS:
            files = [artifact(name, precision).path for name in four]
            files += [small(name, side, precision, Path(folder)) for name in four]
            models = [word for file in files for word in ("--model", str(file))]
            own = str(artifact("patch_separable", precision).path)
            if status := bench(["ratios", own, *models, "--blocks", blocks]):
                return status
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
