"""Principal axes of the points that one run passed through, without holding them at once.

The T x T matrix of their inner products has the same eigenvalues as the P x P covariance, and its eigenvectors say how
the axes are mixed from the points. It is summed over pieces of the parameters where the points are one array on disk,
else over pairs of blocks of points; then one more reading mixes the axes, and one finds each point's place among them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.errors import InputError
from landscape.ground.progress import progress_of
from landscape.store.trajectory import Course

log = logging.getLogger(__name__)

BLOCK_BYTES = 64 * 2**20
"""Of float64 numbers that are held at once, twice where points come one by one."""
MOST_POINTS = 5000
"""Their inner products are 200 MB, and half a minute of a core's time."""
NEAR = 1e-6
"""Share of the largest coordinate below which the first point, or the last, does not decide the sign of an axis."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Principal:
    """Principal axes of the T saved points of one run, about an origin: its mean, or a point such as theta_f.

    Args:
        origin: the mean of the points, or what was given [P], float64.
        axes: orthonormal [K, P], leading first. The first point lies on the negative side of each, so that training
            goes to the right and up; where the first point is the origin, the last lies on the positive side.
        coordinates: (theta_t - origin) . axes [T, K], in parameter units; NaN where a point is not finite.
        shares: of the sum of squared distances from the origin that each axis explains, all of them, leading first
            [min(T, P)] of the finite points; 0 for an axis that is below rounding, and is then any across the others.
        beside: distance of each point from the plane of the first two axes [T].
        legs: distance of each point from the finite one before it [T]; NaN of the first.
    """

    origin: Tensor
    axes: Tensor
    coordinates: Tensor
    shares: Tensor
    beside: Tensor
    legs: Tensor


def principal(run: Course, origin: Tensor | None = None, num: int = 2, block_bytes: float = BLOCK_BYTES) -> Principal:
    """Principal axes of a run, in float64; points that are not finite are left out and named.

    Args:
        run: T points.
        origin: theta [P]; None takes the mean of the points.
        num: K, axes to return, at least 2.
        block_bytes: numbers that are held at once; changes nothing beyond rounding.

    Returns:
        K axes, and the shares of all.

    Raises:
        InputError: fewer than three finite points, or more than 5,000; points that are all the origin; more axes than
            there can be.

    Source: Li et al. 2018 (arXiv 1712.09913), section 7, takes theta_f as the origin; the mean is the usual one.
    """
    known, mean, legs = _looked_through(run)
    about = mean if origin is None else origin.detach().double().cpu().numpy().reshape(-1)
    if len(about) != len(mean):
        raise InputError(f"the origin of the axes has {len(about)} numbers and the points have {len(mean)}")
    most = min(int(known.sum()), len(mean))
    if not 2 <= num <= most:
        raise InputError(
            f"{num} principal axes are asked for, and {int(known.sum())} saved points of {len(mean)} parameters have "
            f"{f'2 to {most}' if most > 1 else 'one alone, and no plane'}"
        )
    values, mixed = _eigen(run, known, about, block_bytes)
    scale = float(values[0])
    if not scale > 0:
        raise InputError("all saved points of the run are the same, so they have no principal axes")
    values = np.where(values > len(values) * np.finfo(np.float64).eps * scale, values, 0.0)
    axes = _axes(run, known, about, mixed[:, :num])
    coordinates, beside = _places(run, known, about, axes)
    signs = _signs(coordinates[known])
    if not values[1] > 0:
        log.warning("the saved points lie on one line, so the second principal axis is any that is across it")
    found = (about, signs[:, None] * axes, coordinates * signs, values / values.sum(), beside, legs)
    return Principal(*(torch.from_numpy(np.ascontiguousarray(part)) for part in found))


def _looked_through(run: Course) -> tuple[NDArray[np.bool_], Array, Array]:
    """Which points are finite [T], their mean [P], and how far each is from the one before it [T]."""
    if len(run.epochs) > MOST_POINTS:
        raise InputError(
            f"principal axes are found among {MOST_POINTS:,} saved points at most, and the run has "
            f"{len(run.epochs):,}; give fewer checkpoints, or lower training.trajectory_gigabytes, which thins them"
        )
    known, legs = np.zeros(len(run.epochs), dtype=bool), np.full(len(run.epochs), np.nan)
    total = before = np.zeros(0)
    for t, theta in enumerate(run):
        known[t] = np.isfinite(theta).all()
        if not known[t]:
            continue
        if not len(before):
            total = np.zeros_like(theta)
        else:
            legs[t] = np.linalg.norm(theta - before)
        total += theta
        before = theta
    lost = np.flatnonzero(~known)
    if known.sum() < 3:
        told = f" ({len(lost)} of {len(known)} are not finite)" if len(lost) else ""
        raise InputError(
            f"principal axes need three saved points, and the run has {known.sum()}{told}; train for more epochs, or "
            "give more checkpoints"
        )
    if len(lost):
        log.warning(
            "%d of %d saved points are not finite and are left out of the principal axes: number %s",
            len(lost),
            len(known),
            ", ".join(map(str, lost[:6])) + ", ..." * (len(lost) > 6),
        )
    return known, total / known.sum(), legs


def _blocks(run: Course, known: NDArray[np.bool_], origin: Array, size: int) -> Iterator[tuple[slice, Array]]:
    """Some of the finite points less the origin [B, P] at once, and which these are."""
    held, first = np.empty((min(size, int(known.sum())), len(origin))), 0
    filled = 0
    for is_known, theta in zip(known, run, strict=True):
        if not is_known:
            continue
        np.subtract(theta, origin, out=held[filled])
        filled += 1
        if filled == len(held) or first + filled == known.sum():
            yield slice(first, first + filled), held[:filled]
            first, filled = first + filled, 0


def _eigen(run: Course, known: NDArray[np.bool_], origin: Array, block_bytes: float) -> tuple[Array, Array]:
    """Eigenvalues, largest first [N], and vectors [N, N] of whichever is smaller: products of points, or of axes."""
    size, num = max(1, int(block_bytes // (8 * len(origin)))), int(known.sum())
    if _has_more_points(known, origin):
        products = np.zeros((len(origin), len(origin)))
        for _, points in _blocks(run, known, origin, size):
            products += points.T @ points
    elif (rows := run.rows()) is not None:
        products = np.zeros((num, num))
        step = max(1, int(block_bytes // (8 * num)))
        with progress_of("inner products of the saved points", len(origin)) as progress:
            for first in range(0, len(origin), step):
                piece = slice(first, first + step)
                points = rows[:, piece][known].astype(np.float64) - origin[piece]
                products += points @ points.T
                progress(min(first + step, len(origin)))
    else:
        products = _pairs(run, known, origin, size)
    values, vectors = np.linalg.eigh(products)
    return values[::-1].clip(min=0), vectors[:, ::-1]


def _has_more_points(known: NDArray[np.bool_], origin: Array) -> bool:
    """Whether the axes themselves make the smaller matrix."""
    return len(origin) < int(known.sum())


def _pairs(run: Course, known: NDArray[np.bool_], origin: Array, size: int) -> Array:
    """Inner products of all points [N, N], a block of them with each later one."""
    num = int(known.sum())
    products = np.zeros((num, num))
    with progress_of("inner products of the saved points", num) as progress:
        for first in range(0, num, size):
            held: Array | None = None
            for here, points in _blocks(run, known, origin, size):
                if here.start == first:
                    held = points.copy() if num > size else points
                if held is not None:
                    own = slice(first, first + len(held))
                    products[own, here] = held @ points.T
                    products[here, own] = products[own, here].T
            progress(min(first + size, num))
    return products


def _axes(run: Course, known: NDArray[np.bool_], origin: Array, mixed: Array) -> Array:
    """Orthonormal axes [K, P]: the vectors themselves, or mixed from the points."""
    if _has_more_points(known, origin):
        raw = mixed.T.copy()
    else:
        raw = np.zeros((mixed.shape[1], len(origin)))
        for (_, [point]), weights in zip(_blocks(run, known, origin, 1), mixed, strict=True):
            for axis, weight in zip(raw, weights, strict=True):
                axis += weight * point
    for k in range(len(raw)):
        raw[k] = _across(raw[k], raw[:k])
    return raw


def _across(axis: Array, before: Array) -> Array:
    """A unit axis orthogonal to those before it; any, where the points have none to give."""
    length = float(np.linalg.norm(axis))
    spare = 0
    while True:
        for _ in range(2):  # once leaves what rounding made of a small axis
            axis = axis - before.T @ (before @ axis)
        if np.linalg.norm(axis) > 1e-8 * length > 0:
            return axis / np.linalg.norm(axis)
        axis, length = np.zeros_like(axis), 1.0
        axis[spare] = 1.0
        spare += 1


def _places(run: Course, known: NDArray[np.bool_], origin: Array, axes: Array) -> tuple[Array, Array]:
    """Coordinates [T, K], and the distance from the first two axes [T]."""
    coordinates, beside = np.full((len(known), len(axes)), np.nan), np.full(len(known), np.nan)
    for t, (_, [point]) in zip(np.flatnonzero(known), _blocks(run, known, origin, 1), strict=True):
        coordinates[t] = axes @ point
        beside[t] = np.linalg.norm(point - coordinates[t, :2] @ axes[:2])
    return coordinates, beside


def _signs(coordinates: Array) -> Array:
    """+1 or -1 for each axis [K], see ``Principal.axes``."""
    largest = np.abs(coordinates).max(axis=0)
    top = np.take_along_axis(coordinates, np.abs(coordinates).argmax(axis=0)[None], axis=0)[0]
    first, last = (np.where(np.abs(c) > NEAR * largest, c, 0.0) for c in (-coordinates[0], coordinates[-1]))
    chosen = np.where(first != 0, first, np.where(last != 0, last, top))
    return np.where(chosen < 0, -1.0, 1.0)
