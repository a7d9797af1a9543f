"""No input takes more than 200 MB, nor hangs: each is prepared in a process of its own."""

import functools
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fixtures.strategies import encode, input_spec
from models.preprocessing import CameraFrame, PreprocessingError, limits, prepare
from tests.processes import python
from tests.proofs import bombs

MEMORY_LIMIT_BYTES = 200_000_000

CHILD = """
import json, sys
import numpy as np
from models.preprocessing import CameraFrame, Preparation, PreprocessingError, prepare
from models.preprocessing.tensors import TensorSpec

def resident_bytes(kind):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(kind))

side = int(sys.argv[3])
spec = TensorSpec(0, (1, side, side, 3), np.dtype("float32"))
before = resident_bytes("VmRSS")
try:
    prepare(sys.argv[1], spec, Preparation(resampling=sys.argv[2]))
    refusal = None
except PreprocessingError as error:
    refusal = str(error)
print(json.dumps({"refusal": refusal, "peak_bytes": resident_bytes("VmHWM") - before}))
"""


def orientation_tag() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def large(mode: str, container: str, side: int, **options) -> bytes:
    """A picture as large as its container may be, turned on its side."""
    image = Image.effect_noise((side, side), 20).convert(mode)
    if mode == "RGBA":
        image.putalpha(image.getchannel(0))  # else WebP leaves the channel out
    stream = io.BytesIO()
    image.save(stream, container, exif=orientation_tag(), **options)
    return stream.getvalue()


def side_of(container: str) -> int:
    pixels = limits.MAX_DECODING_BYTES / limits.DECODING_BYTES_PER_PIXEL[container]
    return int(pixels**0.5)


def side_at(bytes_per_pixel: float) -> int:
    """Of a JPEG decoded whole; it is that of an even number, as halved chroma is."""
    return int((limits.MAX_DECODING_BYTES / bytes_per_pixel) ** 0.5) // 16 * 16


TAKEN: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: large("RGB", "JPEG", side_at(8)),
    "jpeg progressive": lambda: large("RGB", "JPEG", side_at(8), progressive=True),
    "jpeg progressive 4:4:4": lambda: large(
        "RGB", "JPEG", side_at(10), progressive=True, subsampling="4:4:4"
    ),
    "jpeg progressive cmyk": lambda: large("CMYK", "JPEG", side_at(12), progressive=True),
    "jpeg scans": lambda: bombs.jpeg_scans(3600, 3600, limits.MAX_JPEG_SCANS),
    "png rgba": lambda: large("RGBA", "PNG", side_of("PNG"), compress_level=1),
    "png rgba 16 bits": lambda: bombs.png(side_of("PNG"), side_of("PNG"), depth=16),
    "png grey 16 bits": lambda: bombs.png(
        side_of("PNG"), side_of("PNG"), colour_type=0, depth=16, transparent=b"\0\0"
    ),
    "png grey alpha": lambda: bombs.png(side_of("PNG"), side_of("PNG"), colour_type=4),
    "png palette": lambda: bombs.png(side_of("PNG"), side_of("PNG"), colour_type=3),
    "png comments": lambda: bombs.png_text(900_000),
    "png tall": lambda: bombs.png(244, limits.MAX_SIDE, colour_type=0, depth=16),
    "png thin": lambda: bombs.png(1, limits.MAX_SIDE),
    "png million chunks": lambda: bombs.png_chunks(1_000_000),
    "bmp": lambda: large("P", "BMP", side_of("BMP")),
    "gif": lambda: large("P", "GIF", side_of("GIF"), transparency=0),
    "jpeg header": lambda: bombs.jpeg_segments(
        limits.MAX_JPEG_HEADER_BYTES // 65_537 - 1, large("RGB", "JPEG", side_at(8))
    ),
    "webp": lambda: large("RGB", "WEBP", side_of("WEBP"), method=0),
    "webp alpha": lambda: large(
        "RGBA", "WEBP", side_of("WEBP"), method=0, lossless=True, quality=0
    ),
    "webp with a tail": lambda: large("RGB", "WEBP", side_of("WEBP"), method=0).ljust(
        limits.MAX_ENCODED_BYTES
    ),
    "webp canvas": lambda: bombs.webp_canvas(side_of("WEBP"), side_of("WEBP")),
}
REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "jpeg large": (
        lambda: bombs.jpeg_scans(10_000, 9_000, 1),
        "90.0 megapixels, more than the 77.6 that a JPEG of several scans may",
    ),
    "jpeg largest": (lambda: bombs.jpeg_repeated(65500, 65500, 1), "more than the 200 allowed"),
    "jpeg scans": (lambda: bombs.jpeg_scans(3600, 3600, 100_000), "100000 JPEG scans"),
    "jpeg repeated": (lambda: bombs.jpeg_repeated(3600, 3600, 100_000), "100000 JPEG scans"),
    "jpeg application segments": (
        lambda: bombs.jpeg_segments(1_400),
        "more than 16 MB, or 10,000 segments, before its",
    ),
    "jpeg short segments": (
        lambda: bombs.jpeg_segments(3_000_000, length=2),
        "more than 16 MB, or 10,000 segments",
    ),
    "jpeg junk": (lambda: bombs.jpeg_junk(90_000_000), "more than 16 MB, or 10,000 segments"),
    "bmp runs": (lambda: bombs.bmp_runs(4_000_000), "8 MB encoded, more than the 4 MB"),
    "png large": (lambda: bombs.png(4001, 4001), "16.0 megapixels, more than the 16.0"),
    "png larger": (lambda: bombs.png(10_000, 10_000, colour_type=0, depth=1), "100.0 megapixels"),
    "png endless": (lambda: bombs.png(3, 4_521_986, colour_type=0, depth=16), "65535 that a side"),
    "png bomb": (lambda: bombs.png(60_000, 60_000, colour_type=0, depth=1), "3600.0 megapixels"),
    "png comment": (lambda: bombs.png_text(500_000_000), "too large"),
    "webp large": (lambda: bombs.webp_canvas(9000, 9000), "81.0 megapixels, more than the 7.3"),
    "webp bomb": (lambda: bombs.webp_canvas(16_383, 16_383), "bomb"),
}


def prepare_in_a_child(path: Path, scaling: str, side: int = 100) -> dict:
    return json.loads(python("-W", "ignore", "-c", CHILD, path, scaling, side).stdout)


def outcome_of(make: Callable[[], bytes], directory: Path, scaling: str) -> dict:
    path = directory / "picture"
    path.write_bytes(make())
    return prepare_in_a_child(path, scaling)


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the peak memory is read from Linux's /proc"
)


@pytest.mark.slow
@needs_proc
@pytest.mark.parametrize("scaling", ["antialiased", "android"])
@pytest.mark.parametrize("name", TAKEN)
def test_the_largest_that_are_taken(name, scaling, tmp_path):
    """Scaling as a phone does needs a JPEG decoded whole."""
    outcome = outcome_of(TAKEN[name], tmp_path, scaling)
    assert outcome["refusal"] is None
    assert outcome["peak_bytes"] < MEMORY_LIMIT_BYTES


@pytest.mark.slow
@needs_proc
def test_a_cut_jpeg_takes_no_more(tmp_path):
    """Although its reason is looked for in the file, while its pixels are there still."""
    whole = TAKEN["jpeg header"]()
    outcome = outcome_of(lambda: whole[: -len(whole) // 20], tmp_path, "antialiased")
    assert "ends too early" in outcome["refusal"]
    assert outcome["peak_bytes"] < MEMORY_LIMIT_BYTES


@pytest.mark.slow
@needs_proc
@pytest.mark.parametrize("name", REFUSED)
def test_bombs_are_refused_before_they_are_decoded(name, tmp_path):
    make, reason = REFUSED[name]
    outcome = outcome_of(make, tmp_path, "antialiased")
    assert outcome["refusal"] is not None
    assert reason in outcome["refusal"]
    assert outcome["peak_bytes"] < 10_000_000


@needs_proc
def test_two_hundred_megapixels_are_taken_at_a_fraction(tmp_path):
    """And not where they would have to be decoded whole."""
    path = tmp_path / "picture"
    path.write_bytes(bombs.jpeg_repeated(16_320, 12_240, 1, is_interleaved=True))
    outcome = prepare_in_a_child(path, "antialiased", side=224)
    assert outcome["refusal"] is None
    assert outcome["peak_bytes"] < 30_000_000
    refused = prepare_in_a_child(path, "android")
    assert "199.8 megapixels, more than the 40.0 that a JPEG picture may have" in refused["refusal"]
    assert refused["peak_bytes"] < 10_000_000


@needs_proc
def test_a_thin_picture_grows_no_larger_on_its_way(tmp_path):
    """65,535 rows of 1,000 pixels would lie between the two."""
    path = tmp_path / "picture"
    path.write_bytes(bombs.png(1, limits.MAX_SIDE, colour_type=2))
    outcome = prepare_in_a_child(path, "antialiased", side=1000)
    assert outcome["refusal"] is None
    assert outcome["peak_bytes"] < 50_000_000


@needs_proc
def test_a_gigantic_file_is_refused_unread(tmp_path):
    path = tmp_path / "picture"
    with path.open("wb") as file:
        file.truncate(10**12)  # sparse: takes no room on the disk
    outcome = prepare_in_a_child(path, "antialiased")
    assert "1000000 MB encoded" in outcome["refusal"]
    assert outcome["peak_bytes"] < 10_000_000


def test_gigantic_bytes_are_refused():
    with pytest.raises(PreprocessingError, match="40 MB allowed"):
        prepare(bytes(limits.MAX_ENCODED_BYTES + 1), input_spec())


def test_a_picture_that_pillow_opened_is_checked_before_it_is_decoded():
    with (
        Image.open(io.BytesIO(bombs.png(4001, 4001))) as image,
        pytest.raises(PreprocessingError, match="megapixels, more than"),
    ):
        prepare(image, input_spec())


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: bombs.webp_canvas(9000, 9000), "megapixels, more than"),
        (lambda: bombs.jpeg_scans(3600, 3600, 10_000), "10000 JPEG scans"),
    ],
    ids=["webp canvas", "jpeg scans"],
)
def test_an_image_not_yet_decoded_has_the_limits_of_its_file(make, reason):
    with Image.open(io.BytesIO(make())) as image, pytest.raises(PreprocessingError, match=reason):
        prepare(image, input_spec())


@pytest.mark.parametrize(
    "source",
    [
        CameraFrame(np.broadcast_to(np.uint8(0), 72_000_000), 8000, 6000),
        np.broadcast_to(np.uint8(0), (8000, 6000, 3)),
        np.broadcast_to(np.float32(0), (8000, 6000, 3)),
        np.broadcast_to(np.uint16(0), (8000, 6000)),
    ],
    ids=["frame", "bytes", "floats", "16 bits"],
)
def test_what_is_in_memory_is_limited_before_it_is_converted(source):
    """48 megapixels that take no memory themselves, since each pixel is the same."""
    with pytest.raises(PreprocessingError, match=r"48\.0 megapixels, more than"):
        prepare(source, input_spec())


ARRAYS = {
    "frame": (14.4, "CameraFrame(np.zeros(h * w * 3 // 2, np.uint8), w, h, rotation_degrees=90)"),
    "rgba": (19.9, "np.zeros((h, w, 4), np.uint8)"),
    "grey": (19.9, "np.zeros((h, w), np.uint8)"),
    "16 bits": (13.2, "np.zeros((h, w, 4), np.uint16)"),
    "floats": (9.9, "np.zeros((h, w, 4), np.float32)"),
}


@needs_proc
@pytest.mark.parametrize("kind", ARRAYS)
def test_the_largest_in_memory(kind):
    """Beside the source itself, whose pages are counted by filling them first."""
    megapixels, source = ARRAYS[kind]
    height = int((megapixels * 1e6) ** 0.5) // 2 * 2
    make = f"h = w = {height}; source = {source}; getattr(source, 'data', source)[...] = 7"
    make = make.replace(
        "getattr(source, 'data', source)", "source.data" if kind == "frame" else "source"
    )
    child = CHILD.replace("side = int(sys.argv[3])", f"{make}; side = 100")
    child = child.replace("prepare(sys.argv[1]", "prepare(source").replace(
        "sys.argv[2]", "'android'"
    )
    outcome = json.loads(python("-W", "ignore", "-c", child).stdout)
    assert outcome["refusal"] is None
    assert outcome["peak_bytes"] < MEMORY_LIMIT_BYTES


@pytest.mark.parametrize("progressive", [False, True])
def test_the_film_behind_a_motion_photo_is_no_scan(progressive):
    """Random bytes hold the marker of a scan by chance, far more often than a JPEG has scans."""
    photo = encode(np.full((40, 40, 3), 90, np.uint8), "JPEG", progressive=progressive)
    film = np.random.RandomState(0).bytes(12_000_000)
    assert film.count(b"\xff\xda") > limits.MAX_JPEG_SCANS
    np.testing.assert_array_equal(prepare(photo + film, input_spec()), prepare(photo, input_spec()))


@functools.cache
def twelve_megapixels() -> bytes:
    return encode(np.zeros((3024, 4032, 3), np.uint8), "JPEG")


def test_a_phones_twelve_megapixels_are_taken():
    assert prepare(twelve_megapixels(), input_spec()).shape == (1, 100, 100, 3)
