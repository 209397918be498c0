"""One Lanczos run on a matrix-free quadratic: the small spectrum that stands for it under every hyperparameter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike

from theory.arithmetic.polynomial import Array
from theory.quadratic.spectra import Spectrum


@dataclass(frozen=True)
class GaussRule:
    """What n Hessian-vector products tell about a quadratic as seen from its start.

    Because g_t is a polynomial of degree t in λ for gradient descent, heavy ball and Nesterov, an n-point Gauss rule
    gives the projection without error up to step 2n - 1 and the residual, which needs g_t², up to step n - 1.

    Args:
        spectrum: nodes and weights; ``counts`` are shares of the dimension by weight, a guess, used by noise only.
        distance: ‖θ_0 - θ*‖.
        projection_steps, residual_steps: the last steps without error; None where every step is (the Krylov space is
            exhausted).
    """

    spectrum: Spectrum
    distance: float
    projection_steps: int | None
    residual_steps: int | None


def gauss_rule(product: Callable[[Array], ArrayLike], error: ArrayLike, num_products: int) -> GaussRule:
    """Run Lanczos from ``error`` = θ_0 - θ* [D] with full reorthogonalisation; holds ``num_products`` vectors.

    Args:
        product: v [D] -> H·v [D]; symmetric and positive definite. Symmetry and sign are checked on the way.

    Raises:
        ValueError: zero or non-finite start, a product of the wrong shape, an asymmetric or indefinite Hessian.

    Source: Golub and Welsch 1969, Calculation of Gauss quadrature rules.
    """
    start = np.asarray(error, np.float64)
    distance = float(np.linalg.norm(start))
    if start.ndim != 1 or not (np.isfinite(distance) and distance > 0):
        raise ValueError(f"error of shape {start.shape} and length {distance} must be one vector, finite and not zero")
    if num_products < 1:
        raise ValueError(f"num_products={num_products} must be 1 or more")
    size = min(num_products, start.size)
    basis = np.empty((size, start.size))
    basis[0] = start / distance
    diagonal, beside = np.zeros(size), np.zeros(size)
    scale, used, exhausted = 0.0, size, False
    for k in range(size):
        image = np.asarray(product(basis[k]), np.float64)
        if image.shape != start.shape or not np.all(np.isfinite(image)):
            raise ValueError(f"product gave shape {image.shape} or values that are not finite; [{start.size}] needed")
        scale = max(scale, float(np.linalg.norm(image)))
        overlap = basis[: k + 1] @ image
        expected = np.zeros(k + 1)
        expected[k] = diagonal[k] = overlap[k]
        if k:
            expected[k - 1] = beside[k - 1]
        if np.max(np.abs(overlap - expected)) > 1e-6 * scale:
            raise ValueError("product is not symmetric: <u, Hv> and <v, Hu> differ; a Hessian is needed")
        image = image - overlap @ basis[: k + 1]
        image -= (basis[: k + 1] @ image) @ basis[: k + 1]  # a second pass keeps the basis orthogonal to rounding
        beside[k] = np.linalg.norm(image)
        if beside[k] <= 1e-13 * scale or k + 1 == start.size:
            used, exhausted = k + 1, True
            break
        if k + 1 < size:
            basis[k + 1] = image / beside[k]
    nodes, vectors = scipy.linalg.eigh_tridiagonal(diagonal[:used], beside[: used - 1])
    if nodes[0] <= 0:
        raise ValueError(f"the Hessian is not positive definite: one Ritz value is {nodes[0]:.3g}")
    weights = vectors[0] ** 2 / np.sum(vectors[0] ** 2)
    counts = np.maximum(weights, np.finfo(float).tiny) * start.size
    last = (None, None) if exhausted else (2 * used - 1, used - 1)
    return GaussRule(Spectrum(nodes, weights, counts), distance, *last)
