"""Coverage-guided fuzzing of image preparation (not collected by pytest).

    tox -e fuzz -- CORPUS

CORPUS is a directory: small valid files are put into it at first, and libFuzzer adds every input
that reaches new code. What it prints, and its other flags: https://llvm.org/docs/LibFuzzer.html.
An input that fails is written to the working directory as crash-*, timeout-* or oom-*; give its
path in place of CORPUS to run it again, and add it to `tests/models/preprocessing/test_damage.py`.

The first byte of an input chooses how the picture is prepared; the rest is the encoded file. The
warnings of other libraries are findings, too. The
Python code of Pillow and of this project is instrumented, the decoders' C code is not. What an
instrumented comparison returns is never freed (atheris 3.0.0): arrays are compared by `np.equal`.
"""

from __future__ import annotations

import io
import struct
import sys
import warnings
import zlib
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["PIL", "models"]):
    from PIL import (  # noqa: F401 - imported here to be instrumented
        AvifImagePlugin,
        BmpImagePlugin,
        ExifTags,
        GifImagePlugin,
        Image,
        ImageFile,
        JpegImagePlugin,
        JpegPresets,
        MpoImagePlugin,
        PngImagePlugin,
        TiffImagePlugin,
        WebPImagePlugin,
    )

    from models.preprocessing import Preparation, PreprocessingError, decode, prepare
    from models.preprocessing.tensors import TensorSpec

import numpy as np

from fixtures.strategies import encode, input_spec
from tests.proofs import bombs
from tests.proofs.icc import DISPLAY_P3, rgb_profile

SPECS = [
    input_spec("float32"),
    input_spec("uint8", 32, 48),
    input_spec("int8", 7, 5),
    TensorSpec(0, (1, 3, 20, 30), np.dtype("float32")),
    TensorSpec(0, (1, 16, 16, 1), np.dtype("uint8"), 1 / 128, 128),
]
PREPARATIONS = [
    Preparation(),
    Preparation(fit="letterbox", resampling="android", ground=(0, 0, 0)),
    Preparation(fit="crop", region=(0.1, 0, 0.35, 0.9), channel_order="BGR"),
    Preparation(resampling="android", colour_profile="ignored"),
]
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def test_one_input(data: bytes) -> None:
    """Prepare one picture; anything but a tensor or `PreprocessingError` is a finding."""
    if not data:
        return
    choice, encoded = data[0], data[1:]
    spec = SPECS[choice % len(SPECS)]
    preparation = PREPARATIONS[choice // len(SPECS) % len(PREPARATIONS)]
    source = io.BytesIO(encoded) if choice >= 128 else encoded
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tensor = prepare(source, spec, preparation)
    except PreprocessingError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    assert tensor.shape == spec.shape
    assert tensor.dtype == spec.dtype
    if choice % 16 == 0:
        assert decode(encoded).shape[2] == 3


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Mutate as libFuzzer does, then make a PNG's checksums right, else no change gets through."""
    mutated = atheris.Mutate(data, max_size)
    if seed % 8 and mutated[1:9] == PNG_SIGNATURE:
        return (mutated[:1] + with_checksums(mutated[1:]))[:max_size]
    return mutated


def with_checksums(png: bytes) -> bytes:
    """Write the right CRC behind each chunk of a PNG, as far as its lengths make sense."""
    data, position = bytearray(png), len(PNG_SIGNATURE)
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        end = position + 8 + length
        if end + 4 > len(data):
            break
        struct.pack_into(">I", data, end, zlib.crc32(data[position + 4 : end]))
        position = end + 4
    return bytes(data)


def write_seeds(directory: Path) -> None:
    """Put one small file of each container, coding and colour mode into the corpus."""
    pixels = np.random.RandomState(0).randint(0, 256, (9, 12, 4)).astype(np.uint8)
    colour, grey = pixels[..., :3], pixels[..., :1]
    seeds = [encode(colour, "JPEG", orientation) for orientation in (1, 6)]
    seeds += [encode(colour, "JPEG", progressive=True), encode(grey, "JPEG", quality=20)]
    seeds += [encode(np.tile(colour, (30, 20, 1)), "JPEG", quality=5)]
    seeds += [encode(picture, "PNG", 3) for picture in (pixels, colour, grey, pixels[..., :2])]
    seeds += [encode(pixels, "WEBP", 8, lossless=True), encode(colour, "WEBP", quality=10)]
    seeds += [encode(colour, "AVIF"), encode(pixels, "AVIF", 6)]
    seeds += [encode(colour, "BMP"), encode(grey, "GIF"), bombs.bmp_runs(4)]
    seeds += [
        encode(colour, container, icc_profile=rgb_profile(DISPLAY_P3))
        for container in ("JPEG", "PNG", "WEBP")
    ]
    seeds += [bombs.png(3, 2, colour_type=2, depth=16, transparent=bytes(6))]
    seeds += [bombs.png(3, 2, colour_type=kind, depth=8) for kind in (0, 2, 3, 4, 6)]
    seeds += [bombs.png(3, 2, colour_type=0, depth=depth) for depth in (1, 16)]
    seeds += [bombs.jpeg_scans(16, 16, 3), bombs.webp_canvas(8, 8), bombs.png_text(100)]
    for number, seed in enumerate(seeds):
        (directory / f"seed-{number:02}").write_bytes(bytes([number]) + seed)


def main() -> None:
    """Run libFuzzer with the flags of the command line."""
    directories = [Path(text) for text in sys.argv[1:] if Path(text).is_dir()]
    if directories and not any(directories[0].iterdir()):
        write_seeds(directories[0])
    atheris.Setup(sys.argv, test_one_input, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
