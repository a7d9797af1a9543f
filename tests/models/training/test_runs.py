"""The baseline: the nearest neighbour by colours."""

import numpy as np

from models.training.runs import histograms, nearest_labels


def _picture(*colours):
    """A picture of these colours, 16 pixels of each, in an order of its own."""
    pixels = np.repeat(np.array(colours, np.uint8), 16, axis=0)
    return np.random.default_rng(len(colours)).permutation(pixels).reshape(-1, 4, 3)


def test_a_histogram_counts_shares_of_8x8x8_colours():
    counts = histograms(np.stack([_picture((0, 0, 0), (31, 0, 0), (32, 0, 0), (255, 255, 255))]))
    assert counts.shape == (1, 512)
    assert counts[0, 0] == 0.5
    assert counts[0, 64] == 0.25
    assert counts[0, 511] == 0.25


def test_a_picture_has_the_label_of_the_nearest_colours_wherever_they_are():
    red, green, blue = (200, 0, 0), (0, 200, 0), (0, 0, 200)
    learnt = np.stack([_picture(red, red), _picture(green, green), _picture(blue, blue)])
    asked = np.stack([_picture(green, green), _picture(blue, blue), _picture(red, red)])[:, ::-1]
    labels = nearest_labels(learnt, np.array([7, 8, 9]), asked)
    assert labels.tolist() == [8, 9, 7]
