"""Preparation from JPEG bytes, beside what well-kept libraries take for the same.

    tox -e libraries -- [--size 640x480] [--rounds 300]

Every way goes from the same bytes to a float32 tensor of shape (1, 100, 100, 3), in one thread.
The ways are interleaved in random orders, so that what else the machine does meets all of them
alike. Beside the times stands how far a way's pixels lie from the reference: the picture
decoded whole and made small with an antialiased bilinear filter in floating point. Ways whose
largest error is above `SAME_PICTURE` are shown, but make another picture: they are no yardstick.

Libraries that are not installed are left out.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import io
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image

from bench.host import JPEG_SIZES, jpeg
from bench.statistics.intervals import Estimate, interleave, one_sample
from bench.tables import Table
from models.preprocessing import prepare
from models.preprocessing.tensors import TensorSpec
from models.running.samples import IMAGE_SHAPE
from models.terminal.options import positive

SPEC = TensorSpec(0, IMAGE_SHAPE, np.dtype("float32"))
TARGET = (IMAGE_SHAPE[2], IMAGE_SHAPE[1])
DRAFT = (2 * TARGET[0], 2 * TARGET[1])
SAME_PICTURE = 6.0
"""Largest error of any pixel, in grey levels, of a way that keeps the antialiased bilinear filter:
what decoding at half the size costs, while other filters are off by more than ten."""

ALLOWED_RATIO = 1.2
OURS = "this project"

Way = Callable[[bytes], np.ndarray]


@dataclass(frozen=True)
class Row:
    """One way of preparing a JPEG.

    Attributes:
        name: library, version and what of it is used.
        times_s: seconds of each round.
        mean_error, max_error: distance from the reference, in grey levels.
    """

    name: str
    times_s: tuple[float, ...]
    mean_error: float
    max_error: float

    @property
    def median_ms(self) -> float:
        """Median of the rounds in milliseconds."""
        return 1e3 * float(np.median(self.times_s))

    @property
    def is_same_picture(self) -> bool:
        """Whether the way is a yardstick."""
        return self.max_error <= SAME_PICTURE


def ways() -> dict[str, Way]:
    """Return every way whose library is installed, by name; this project's first."""
    found: dict[str, Way] = {OURS: lambda data: prepare(data, SPEC)}
    for distribution, make in _LIBRARIES.items():
        try:
            version = importlib.metadata.version(distribution)
            made = make()
        except (ImportError, OSError):  # OSError: a binding without its C library
            continue
        for name, way in made.items():
            found[f"{distribution} {version}: {name}"] = way
    return found


def compare(data: bytes, rounds: int) -> list[Row]:
    """Time every way on a JPEG, interleaved; the fastest median first."""
    candidates = ways()
    expected = reference(data)
    errors = {name: np.abs(way(data) - expected) for name, way in candidates.items()}
    times_s: dict[str, list[float]] = {name: [] for name in candidates}

    def run_round(name: str) -> bool:
        start = time.perf_counter()
        candidates[name](data)
        times_s[name].append(time.perf_counter() - start)
        return len(times_s[name]) < rounds

    interleave([partial(run_round, name) for name in candidates], random.Random(0))
    rows = [
        Row(name, tuple(times_s[name]), float(errors[name].mean()), float(errors[name].max()))
        for name in candidates
    ]
    return sorted(rows, key=lambda row: row.median_ms)


def reference(data: bytes) -> np.ndarray:
    """Decode whole, resize each channel in floating point: float32, shape (1, 100, 100, 3)."""
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), np.float32)
    channels = [
        np.asarray(Image.fromarray(channel).resize(TARGET, Image.Resampling.BILINEAR))
        for channel in np.moveaxis(pixels, 2, 0)
    ]
    return np.stack(channels, axis=2)[np.newaxis]


def ratio_to_best(rows: list[Row]) -> Estimate:
    """Return this project's time over the best other way's to the same picture, round by round."""
    ours = next(row for row in rows if row.name == OURS)
    best = next(row for row in rows if row.is_same_picture and row.name != OURS)
    return one_sample(np.divide(ours.times_s, best.times_s).tolist(), 0.025, 0.025)


def markdown(rows: list[Row]) -> str:
    """Return the comparison as the README shows it."""
    heads = ("way", "median ms", "mean error", "largest error", "same picture")
    cells = [
        (row.name, row.median_ms, row.mean_error, row.max_error,
         "yes" if row.is_same_picture else "no")
        for row in rows
    ]  # fmt: skip
    return Table(heads, cells, ("", ".2f", ".2f", ".1f", "")).markdown()


def main(argv: list[str] | None = None) -> int:
    """Print the comparison; exit status 1 where this project is more than `ALLOWED_RATIO` off."""
    parser = argparse.ArgumentParser(prog="python -m tests.proofs.libraries", description=__doc__)
    parser.add_argument("--size", choices=list(JPEG_SIZES), default="640x480")
    parser.add_argument("--rounds", type=positive, default=300, metavar="N")
    arguments = parser.parse_args(argv)
    rows = compare(jpeg(arguments.size), arguments.rounds)
    ratio = ratio_to_best(rows)
    print(markdown(rows))
    interval = f"{ratio.value:.2f} (95 % interval {ratio.lower:.2f} to {ratio.upper:.2f})"
    print(f"{OURS} / best other of the same picture: {interval}, at most {ALLOWED_RATIO}")
    return 0 if ratio.value <= ALLOWED_RATIO else 1


def _small(image: Image.Image, reducing_gap: float | None = None) -> np.ndarray:
    """Resize by Pillow's bilinear filter: float32, shape (1, 100, 100, 3)."""
    small = image.resize(TARGET, Image.Resampling.BILINEAR, reducing_gap=reducing_gap)
    return np.asarray(small, np.float32)[np.newaxis]


def _pillow() -> dict[str, Way]:
    def opened(data: bytes) -> Image.Image:
        return Image.open(io.BytesIO(data))

    def draft(data: bytes) -> np.ndarray:
        image = opened(data)
        image.draft("RGB", DRAFT)
        return _small(image)

    return {
        "whole": lambda data: _small(opened(data)),
        "reducing_gap=2": lambda data: _small(opened(data), reducing_gap=2),
        "draft": draft,
    }


def _opencv() -> dict[str, Way]:
    import cv2

    cv2.setNumThreads(1)

    def way(flag: int, interpolation: int) -> Way:
        def run(data: bytes) -> np.ndarray:
            image = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
            small = cv2.resize(image, TARGET, interpolation=interpolation)
            return cv2.cvtColor(small, cv2.COLOR_BGR2RGB).astype(np.float32)[np.newaxis]

        return run

    return {
        "whole, INTER_AREA": way(cv2.IMREAD_COLOR, cv2.INTER_AREA),
        "half, INTER_AREA": way(cv2.IMREAD_REDUCED_COLOR_2, cv2.INTER_AREA),
        "quarter, INTER_AREA": way(cv2.IMREAD_REDUCED_COLOR_4, cv2.INTER_AREA),
        "whole, INTER_LINEAR": way(cv2.IMREAD_COLOR, cv2.INTER_LINEAR),
    }


def _simplejpeg() -> dict[str, Way]:
    simplejpeg = importlib.import_module("simplejpeg")

    def draft(data: bytes) -> np.ndarray:
        pixels = simplejpeg.decode_jpeg(data, min_width=DRAFT[0], min_height=DRAFT[1])
        return _small(Image.fromarray(pixels))

    return {"scaled decoding, Pillow's resize": draft}


def _imagecodecs() -> dict[str, Way]:
    decode = importlib.import_module("imagecodecs").jpeg8_decode
    return {"whole, Pillow's resize": lambda data: _small(Image.fromarray(decode(data)))}


def _pyvips() -> dict[str, Way]:
    pyvips = importlib.import_module("pyvips")

    def thumbnail(data: bytes) -> np.ndarray:
        image = pyvips.Image.thumbnail_buffer(data, TARGET[0], height=TARGET[1], size="force")
        return image.numpy().astype(np.float32)[np.newaxis]

    def linear(data: bytes) -> np.ndarray:
        image = pyvips.Image.new_from_buffer(data, "", shrink=2)
        scale, vertical = TARGET[0] / image.width, TARGET[1] / image.height
        small = image.resize(scale, vscale=vertical, kernel="linear")
        return small.numpy().astype(np.float32)[np.newaxis]

    return {"thumbnail": thumbnail, "half, linear": linear}


def _kornia() -> dict[str, Way]:
    kornia_rs = importlib.import_module("kornia_rs")

    decoder = kornia_rs.io.ImageDecoder()

    def whole(data: bytes) -> np.ndarray:
        small = kornia_rs.imgproc.resize(decoder.decode(data), (TARGET[1], TARGET[0]), "bilinear")
        return np.asarray(small).astype(np.float32)[np.newaxis]

    return {"whole, bilinear": whole}


_LIBRARIES: dict[str, Callable[[], dict[str, Way]]] = {
    "pillow": _pillow,
    "pillow-simd": _pillow,
    "opencv-python-headless": _opencv,
    "simplejpeg": _simplejpeg,
    "imagecodecs": _imagecodecs,
    "pyvips": _pyvips,
    "kornia-rs": _kornia,
}
"""By distribution. Pillow-SIMD takes the place of Pillow: where it is installed, both are it."""


if __name__ == "__main__":
    sys.exit(main())
