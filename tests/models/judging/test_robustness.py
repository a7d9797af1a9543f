"""The measurement of robustness, on a model whose answers are known."""

import json
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from fixtures.strategies import input_spec
from models.data.canary_images import canary_images
from models.data.changes import FRUIT, named
from models.data.photographs import Photographs
from models.files.cards import Share
from models.judging import robustness
from models.judging.robustness import CHANGES, Change, Outcome, measure
from models.training import distortions


class CornerModel:
    """Answers 1 where the upper left pixel is white."""

    input = input_spec()

    def predict(self, tensor):
        return np.eye(2)[int((tensor[0, 0, 0] == 255).all())]


@pytest.fixture
def pixels():
    images = canary_images(4)
    images[1, 0, 0] = 0  # its corner is black, and stays so under no change but a shift
    return images


@pytest.fixture
def pictures(pixels, tmp_path):
    files = ("a.png", "b.png", "c.png", "d.png")
    for file, picture in zip(files, pixels, strict=True):
        Image.fromarray(picture).save(tmp_path / file)
    return Photographs(tmp_path, files, np.array([1, 0, 1, 1]), files, ("black", "white"))


def test_one_picture_at_a_time_is_in_memory(tmp_path):
    """However many there are: of twelve megapixels each takes 36 MB."""
    files = tuple(f"{number}.png" for number in range(12))
    for file in files:
        Image.new("RGB", (1000, 1000), "white").save(tmp_path / file)
    pictures = Photographs(tmp_path, files, np.ones(12, int), files, ("black", "white"))
    tracemalloc.start()
    (result,) = measure({"corner": CornerModel()}, pictures, CHANGES[:1])
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert result.right == Share(12, 12)
    assert peak_bytes < 4 * 3_000_000


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_every_change_gives_a_picture(change, pixels):
    for number, one in enumerate(pixels):
        distorted = change.distort(one, number)
        assert distorted.dtype == np.uint8
        assert distorted.ndim == 3
        same = distorted.shape == one.shape and (distorted == one).all()
        assert same == (change.name == "none")


def _fruit(pixels):
    return pixels.min(axis=2) < distortions.GROUND_FROM


def _area(pixels):
    return _fruit(pixels).mean()


def _turned_by(pixels, original):
    """Degrees that bring the original nearest to a picture."""
    angles = range(-90, 91, 5)
    distances = [
        np.abs(distortions.rotated(original, angle).astype(int) - pixels).mean() for angle in angles
    ]
    return angles[int(np.argmin(distances))]


def test_each_change_goes_the_way_that_its_name_says(pixels):
    """And as far, as measured on the picture that it makes."""
    one = distortions.scaled(pixels[2], 0.7)  # so that no change cuts it
    seen = {change.name: change.distort(one, 0) for change in CHANGES}
    grey = np.full((9, 9, 3), 100, np.uint8)
    levels = {change.name: change.distort(grey, 0).mean() for change in CHANGES}
    for percent in (5, 20):
        assert levels[f"{percent} % darker"] == 100 - percent
        assert levels[f"{percent} % brighter"] == pytest.approx(100 + percent, abs=1)
    for name, factor in (("smaller", -1), ("larger", 1)):
        for percent in (5, 20):
            scale = np.sqrt(_area(seen[f"{percent} % {name}"]) / _area(one))
            assert scale == pytest.approx(1 + factor * percent / 100, abs=0.02)
    for degrees in (5, 15, 45, 90):
        assert _turned_by(seen[f"rotated by {degrees} degrees"], one) == degrees
    errors = [
        np.abs(seen[f"JPEG quality {quality}"].astype(int) - one).mean() for quality in (75, 50, 20)
    ]
    assert errors == sorted(errors)
    grounds = {"light grey": (230, 230, 230), "beige": (245, 235, 215), "dark grey": (120,) * 3}
    for name, colour in grounds.items():
        assert tuple(seen[f"on {name}"][0, 0]) == colour
    for percent in (5, 10):
        moved = seen[f"shifted by {percent} %"]
        np.testing.assert_array_equal(moved[:, percent:], one[:, :-percent])
        assert (moved[:, :percent] == 255).all()
    for directions, change in ((2, robustness.rotation(90)), (4, robustness.shift(0.1))):
        assert len({change(one, number).tobytes() for number in range(8)}) == directions


def test_another_ground_leaves_the_fruit():
    pixels = canary_images(1)[0]
    changed = distortions.on_ground(pixels, (200, 180, 160))
    assert changed[0, 0].tolist() == [200, 180, 160]
    fruit = pixels.min(axis=2) < distortions.GROUND_FROM
    np.testing.assert_array_equal(changed[fruit], pixels[fruit])


def test_noise_and_blur_are_as_strong_as_they_say():
    grey = np.full((100, 100, 3), 128, np.uint8)
    assert 9.5 < distortions.noisy(grey, 10, seed=1).std() < 10.5
    edge = np.repeat(np.where(np.arange(100) < 50, 0, 200).astype(np.uint8)[None], 100, axis=0)
    rise = np.diff(distortions.blurred(np.stack([edge] * 3, axis=-1), 1.5)[50, :, 0].astype(int))
    assert 0.22 * 200 < rise.max() < 0.32 * 200  # 1 / (1.5 sqrt(2 pi)) = 0.27 of its height


def test_chance_colours_differ_by_the_number_and_are_told_again():
    picture = canary_images(1)[0]
    grounds = [robustness.chance_ground(picture, number)[0, 0].tolist() for number in (0, 1, 0)]
    assert grounds[0] != grounds[1]
    assert grounds[0] == grounds[2]


def test_only_mild_changes_are_judged():
    mild = Change("mild", lambda pixels, number: pixels, is_mild=True)
    severe = Change("severe", lambda pixels, number: pixels)
    low = [Outcome(mild, "a", Share(9_699, 10_000)), Outcome(severe, "a", Share(1, 10))]
    assert [result.is_accepted for result in low] == [False, True]
    assert Outcome(mild, "a", Share(97, 100)).is_accepted
    table = robustness.markdown(low)
    assert "| **mild** | 96.99% (too low) |" in table
    assert "| severe | 10.00% |" in table


def test_shares_of_right_answers_and_of_own_pictures_what_is_lost_without_a_bound(pictures):
    black = Change("black", lambda pixels, number: np.zeros_like(pixels), is_mild=True)
    results = measure({"corner": CornerModel()}, pictures, [CHANGES[0], black])
    assert [result.right.fraction for result in results] == [1.0, 0.25]
    table = robustness.markdown(results, is_own=True)
    assert "| none | 100.00% |\n| black | -75.00 |" in table
    assert not any(word in table for word in ("97%", "too low", "**"))
    assert robustness.to_dict(results, pictures, None)["accepted"] is None
    written = robustness.to_dict(results, pictures, 0.97)
    assert json.loads(json.dumps(written)) == {
        "format": 1, "accepted": 0.97, "images": 4, "fingerprint": pictures.fingerprint,
        "changes": [
            {"name": "none", "is_mild": True, "accuracy": {"corner": {"correct": 4, "images": 4}}},
            {"name": "black", "is_mild": True, "accuracy": {"corner": {"correct": 1, "images": 4}}},
        ],
    }  # fmt: skip


def test_grounds_are_changed_where_the_pictures_have_one():
    left_out = {*CHANGES} - {*robustness.suited(named("mild"))}
    assert {change.name for change in left_out} == {
        "on light grey", "on beige", "on dark grey", "on chance colours"
    }  # fmt: skip
    assert robustness.suited(named("ground")) == CHANGES == robustness.suited(FRUIT)


def test_androids_scaling_is_what_the_model_is_shown(pictures):
    """Of 640x480 pixels both ways of scaling make another tensor, and the model is given that."""

    class Keeps(CornerModel):
        def __init__(self):
            self.seen = []

        def predict(self, tensor):
            self.seen.append(tensor.tobytes())
            return np.eye(2)[0]

    seen = {}
    for change in CHANGES[-2:]:
        model = Keeps()
        measure({"keeps": model}, pictures, [change])
        seen[change.resampling] = set(model.seen)
    assert set(seen) == {"antialiased", "android"}
    assert not seen["antialiased"] & seen["android"]


def test_committed_files_stand_mild_changes(architecture, runtime, photographs):
    """Every tenth photograph; `python -m models robustness` takes them all."""
    from models.files.artifacts import artifact

    names = [f"{architecture.name}-{precision}" for precision in ("float32", "int8")]
    models = {name: runtime.load(artifact(*name.rsplit("-", 1)).read_bytes()) for name in names}
    mild = [change for change in CHANGES if change.is_mild]
    results = measure(models, photographs.take(slice(None, None, 10)), mild)
    assert [result for result in results if not result.is_accepted] == []
