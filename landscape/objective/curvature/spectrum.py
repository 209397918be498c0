"""Eigenvalues of a Hessian by scipy's Lanczos iteration, with their residuals; its trace and spectral density."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, LinearOperator, eigsh
from torch import Tensor

from landscape.ground.streams import PROBE, stream_seed
from landscape.objective.curvature.check import check_held, require_extra
from landscape.objective.module.watch import undisturbed
from landscape.objective.objective import Objective

if TYPE_CHECKING:
    from landscape.objective.curvature.operator import Hessian

log = logging.getLogger(__name__)

Array = NDArray[np.float64]
TOLERANCE = 1e-6
"""|H v - lambda v| relative to lambda: the eigenvalue's own error is the square of that over the gap to the next."""
COARSEST = {torch.float32: 1e-4, torch.float64: 0.0}
"""Below this the products' own rounding decides."""
MOST_PRODUCTS = 3000
"""For one end of the spectrum; what has not settled by then is given with its residual, or is NaN."""
NUM_VECTORS = 80
"""Of Lanczos for a density, as many products."""
NUM_REPEATS = 4
"""Estimates of a trace whose spread is its standard error."""


@dataclass(frozen=True)
class Eigenpairs:
    """A few eigenvalues from one end of the spectrum, outermost first.

    Args:
        values: [K].
        vectors: [P, K], of length 1.
        errors: [K], |H v - lambda v|: so near to each value lies an eigenvalue for sure.
    """

    values: Array
    vectors: Array
    errors: Array


def leading_directions(objective: Objective, theta: Tensor, num: int = 2, row: int = 0) -> tuple[Array, Tensor, Array]:
    """The largest eigenvalues of the Hessian of J at a point, and their eigenvectors.

    Args:
        objective: J.
        theta: [P].
        num: how many.
        row: of the objective.

    Returns:
        Eigenvalues [num], largest first; eigenvectors [num, P] in float64, orthonormal, each with its largest entry
        positive; residuals |H v - lambda v| [num].

    Raises:
        InputError: curvlinops is not installed; J has no second derivatives that can be computed.
    """
    require_extra("the eigenvectors of the Hessian")
    check_held(objective)
    from landscape.objective.curvature.operator import Hessian

    with undisturbed():
        found = extremes(Hessian(objective, theta, row), num, 0)[0]
    vectors = torch.from_numpy(found.vectors.T.copy())
    largest = vectors.gather(1, vectors.abs().argmax(dim=1, keepdim=True))
    return found.values, vectors * torch.where(largest < 0, -1.0, 1.0), found.errors


def extremes(
    hessian: Hessian, num: int, num_lowest: int, tolerance: float = TOLERANCE, seed: int = 0
) -> tuple[Eigenpairs, Eigenpairs]:
    """The ``num`` largest and the ``num_lowest`` smallest eigenvalues.

    The smallest are found as those of H - lambda_max I, whose size is that of the whole spectrum: among many
    eigenvalues near zero a precision relative to their own would never be reached.

    Args:
        num: at least 1, unless only the lowest are asked for.
        tolerance: of |H v - lambda v|, relative to lambda, and of the lowest to lambda_max - lambda.
        seed: of the first vector.
    """
    size = hessian.shape[0]
    if (dense := hessian.dense) is not None:
        if not np.isfinite(dense).all():
            return _unknown(size, num), _unknown(size, num_lowest)
        values, vectors = eigh(dense)
        high = _measured(hessian, values[::-1][:num], vectors[:, ::-1][:, :num])
        low = _measured(hessian, values[:num_lowest], vectors[:, :num_lowest])
        return _padded(high, num), _padded(low, num_lowest)
    start = np.random.default_rng(stream_seed(seed, PROBE)).standard_normal(size)
    operator = hessian.to_scipy()
    first = operator @ start
    if not np.isfinite(first).all():
        return _unknown(size, num), _unknown(size, num_lowest)
    if not first.any():  # with a random vector, certainly: H = 0
        nothing = np.zeros(size)
        flat = [Eigenpairs(np.zeros(k), np.eye(size, k), nothing[:k]) for k in (num, num_lowest)]
        return flat[0], flat[1]
    tolerance = max(tolerance, COARSEST[hessian.objective.dtype])
    most = size - 1  # of which the iteration can tell one end
    high = _padded(_ends(hessian, operator, min(max(num, 1), most), "LA", tolerance, start), num)
    if not num_lowest:
        return high, _unknown(size, 0)
    shift = float(high.values[0]) if np.isfinite(high.values[0]) else 0.0
    shifted = LinearOperator(operator.shape, matvec=lambda v: operator @ v - shift * v, dtype=np.dtype(np.float64))
    return high, _padded(_ends(hessian, shifted, min(num_lowest, most), "SA", tolerance, start), num_lowest)


def _ends(
    hessian: Hessian, operator: LinearOperator, num: int, which: str, tolerance: float, start: Array
) -> Eigenpairs:
    """Those of one end; NaN where they have not settled."""
    size = hessian.shape[0]
    num_vectors = min(size, max(2 * num + 1, 24))
    restarts = -(-MOST_PRODUCTS // (num_vectors - num))
    try:
        _, vectors = eigsh(operator, num, which=which, tol=tolerance, v0=start, ncv=num_vectors, maxiter=restarts)
    except ArpackNoConvergence as error:
        vectors = error.eigenvectors
        log.warning(
            "%d of %d eigenvalues settled within %d products (%s end); the others are not given; "
            "measurement.tolerance=%g may be too fine",
            vectors.shape[1],
            num,
            MOST_PRODUCTS,
            "upper" if which == "LA" else "lower",
            tolerance,
        )
    except ArpackError as error:
        log.warning("no eigenvalues: %s", error)
        return _unknown(size, num)
    # Rayleigh's quotient of the vectors themselves: the shift's rounding is not in it.
    found = _measured(hessian, None, vectors)
    order = np.argsort(found.values)[:: -1 if which == "LA" else 1]
    return _padded(Eigenpairs(found.values[order], found.vectors[:, order], found.errors[order]), num)


def _padded(pairs: Eigenpairs, num: int) -> Eigenpairs:
    """As many as were asked for, NaN where there are fewer."""
    lacking = _unknown(len(pairs.vectors), max(0, num - len(pairs.values)))
    return Eigenpairs(
        np.concatenate([pairs.values, lacking.values]),
        np.concatenate([pairs.vectors, lacking.vectors], axis=1),
        np.concatenate([pairs.errors, lacking.errors]),
    )


def _measured(hessian: Hessian, values: Array | None, vectors: Array) -> Eigenpairs:
    """Vectors with what one more product says of them."""
    if not vectors.shape[1]:
        return Eigenpairs(np.zeros(0), vectors, np.zeros(0))
    products = hessian.to_scipy() @ vectors if hessian.dense is None else hessian.dense @ vectors
    values = (vectors * products).sum(axis=0) if values is None else values
    return Eigenpairs(values, vectors, np.linalg.norm(products - vectors * values, axis=0))


def _unknown(size: int, num: int) -> Eigenpairs:
    return Eigenpairs(np.full(num, np.nan), np.full((size, num), np.nan), np.full(num, np.nan))


def trace_of(hessian: Hessian, num_products: int, seed: int = 0) -> tuple[float, float]:
    """The trace by Hutch++, and its standard error; of few parameters the exact one.

    Args:
        num_products: of the matrix, in all.
        seed: of the random vectors.

    Source: Meyer, Musco, Musco & Woodruff 2021 (arXiv 2010.09649), as curvlinops has it.
    """
    if (dense := hessian.dense) is not None:
        return float(np.trace(dense)), 0.0
    from curvlinops import hutchpp_trace  # of the extra

    each = 3 * max(1, num_products // (3 * NUM_REPEATS))
    with undisturbed():
        torch.manual_seed(stream_seed(seed, PROBE, 0))
        found = [float(hutchpp_trace(hessian, each)) for _ in range(NUM_REPEATS)]
    return float(np.mean(found)), float(np.std(found, ddof=1) / np.sqrt(NUM_REPEATS))


def density_of(
    hessian: Hessian, between: tuple[float, float], num_points: int, num_vectors: int = NUM_VECTORS, seed: int = 0
) -> tuple[Array, Array]:
    """The share of the eigenvalues per unit of their size, each smeared by a Gaussian: places [G], density [G].

    Args:
        between: the lowest and the highest eigenvalue.
        num_points: G.
        num_vectors: of Lanczos, for each of ``NUM_REPEATS`` random starts.
        seed: of these.

    Source: Papyan 2020 (JMLR 21/165), algorithm 2, as curvlinops has it.
    """
    from curvlinops import lanczos_approximate_spectrum  # of the extra

    nowhere = np.full(num_points, np.nan)
    if not np.isfinite(between).all() or not between[0] < between[1]:
        return nowhere, nowhere
    num_vectors = max(2, min(num_vectors, hessian.shape[0] // 2))
    with undisturbed():
        torch.manual_seed(stream_seed(seed, PROBE, 1))
        found = lanczos_approximate_spectrum(hessian, num_vectors, num_points, NUM_REPEATS, boundaries=between)
    places, density = (part.double().cpu().numpy() for part in found)
    return places, density
