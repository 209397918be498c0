"""Handwritten digits of 8 x 8 pixels that come inside scikit-learn: real data without a download."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.datasets import load_digits

from landscape.data.dataset import Dataset, Split
from landscape.data.keys import truth, whole

MAX_PIXEL = 16  # each value counts the dark pixels of one 4 x 4 block (UCI description)
NUM_TRAIN, NUM_VALID = 1_200, 297  # of 1,797, leaving 300 for the test: round numbers, this project's choice


def digits(seed: int = 0, resample_train: bool = False) -> Dataset:
    """1,797 digits as inputs in [0, 1] [N, 64], shuffled once and split 1,200 / 297 / 300.

    The file itself is not in random order (its labels begin 0, 1, ..., 9, 0, 1, ...), hence the shuffle.

    Args:
        seed: of the shuffle, config key ``data.seed``; independent of the seeds of training.
        resample_train: training pixels are probabilities, and every minibatch sees new Bernoulli samples of them.

    Raises:
        InputError: ``seed`` is not a whole number of at least 0, or ``resample_train`` not true or false.

    Source:
        E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI (1998), its test set.
    """
    whole("data.seed", seed, least=0)
    truth("data.resample_train", resample_train)
    pixels, labels = load_digits(return_X_y=True)  # [1797, 64] float64 of whole numbers, [1797]
    order = np.random.default_rng(seed).permutation(len(pixels))
    x = torch.from_numpy((pixels[order] / MAX_PIXEL).astype(np.float32))  # exact: sixteenths fit a float32
    y = torch.from_numpy(labels[order].astype(np.int64))
    end = NUM_TRAIN + NUM_VALID
    return Dataset(
        name="digits",
        train=Split(x[:NUM_TRAIN], y[:NUM_TRAIN], is_resampled=resample_train),
        valid=Split(x[NUM_TRAIN:end], y[NUM_TRAIN:end]),
        test=Split(x[end:], y[end:]),
        num_classes=10,
    )
