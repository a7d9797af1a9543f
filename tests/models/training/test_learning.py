"""Training: seeded, resumed bit for bit, and by the same training only."""

from dataclasses import replace

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="TensorFlow is not installed")
tf = pytest.importorskip("tensorflow")

from models.data.canary_images import canary_images  # noqa: E402
from models.data.changes import FRUIT, Changes  # noqa: E402
from models.training import learning  # noqa: E402
from models.training.learning import FILE_NAME, Examples, Recipe, train  # noqa: E402

pytestmark = pytest.mark.slow

SMALL = Recipe(epochs=3, batch_size=8, warmup_epochs=0.5, seed=7, cut_mix=0.0)
SIDE = 20


@pytest.fixture(scope="module")
def examples():
    return Examples(canary_images(32)[:, ::5, ::5], np.arange(32) % 20, FRUIT)


def network(filters=4):
    """A tiny network, always with the same initial weights."""
    keras.utils.set_random_seed(1)
    image = keras.Input((SIDE, SIDE, 3), name="image")
    x = keras.layers.Rescaling(1 / 255, name="scale")(image)
    x = keras.layers.Conv2D(filters, 4, strides=4, use_bias=False, name="stem")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.ReLU(name="relu")(x)
    x = keras.layers.GlobalAveragePooling2D(name="average")(x)
    x = keras.layers.Dropout(0.2, name="dropout")(x)
    x = keras.layers.Dense(20, activation="softmax", name="probabilities")(x)
    return keras.Model(image, x, name="tiny")


class InterruptedRunError(Exception):
    pass


def _interrupted(examples, directory, recipe=SMALL):
    def stop(epochs_done, logs):
        raise InterruptedRunError

    with pytest.raises(InterruptedRunError):
        train(network(), examples, recipe, directory, on_epoch=stop)


def _steps_done(examples, directory, *, model=None, recipe=SMALL):
    steps = []
    model = model or network()
    train(model, examples, recipe, directory, on_batch=steps.append)
    return len(steps)


def test_a_run_that_was_interrupted_ends_as_one_that_was_not_bit_for_bit(examples, tmp_path):
    whole = network()
    history, _ = train(whole, examples, SMALL, tmp_path / "whole")
    _interrupted(examples, tmp_path / "parts")
    resumed, seen = network(), []
    resumed_history, _ = train(
        resumed, examples, SMALL, tmp_path / "parts", on_epoch=lambda done, logs: seen.append(done)
    )
    assert seen == [1, 2, 3]
    assert resumed_history == history
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_finished_run_is_not_run_again(examples, tmp_path):
    first, second = network(), network()
    train(first, examples, SMALL, tmp_path)
    assert _steps_done(examples, tmp_path, model=second) == 0
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def _other_pixel(examples):
    images = examples.images.copy()
    images[-1, -1, -1, -1] ^= 1
    return {"examples": replace(examples, images=images)}


CHANGES = {
    "seed": lambda _: {"recipe": replace(SMALL, seed=8)},
    "learning rate": lambda _: {"recipe": replace(SMALL, learning_rate=0.1)},
    "layers": lambda _: {"model": network(filters=5)},
    "labels": lambda old: {"examples": replace(old, labels=old.labels[::-1].copy())},
    "a pixel": _other_pixel,
    "what may change": lambda old: {"examples": replace(old, changes=replace(FRUIT, shift=0.09))},
    "strength": lambda _: {"recipe": replace(SMALL, strength=1.0)},
}


@pytest.fixture(scope="module")
def after_an_epoch(examples, tmp_path_factory):
    directory = tmp_path_factory.mktemp("checkpoint")
    _interrupted(examples, directory)
    return (directory / FILE_NAME).read_bytes()


@pytest.mark.parametrize("change", CHANGES)
def test_another_training_is_not_resumed(change, examples, after_an_epoch, tmp_path):
    (tmp_path / FILE_NAME).write_bytes(after_an_epoch)
    options = {"examples": examples, **CHANGES[change](examples)}
    assert _steps_done(directory=tmp_path, **options) == 4 * SMALL.epochs


def test_the_same_training_is_resumed(examples, after_an_epoch, tmp_path):
    (tmp_path / FILE_NAME).write_bytes(after_an_epoch)
    assert _steps_done(examples, tmp_path) == 4 * (SMALL.epochs - 1)


def test_a_damaged_checkpoint_is_begun_anew(examples, after_an_epoch, tmp_path):
    for content in (b"{", after_an_epoch[: len(after_an_epoch) // 2]):
        (tmp_path / FILE_NAME).write_bytes(content)
        assert _steps_done(examples, tmp_path, recipe=replace(SMALL, epochs=1)) == 4


def test_what_is_held_out_is_known_as_well_as_the_same_pictures_are_learnt(tmp_path):
    shades = np.arange(64) % 2 * 30 + 110 + np.arange(64) % 7
    pictures = np.broadcast_to(shades[:, None, None, None], (64, SIDE, SIDE, 3)).astype(np.uint8)
    known = Examples(pictures, np.arange(64) % 2, Changes())
    recipe = replace(SMALL, epochs=5, learning_rate=0.03, label_smoothing=0.0)
    history, best = train(network(16), known, recipe, tmp_path, held_out=known)
    assert min(history[-1]["accuracy"], history[best - 1]["val_accuracy"]) > 0.9


def test_the_best_epoch_is_one_of_the_last_where_steps_are_short(tmp_path):
    checkpoint = learning.Checkpoint(tmp_path, {}, 8)
    checkpoint.history = [{"val_accuracy": right} for right in (0.9, *[0.5] * 5, 0.7, 0.6)]
    assert checkpoint.best == 7


def test_smoothed_labels_are_learnt(examples, tmp_path):
    """The loss of the first step is that of its batch, with a part of each label on all classes."""
    recipe = replace(SMALL, epochs=1, batch_size=32, label_smoothing=0.3)
    image = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(image))
    plain = keras.Model(image, keras.layers.Dense(20, activation="softmax")(x))
    pixels, targets = learning._batch_of(examples, recipe, 20)(tf.constant(0))
    smoothed = targets * (1 - 0.3) + 0.3 / 20
    expected = -np.sum(smoothed * np.log(np.asarray(plain(pixels))), axis=1).mean()
    (logs,), _ = train(plain, examples, recipe, tmp_path)
    assert logs["loss"] == pytest.approx(expected, rel=1e-4)


def test_weights_decay_and_biases_do_not(examples, tmp_path):
    """What has no part in the answer has no gradient: only the decay changes it."""
    image = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.GlobalAveragePooling2D()(image)
    idle = keras.layers.Dense(4, bias_initializer="ones", name="idle")
    x = keras.layers.Rescaling(0.0)(idle(x))
    network = keras.Model(image, keras.layers.Dense(20, activation="softmax")(x))
    kernel, _ = idle.get_weights()
    train(network, examples, replace(SMALL, weight_decay=0.5, learning_rate=0.1), tmp_path)
    left, bias = idle.get_weights()
    assert 0.5 < (left / kernel).mean() < 0.9
    np.testing.assert_allclose(left / kernel, (left / kernel).mean(), rtol=1e-5)
    np.testing.assert_array_equal(bias, 1)


class TestBatches:
    @pytest.fixture
    def batch(self, examples):
        return learning._batch_of(examples, SMALL, 20)

    def test_every_picture_is_shown_once_an_epoch(self, examples):
        batch = learning._batch_of(replace(examples, changes=Changes()), SMALL, 20)
        shown = np.concatenate([batch(tf.constant(step))[0].numpy() for step in range(4)])
        expected = {picture.astype(np.float32).tobytes() for picture in examples.images}
        assert {picture.tobytes() for picture in shown} == expected

    def test_each_epoch_has_an_order_of_its_own(self, examples):
        batch = learning._batch_of(replace(examples, changes=Changes()), SMALL, 20)
        first, second = (batch(tf.constant(step))[0].numpy() for step in (0, 4))
        assert (first != second).any()

    def test_the_pictures_that_are_learnt_are_augmented_anew_each_epoch(self, examples, batch):
        pixels = {picture.astype(np.float32).tobytes() for picture in examples.images}
        epochs = [np.concatenate([batch(tf.constant(4 * e + s))[0].numpy() for s in range(4)])
                  for e in range(2)]  # fmt: skip
        shown = [{picture.tobytes() for picture in epoch} for epoch in epochs]
        assert not shown[0] & pixels
        assert not shown[0] & shown[1]

    def test_a_recipe_with_cuts_mixes_pictures_and_targets(self, examples, batch):
        cut = learning._batch_of(examples, replace(SMALL, cut_mix=1.0), 20)
        pixels, targets = (part.numpy() for part in cut(tf.constant(1)))
        plain, labels = (part.numpy() for part in batch(tf.constant(1)))
        assert (pixels != plain).any(axis=(1, 2, 3)).all()
        assert (targets.max(axis=1) < 1).any()
        np.testing.assert_array_equal(labels.max(axis=1), 1)

    def test_labels_stay_with_their_pictures(self, examples):
        unchanged = replace(examples, changes=Changes())
        pixels, targets = learning._batch_of(unchanged, SMALL, 20)(tf.constant(2))
        for picture, target in zip(pixels.numpy(), targets.numpy(), strict=True):
            (shown,) = np.flatnonzero((examples.images == picture).all(axis=(1, 2, 3)))
            assert examples.labels[shown] == target.argmax()
