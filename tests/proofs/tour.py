"""The whole way on small data, in a clone of HEAD: `tox -e tour`, some minutes.

Own pictures are learnt, converted, evaluated, benchmarked and reported; the gate fails for a worse
network; history finds the commit that made a model slower; a phone is emulated.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from models.files.artifacts import artifact

ROOT = Path(__file__).parents[2]
NETWORK, SIDE, PICTURES = "patch_separable", 40, 20
COMMITS, SLOWER_FROM = 12, 7
PYTHON, PYTEST = ("python", "-m"), ("python", "-m", "pytest")


def make_pictures(folder: Path) -> None:
    """Write noise of three brightnesses, a folder for each."""
    random = np.random.default_rng(0)
    for level, name in enumerate(("dark", "grey", "light")):
        (folder / name).mkdir(parents=True)
        for number in range(PICTURES):
            pixels = random.integers(80 * level, 80 * level + 60, (SIDE, SIDE, 3), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")


class Tour:
    """Commands in a clone, each printed as it has to be typed."""

    def __init__(self, tree: Path):
        self.tree = tree

    def run(self, *words: str, expected: int = 0) -> str:
        """Run a command and return what it prints; another exit status ends the tour."""
        print(f"\n$ {' '.join(words)}", flush=True)
        program = [sys.executable, *words[1:]] if words[0] == "python" else words
        done = subprocess.run(
            program, cwd=self.tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        print(done.stdout, end="", flush=True)
        if done.returncode != expected:
            sys.exit(f"the tour ends: exit status {done.returncode} in place of {expected}")
        return done.stdout

    def own_pictures(self) -> None:
        """Train, convert, evaluate, measure and report, then let the gate judge a worse network."""
        data = ("--data", "pictures", "--side", str(SIDE))
        make_pictures(self.tree / "pictures")
        for folder, epochs in (("own", ()), ("worse", ("--epochs", "1"))):
            kept = ("--checkpoints", f"kept-{folder}")
            out = (*data, "--artifacts", folder)
            self.run(*PYTHON, "models", "train", NETWORK, *out, *epochs, *kept)
            self.run(*PYTHON, "models", "convert", NETWORK, *out)
        self.run(*PYTHON, "models", "evaluate", *data, "--artifacts", "own")
        measured = ("--benchmark-only", "--artifacts", "own", "--benchmark-json")
        self.run(*PYTEST, "bench", *measured, "own.json", "--device", "none")
        device = (
            "bench/test_device_inference.py",
            "--device",
            "emulated",
            "--precision",
            "float32",
        )
        self.run(*PYTEST, *device, *measured, "phone.json")
        self.run(*PYTHON, "bench", "report", "own.json", "phone.json", "--output", "report.html")
        file = f"{NETWORK}-float32.tflite"
        both = ("--base-model", f"own/{file}", "--model", f"worse/{file}")
        pictures = ("--images", "pictures", "--rounds", "10")
        self.run(*PYTHON, "bench", "gate", *both, "--", *pictures, expected=1)

    def history(self) -> None:
        """Commit a model, from one commit on a slower one, and look for that commit.

        Of six commits history says that they are too few to tell a change from chance.
        """
        for number in range(1, COMMITS + 1):
            name = "alexnet" if number >= SLOWER_FROM else "mobilenet_v2"
            content = artifact(name, "float32").read_bytes()
            (self.tree / "net.tflite").write_bytes(content)
            (self.tree / "number").write_text(f"{number}\n", encoding="utf-8")
            self.run("git", "add", "net.tflite", "number")
            author = ("-c", "user.name=Tour", "-c", "user.email=tour@example.org")
            self.run("git", *author, "commit", "--quiet", "--message", f"Commit {number}")
            if number == SLOWER_FROM:
                slower = self.run("git", "rev-parse", "HEAD")
            benchmark = (
                "bench/test_host_inference.py",
                "--benchmark-only",
                "--model",
                "net.tflite",
            )
            quickly = ("--runtime", "litert", "--benchmark-json", f"commit{number:02}.json")
            self.run(*PYTEST, *benchmark, *quickly)
        found = self.run(*PYTHON, "bench", "history", *map(str, self.sessions()))
        if slower[:8] not in found:
            sys.exit("the tour ends: history did not find the slower commit")

    def sessions(self) -> Iterator[Path]:
        """What was measured of each commit, seen from the tree."""
        return (path.relative_to(self.tree) for path in sorted(self.tree.glob("commit*.json")))


def main() -> None:
    """Walk."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "project"
        subprocess.run(["git", "clone", "--quiet", ROOT, tree], check=True)
        tour = Tour(tree)
        tour.own_pictures()
        tour.history()


if __name__ == "__main__":
    main()
