"""Training: seeded, resumable, and drawn."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

from models.commands.train_command import CHECKPOINTS
from models.files.artifacts import Artifact
from models.files.training_records import training_record

keras = pytest.importorskip("keras", reason="TensorFlow is not installed")
tf = pytest.importorskip("tensorflow")

from models import zoo  # noqa: E402
from models.data.canary_images import canary_images  # noqa: E402
from models.training import augmentation  # noqa: E402
from models.training.augmentation import augment  # noqa: E402
from models.training.train import Examples, Recipe, train  # noqa: E402

SMALL = Recipe(epochs=3, batch_size=8, warmup_epochs=0.5, seed=7)


@pytest.fixture
def examples():
    images = canary_images(32)
    return Examples(images, np.arange(32) % 20)


@pytest.fixture
def network():
    """A tiny network, always with the same initial weights."""

    def build():
        keras.utils.set_random_seed(1)
        image = keras.Input((100, 100, 3))
        x = keras.layers.Rescaling(1 / 255)(image)
        x = keras.layers.Conv2D(4, 9, strides=9, activation="relu")(x)
        x = keras.layers.GlobalAveragePooling2D()(x)
        return keras.Model(image, keras.layers.Dense(20, activation="softmax")(x), name="tiny")

    return build


def test_a_run_that_was_interrupted_ends_as_one_that_was_not(network, examples, tmp_path):
    whole, history = train(network(), examples, examples, SMALL, tmp_path / "whole")

    class InterruptedRunError(Exception):
        pass

    def stop_in_second_epoch(epochs_done, logs):
        if epochs_done == 1:
            raise InterruptedRunError

    with pytest.raises(InterruptedRunError):
        train(
            network(), examples, examples, SMALL, tmp_path / "parts", on_epoch=stop_in_second_epoch
        )
    seen = []
    resumed, resumed_history = train(
        network(), examples, examples, SMALL, tmp_path / "parts",
        on_epoch=lambda done, logs: seen.append(done),
    )  # fmt: skip
    assert seen == [1, 2, 3]
    assert resumed_history[0] == pytest.approx(history[0])
    assert resumed_history[2] == pytest.approx(history[2], rel=1e-4)
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_a_finished_run_is_not_run_again(network, examples, tmp_path):
    train(network(), examples, None, SMALL, tmp_path)
    steps = []
    _, history = train(network(), examples, None, SMALL, tmp_path, on_batch=steps.append)
    assert steps == []
    assert len(history) == SMALL.epochs


def test_another_recipe_is_not_resumed(network, examples, tmp_path):
    train(network(), examples, None, SMALL, tmp_path)
    steps = []
    other = Recipe(**{**vars(SMALL), "seed": 8})
    train(network(), examples, None, other, tmp_path, on_batch=steps.append)
    assert len(steps) == 4 * SMALL.epochs


def test_a_damaged_checkpoint_is_begun_anew(network, examples, tmp_path):
    train(network(), examples, None, SMALL, tmp_path)
    (tmp_path / "checkpoint.json").write_text("{")
    _, history = train(network(), examples, None, SMALL, tmp_path)
    assert len(history) == SMALL.epochs


def test_training_lowers_the_loss(network, examples, tmp_path):
    recipe = Recipe(**{**vars(SMALL), "epochs": 10, "learning_rate": 1e-2})
    _, history = train(network(), examples, None, recipe, tmp_path)
    assert history[-1]["loss"] < history[0]["loss"]


def test_a_teachers_answers_are_learnt(network, examples, tmp_path):
    image = keras.Input((100, 100, 3))
    x = keras.layers.GlobalAveragePooling2D()(image)
    x = keras.layers.Dense(20, kernel_initializer="zeros", activation="softmax")(x)
    teacher = keras.Model(image, x)
    always_three = np.full(20, -9.0)
    always_three[3] = 9.0
    teacher.layers[-1].set_weights([np.zeros((3, 20)), always_three])
    recipe = Recipe(**{**vars(SMALL), "epochs": 20, "teacher": "it", "teacher_share": 1.0})
    taught, _ = train(network(), examples, None, recipe, tmp_path, teacher=teacher)
    answers = taught(examples.images.astype(np.float32)).numpy()
    assert (answers.argmax(axis=1) == 3).all()
    assert (examples.labels == 3).mean() < 0.1


class TestAugmentation:
    @pytest.fixture
    def pictures(self):
        return tf.cast(canary_images(16), tf.float32)

    def test_keeps_shape_dtype_and_range(self, pictures):
        changed = augment(pictures, tf.constant([1, 2]))
        assert changed.shape == pictures.shape
        assert changed.dtype == tf.float32
        assert float(tf.reduce_min(changed)) >= 0
        assert float(tf.reduce_max(changed)) <= 255

    def test_the_same_seed_gives_the_same_pictures_and_another_does_not(self, pictures):
        first = augment(pictures, tf.constant([1, 2])).numpy()
        np.testing.assert_array_equal(first, augment(pictures, tf.constant([1, 2])).numpy())
        assert (first != augment(pictures, tf.constant([1, 3])).numpy()).any()

    def test_each_picture_is_changed_in_its_own_way(self, pictures):
        same = tf.repeat(pictures[:1], 8, axis=0)
        changed = augment(same, tf.constant([1, 2])).numpy()
        assert len({picture.tobytes() for picture in changed}) == 8

    def test_what_comes_in_from_outside_is_as_white_as_the_ground(self):
        white = tf.fill([64, 100, 100, 3], 255.0)
        changed = augment(white, tf.constant([1, 2])).numpy()
        # A white picture is one colour wherever it was moved to.
        assert np.ptp(changed, axis=(1, 2)).max() < 1e-3

    def test_the_fruit_keeps_most_of_its_size(self, pictures):
        warped = augmentation._warp(pictures, tf.constant([1, 2])).numpy()
        before = (pictures.numpy().min(axis=-1) < 250).mean(axis=(1, 2))
        after = (warped.min(axis=-1) < 250).mean(axis=(1, 2))
        assert (after / before).min() > 0.9**2 * 0.85
        assert (after / before).max() < 1.1**2 * 1.1


class TestCommand:
    @pytest.fixture
    def run(self, small_dataset, tmp_path):
        from models.__main__ import main

        def run(*arguments):
            return main(
                [
                    "train", "alexnet_separable", "--epochs", "1",
                    "--fruits360", str(small_dataset), "--artifacts", str(tmp_path / "artifacts"),
                    "--checkpoints", str(tmp_path / "checkpoints"), *arguments,
                ]
            )  # fmt: skip

        return run

    def test_writes_the_network_its_record_and_its_curve(self, run, tmp_path, capsys):
        assert run() == 0
        assert run("--series", "held-out") == 0
        assert "other series" in capsys.readouterr().out
        directory = tmp_path / "artifacts"
        record = training_record("alexnet_separable", directory)
        assert record["training"]["photographs"] == 80
        assert record["held_out"]["photographs"] == 40
        assert record["held_out"]["images"] == 40
        assert len(record["training"]["history"]["accuracy"]) == 1
        model = keras.models.load_model(directory / "alexnet_separable.keras")
        assert model.count_params() == record["parameters"]
        assert not model.compiled  # no optimizer travels with it
        with (directory / "alexnet_separable.png").open("rb") as picture:
            assert picture.read(8) == b"\x89PNG\r\n\x1a\n"

    def test_a_pupil_needs_its_teacher_and_records_it(self, run, small_dataset, tmp_path, capsys):
        from models.__main__ import main

        pupil = next(row for row in zoo.ARCHITECTURES.values() if row.teacher)
        data = ["--fruits360", str(small_dataset), "--epochs", "1"]
        places = ["--artifacts", str(tmp_path / "artifacts")]
        places += ["--checkpoints", str(tmp_path / "checkpoints")]
        assert main(["train", pupil.name, *data, *places]) == 1
        assert f"python -m models train {pupil.teacher}" in capsys.readouterr().err
        assert main(["train", pupil.teacher, pupil.name, *data, *places]) == 0
        assert main(["train", pupil.name, "--series", "held-out", *data, *places]) == 0
        record = training_record(pupil.name, tmp_path / "artifacts")
        assert record["training"]["recipe"]["teacher"] == pupil.teacher
        # What judges the harder split was taught by a teacher that has not seen it either.
        assert (tmp_path / "checkpoints" / f"{pupil.teacher}-held-out").is_dir()

    def test_what_was_trained_can_be_converted(self, run, small_dataset, tmp_path, capsys):
        from models.__main__ import main

        assert run() == 0
        directory = tmp_path / "artifacts"
        arguments = ["alexnet_separable", "--fruits360", str(small_dataset)]
        assert main(["convert", *arguments, "--artifacts", str(directory)]) == 0
        for precision in ("float32", "float16", "dynamic", "int8"):
            path = directory / f"alexnet_separable-{precision}.tflite"
            file = Artifact(path, path.stem, "alexnet_separable", precision)
            assert file.require_card().accuracy.images == 80
            assert file.read_bytes()
        assert main(["evaluate", *arguments, "--artifacts", str(directory)]) == 0
        assert capsys.readouterr().out.count("agrees") >= 4

    def test_converting_what_was_not_trained_is_refused(self, small_dataset, tmp_path, capsys):
        from models.__main__ import main

        arguments = ["--fruits360", str(small_dataset), "--artifacts", str(tmp_path)]
        assert main(["convert", "alexnet", *arguments]) == 1
        assert "python -m models train alexnet" in capsys.readouterr().err


def test_committed_records_hold_the_recipe_and_the_harder_figure(architecture):
    record = training_record(architecture.name)
    for key in ("training", "held_out"):
        history = record[key]["history"]
        assert len(history["accuracy"]) == record[key]["recipe"]["epochs"]
    assert record["held_out"]["images"] + record["held_out"]["photographs"] == 10_046
    assert record["training"]["photographs"] == 10_046


def test_checkpoints_are_not_committed():
    inside = CHECKPOINTS / "alexnet-all" / "checkpoint.keras"
    command = ["git", "-C", str(CHECKPOINTS.parent), "check-ignore", "--quiet"]
    assert subprocess.run([*command, str(inside)], check=False).returncode == 0
    outside = CHECKPOINTS.parent / "models" / "zoo.py"
    assert subprocess.run([*command, str(outside)], check=False).returncode == 1
