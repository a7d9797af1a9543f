"""What the page beside it shows works, and its figures are the code's."""

import dataclasses
import os
import re
from pathlib import Path

import pytest
from hypothesis import settings

from models.preprocessing import Preparation, limits
from models.preprocessing.preparation import parse
from tests.processes import ROOT, python

PAGE = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
TITLES = {"WEBP": "WebP", "HEIF": "HEIC"}
SHARPENED = "def sharpened(pixels):\n    return {}\n"


def ten_lines() -> str:
    (block,) = (text for text in re.findall(r"```python\n(.*?)```", PAGE, re.S) if "my_app" in text)
    return block


def run_ten_lines(directory: Path, implementation: str) -> str:
    (directory / "my_app.py").write_text(SHARPENED.format(implementation))
    test = directory / "test_sharpening.py"
    test.write_text(ten_lines())
    return python(
        "-m", "pytest", "-q", "-c", ROOT / "pytest.ini", "--rootdir", directory, "--confcutdir",
        directory, test, "-p", "tests.conftest", "--hypothesis-profile=dev",  # `ci` keeps nothing
        cwd=directory, PYTHONPATH=os.pathsep.join((str(directory), str(ROOT))),
    ).stdout  # fmt: skip


def test_the_ten_lines_are_ten():
    assert len(ten_lines().strip().splitlines()) <= 12
    assert sum(bool(line.strip()) for line in ten_lines().splitlines()) <= 11


def test_the_ten_lines_pass(tmp_path):
    assert "1 passed" in run_ten_lines(tmp_path, "pixels.copy()")


@pytest.mark.slow
def test_the_ten_lines_fail_kept_and_replayable(tmp_path):
    said = run_ten_lines(tmp_path, "255 - pixels")
    assert "1 failed" in said
    assert "@reproduce_failure" in said
    assert list((tmp_path / ".hypothesis" / "examples").rglob("*"))


def test_profiles():
    shown = re.findall(r"\| `(\w+)` \| ([\d,]+) \|", PAGE)
    assert [name for name, _ in shown] == ["dev", "ci", "thorough"]
    for name, examples in shown:
        profile = settings.get_profile(name)
        assert profile.max_examples == int(examples.replace(",", ""))
        assert profile.deadline is None  # a busy machine fails no test


def test_limits():
    for container, each in limits.DECODING_BYTES_PER_PIXEL.items():
        megapixels = limits.MAX_DECODING_BYTES / each / 1e6
        assert (
            f"| {TITLES.get(container, container)} | {megapixels:.3g} megapixels | {each} by"
            in PAGE
        )
    assert f"| JPEG's file | {limits.MAX_JPEG_BYTES / 1e6:.0f} MB |" in PAGE
    assert f"| any picture | {limits.MAX_PIXELS / 1e6:.0f} megapixels |" in PAGE
    assert f"| file | {limits.MAX_ENCODED_BYTES / 1e6:.0f} MB |" in PAGE
    assert f"| side | {limits.MAX_SIDE:,} pixels |" in PAGE
    assert f"| scans of a JPEG | {limits.MAX_JPEG_SCANS} |" in PAGE
    assert f"| a BMP of run lengths | {limits.MAX_BMP_RUNS_BYTES / 1e6:.0f} MB |" in PAGE
    header = f"{limits.MAX_JPEG_HEADER_BYTES / 1e6:.0f} MB in {limits.MAX_JPEG_SEGMENTS:,} segments"
    assert f"| before a JPEG's first scan | {header} |" in PAGE


def test_every_option_stands_in_the_table():
    table = PAGE[PAGE.index("| option |") :]
    for field in dataclasses.fields(Preparation):
        assert f"`{field.name}=" in table or f"{field.name}=256`" in table
    for text in re.findall(r"--prepare ([a-z][^\s`]+)", PAGE):
        assert parse(text)


def test_the_description_works():
    (block,) = (
        text for text in re.findall(r"```python\n(.*?)```", PAGE, re.S) if "as_dict" in text
    )
    code = block[: block.index("tensor =")]
    exec(compile(code, "README.md", "exec"), {})
