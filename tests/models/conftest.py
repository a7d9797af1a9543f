"""A classifier of colours, and pictures of its classes."""

import pytest
from PIL import Image

from models.files.artifacts import user_model
from tests.models.small_files import COLOURS, colour_classifier


@pytest.fixture
def pictures(tmp_path):
    """Four pictures a class; one of the green ones is blue, one of the red ones is damaged."""
    root = tmp_path / "pictures"
    for name in COLOURS:
        (root / name).mkdir(parents=True)
        for number in range(4):
            Image.new("RGB", (20, 10), name).save(root / name / f"{number}.png")
    Image.new("RGB", (20, 10), "blue").save(root / "green" / "0.png")
    (root / "red" / "3.png").write_bytes(b"no picture")
    return root


@pytest.fixture
def file(tmp_path):
    """A function that writes a user's model, and returns it."""

    def write_file(content):
        path = tmp_path / "mine.tflite"
        path.write_bytes(content)
        return user_model(path)

    return write_file


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "colours.tflite"
    path.write_bytes(colour_classifier())
    (tmp_path / "labels.txt").write_text("\n".join(COLOURS))
    return path
