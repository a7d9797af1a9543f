"""What a colleague would write by hand, to hold the zoo's networks against: `tox -e plain -- DIR`.

Three convolutions with pooling, a dense layer, dropout; Adam, 30 epochs, no augmentation.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import keras
from keras import layers

from models.data.tasks import folder_task
from models.files.cards import Share
from models.preprocessing.pipeline import read_pixels

FILTERS, UNITS, DROPOUT, EPOCHS = (32, 64, 64), 64, 0.3, 30


def build(side: int, classes: int) -> keras.Model:
    """From RGB in 0..255, shape (batch, side, side, 3), to probabilities (batch, classes)."""
    model = keras.Sequential([keras.Input((side, side, 3)), layers.Rescaling(1 / 255)])
    for filters in FILTERS:
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D())
    model.add(layers.Flatten())
    model.add(layers.Dense(UNITS, "relu"))
    model.add(layers.Dropout(DROPOUT))
    model.add(layers.Dense(classes, "softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main() -> None:
    """Train it on a folder of pictures, and print its accuracy on those that were kept."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("data", type=Path, help="a folder for each class, or train and test")
    parser.add_argument("--side", type=int, default=100)
    parser.add_argument("--seed", type=int, default=360)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    arguments = parser.parse_args()
    task = folder_task(arguments.data, arguments.side)
    learnt, asked = task.load("Training"), task.load("Test")
    keras.utils.set_random_seed(arguments.seed)
    model = build(arguments.side, len(task.class_names))
    pixels = read_pixels(learnt, arguments.side)
    model.fit(pixels, learnt.labels, epochs=arguments.epochs, verbose=2)
    answers = model.predict(read_pixels(asked, arguments.side), verbose=0).argmax(axis=1)
    share = Share(int((answers == asked.labels).sum()), len(asked))
    low, high = share.interval
    print(
        f"plain network, {model.count_params():,} parameters: {share.fraction:.2%} of "
        f"{share.images:,} pictures (95 %: {low:.1%} to {high:.1%})"
    )


if __name__ == "__main__":
    main()
