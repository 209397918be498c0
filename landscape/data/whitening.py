"""Global contrast normalisation and ZCA whitening, in float64."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NORM = 55.0  # what every image's norm becomes; pylearn2's preprocessed CIFAR-10 ("gcn=55.")
SMALLEST = 1e-8  # an image whose divisor is smaller is constant, and stays as it is; pylearn2 global_contrast_normalize
REGULARIZER = 0.1  # added to every eigenvalue of the covariance; pylearn2 ZCA (filter_bias)


def contrast_normalized(pixels: NDArray[np.generic], norm: float = NORM) -> Array:
    """Each image x [D] less its mean over all D values, then divided by its norm over ``norm``: [N, D].

    Source: pylearn2 ``global_contrast_normalize(X, scale=55.)``.
    """
    x = pixels.astype(np.float64)
    x -= x.mean(axis=1, keepdims=True)
    divisor = np.linalg.norm(x, axis=1, keepdims=True) / norm
    divisor[divisor < SMALLEST] = 1.0
    x /= divisor
    return x


@dataclass(frozen=True)
class Whitening:
    """x -> (x - m) P with P = C^(-1/2), the symmetric root, so that whitened images still look like images.

    Args:
        mean: m [D].
        matrix: P [D, D].
    """

    mean: Array
    matrix: Array

    def __call__(self, x: Array) -> Array:
        """x [N, D] -> [N, D]."""
        whitened: Array = (x - self.mean) @ self.matrix
        return whitened


def zca(batches: Callable[[], Iterable[Array]], regularizer: float = REGULARIZER) -> Whitening:
    """The whitening of all rows x of ``batches``: C = mean of (x - m)(x - m)ᵀ + regularizer I.

    The covariance is summed batch by batch in two passes, so that no centred copy of the data is ever made.

    Args:
        batches: gives the same batches [B, D] each time it is called.

    Source: pylearn2 ``ZCA``; 1.6 of the reproduction notes.
    """
    num, total = 0, np.float64(0)
    for x in batches():
        num, total = num + len(x), total + x.sum(axis=0)
    mean = np.asarray(total / num)
    covariance = np.zeros((len(mean), len(mean)))
    for x in batches():
        x = x - mean
        covariance += x.T @ x
    covariance /= num
    covariance[np.diag_indices_from(covariance)] += regularizer
    values, vectors = np.linalg.eigh(covariance)
    return Whitening(mean, (vectors / np.sqrt(values)) @ vectors.T)
