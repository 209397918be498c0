"""Principal axes of a random walk: in many dimensions they explain fixed shares, whatever was walked through.

The points of a walk have inner products D min(s, t), D the dimension, so that its axes are cosines of time and explain
6/(π²k²) of the variance: 60.8 % and 15.2 %. Seen from its own end they explain 8/(π²(2k - 1)²): 81.1 % and 9.0 %. That
two axes explain much of a training run is no news by itself.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from theory.arithmetic.polynomial import Array
from theory.derivation import Check, Derivation, label_axes, require_whole
from theory.walk import principal_steps

MOST_POINTS = 5000
"""Of which the matrix is built: 200 MB."""
FEWEST_DIMENSIONS = 100
"""From which on the first order in 1/D holds for the leading axes; below, walks are drawn."""
NUM_DRAWN = 400
SMALL = 0.1
"""Largest correction of first order that is believed."""


def eigenvalues(num_points: int, is_centred: bool = True) -> Array:
    """λ_k of the expected inner products of n points per dimension, in squared steps, largest first [n - 1].

    Args:
        num_points: n, start and end included.
        is_centred: about the mean; else about the first point or the last.

    Raises:
        ValueError: fewer than two points.
    """
    require_whole(num_points=(num_points, 2, 10**9))
    k = np.arange(1, num_points)
    angle = k / (2 * num_points) if is_centred else (2 * k - 1) / (2 * (2 * num_points - 1))
    return np.asarray(1 / (4 * np.sin(np.pi * angle) ** 2))


def axes_of(clock: ArrayLike, origin: int | None = None) -> tuple[Array, Array]:
    """Eigenvalues, largest first [n], and vectors [n, n] of a walk seen at times that need not be even.

    Args:
        clock: when each point was saved [n], rising: numbers of steps, or squared lengths of the steps summed up.
        origin: number of the point that it is seen from; None: the mean.

    Raises:
        ValueError: a clock that does not rise, or stands still; too many points; an origin that is none of them.
    """
    times = np.asarray(clock, dtype=np.float64)
    if times.ndim != 1 or not 2 <= len(times) <= MOST_POINTS:
        raise ValueError(f"clock has shape {times.shape}; give 2 to {MOST_POINTS} times in a row.")
    if not (np.all(np.isfinite(times)) and np.all(np.diff(times) >= 0) and times[-1] > times[0]):
        raise ValueError("clock must be finite, not fall, and end later than it begins.")
    if origin is not None and not 0 <= origin < len(times):
        raise ValueError(f"origin={origin} is none of the {len(times)} points; use 0 to {len(times) - 1}.")
    return _eigen(times.tobytes(), origin)


@lru_cache(maxsize=8)  # the runs of one job were mostly saved at the same times
def _eigen(clock: bytes, origin: int | None) -> tuple[Array, Array]:
    times = np.frombuffer(clock)
    if origin is None:
        apart = np.abs(times[:, None] - times)
        products = -0.5 * (apart - apart.mean(axis=0) - apart.mean(axis=1)[:, None] + apart.mean())
    else:
        since = times - times[origin]
        products = np.where(np.outer(since, since) > 0, np.minimum.outer(np.abs(since), np.abs(since)), 0.0)
    values, vectors = np.linalg.eigh(products)
    found = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    for array in found:
        array.flags.writeable = False  # others get the same
    return found


def shares(clock: ArrayLike, origin: int | None = None, dimension: float = np.inf) -> tuple[Array, Array]:
    """Mean share of the variance that each axis of a walk explains [n]; and the standard deviation of the sum of the
    first k of them [n].

    To first order in 1/D from 100 dimensions on, for the axes where that is small, and without a correction for those
    after them; over 400 drawn walks below.

    Args:
        clock, origin: as of ``axes_of``.
        dimension: D.

    Raises:
        ValueError: as of ``axes_of``, and a dimension below 1.
    """
    if not dimension >= 1:
        raise ValueError(f"dimension={dimension} is not allowed; use a number from 1 on.")
    if dimension < FEWEST_DIMENSIONS:
        drawn = np.array([one / one.sum() for one in _drawn(clock, origin, int(dimension))])
        return drawn.mean(axis=0), drawn.cumsum(axis=1).std(axis=0, ddof=1)
    values, _ = axes_of(clock, origin)
    part = values / values.sum()
    square = part**2
    gaps = part[:, None] - part
    np.fill_diagonal(gaps, np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        repelled = np.where(gaps != 0, part / gaps, np.inf).sum(axis=1)
    change = (repelled + 2 * square.sum() - 2 * part) / dimension
    believed = np.cumprod(np.abs(change) < SMALL).astype(bool)
    first = part.cumsum()
    inner = square.cumsum()
    spread = np.sqrt(2 / dimension * ((1 - first) ** 2 * inner + first**2 * np.maximum(square.sum() - inner, 0.0)))
    return part * (1 + np.where(believed, change, 0.0)), spread


def coordinates(clock: ArrayLike, origin: int | None = None, num: int = 2) -> Array:
    """Where the points lie along the first axes, in steps' standard deviations by √D [n, num]: a Lissajous curve.

    The first point lies on the negative side of each axis; where it is the origin, the last on the positive.

    Args:
        clock, origin: as of ``axes_of``.
        num: axes.
    """
    values, vectors = axes_of(clock, origin)
    found = np.sqrt(values[:num]) * vectors[:, :num]
    sign = found[-1] if origin == 0 else -found[0]
    return np.asarray(found * np.where(sign < 0, -1.0, 1.0))


def cosine_content(places: ArrayLike, clock: ArrayLike, origin: int | None = None) -> Array:
    """The share of each coordinate's squares that a walk's own curve explains [K]; near 1 for a walk.

    Args:
        places: coordinates of a path along its principal axes [n, K].
        clock, origin: as of ``axes_of``, of that path.

    Source: Hess 2000 (Phys. Rev. E 62, 8438), there of a walk about its mean.
    """
    path = np.asarray(places, dtype=np.float64)
    _, vectors = axes_of(clock, origin)
    waves = vectors[:, : path.shape[1]]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((waves * path).sum(axis=0) ** 2 / (path**2).sum(axis=0))


def _drawn(clock: ArrayLike, origin: int | None, dimension: int, num: int = NUM_DRAWN) -> Array:
    """Eigenvalues of drawn walks [num, n], largest first."""
    times, rng = np.asarray(clock, dtype=np.float64), np.random.default_rng(0)
    axes_of(times, origin)  # refuses what is no clock
    found = np.zeros((num, len(times)))
    root = np.sqrt(np.diff(times))[:, None]
    for row in found:
        path = np.zeros((len(times), dimension))
        path[1:] = np.cumsum(root * rng.standard_normal((len(times) - 1, dimension)), axis=0)
        path -= path.mean(axis=0) if origin is None else path[origin]
        singular = np.linalg.svd(path, compute_uv=False)
        row[: len(singular)] = singular**2
    return found


def derive(*, num_points: int = 300, dimension: int = 1000) -> Derivation:
    """The shares, the axes and the curve of a walk, and how far finitely many dimensions are from them.

    Args:
        num_points: n of the numbers, 4 to 2000. dimension: D of the numbers and of the check, from 100 on.
    """
    require_whole(num_points=(num_points, 4, 2000), dimension=(dimension, FEWEST_DIMENSIONS, 10**9))
    n, about = int(num_points), np.arange(int(num_points))
    values: dict[str, Any] = {"num_points": n, "dimension": int(dimension)}
    for name, origin in (("centred", None), ("from_the_end", n - 1)):
        mean, spread = shares(about, origin, dimension)
        values[f"shares_{name}"], values[f"two_axes_{name}"] = mean[:4].tolist(), float(mean[:2].sum())
        values[f"standard_deviation_of_two_{name}"] = float(spread[1])
    return Derivation(
        title="Principal axes of a random walk",
        assumptions=[
            "X_0 ... X_(n-1), independent steps N(0, I) in D dimensions, D large",
            "the share of an axis is its part of the sum of squared distances from the origin: the mean of the points "
            "(centred), or one of the two ends",
        ],
        source="Antognini & Sohl-Dickstein 2018 (arXiv 1806.08805), the limit; finitely many points, an end as the "
        "origin and the order 1/D are derived here",
        steps=principal_steps.steps(),
        closed_form=principal_steps.closed_form(),
        check=lambda: _checks(n, int(dimension)),
        values=values,
    )


def _checks(num: int, dimension: int) -> list[Check]:
    """Against the matrices, one walk of the size given, and the mean of many small ones in 100 dimensions."""
    found, rng = [], np.random.default_rng(3)
    clock = np.arange(num)
    for name, origin in (("centred", None), ("from the end", num - 1)):
        exact = eigenvalues(num, origin is None)
        built = axes_of(clock, origin)[0][: num - 1]
        found.append(Check(f"eigenvalues of the matrix, {name}", float(np.abs(built / exact - 1).max()), 1e-7))
    middle = num // 3
    both = np.sort(np.concatenate([eigenvalues(m, False) for m in (middle + 1, num - middle)]))[::-1]
    apart = float(np.abs(axes_of(clock, middle)[0][: num - 1] / both - 1).max())
    found.append(Check("eigenvalues about a point in the middle", apart, 1e-7))
    products = _wishart(num - 1, dimension, rng)
    for name, origin in (("centred", None), ("from the end", num - 1)):
        seen = _seen(products, num, origin)
        mean, spread = shares(clock, origin, dimension)
        z = np.cumsum(seen / seen.sum() - mean)[:2] / spread[:2]
        found.append(Check(f"one axis and two of one walk, {name}, largest |z|", float(np.abs(z).max()), 4.0))
    return [*found, *_small(rng)]


def _small(rng: np.random.Generator, num: int = 4000, size: int = 12, dimension: int = 100) -> list[Check]:
    """First order in 1/D, which is several standard errors of these means."""
    found: list[Check] = []
    drawn = [_wishart(size - 1, dimension, rng) for _ in range(num)]
    for name, origin in (("centred", None), ("from the end", size - 1)):
        seen = np.array([_seen(one, size, origin) for one in drawn])
        parts = seen / seen.sum(axis=1, keepdims=True)
        mean, spread = shares(np.arange(size), origin, dimension)
        z = np.cumsum(parts.mean(axis=0) - mean)[:2] / (spread[:2] / np.sqrt(num))
        top = float(np.abs(z).max())
        found.append(Check(f"one axis and two, mean of {num} walks in {dimension} dimensions, {name}, |z|", top, 4.0))
        wide = float(np.abs(parts.cumsum(axis=1)[:, :2].std(axis=0) / spread[:2] - 1).max())
        found.append(Check(f"their standard deviations, {name}, off by", wide, 0.1))
    return [*found, _content(rng)]


def _content(rng: np.random.Generator, num: int = 200, size: int = 60, dimension: int = 2000) -> Check:
    """What the first two axes of drawn walks leave of their cosines, against π²k²/12 + 1/16 by D."""
    left = np.zeros(2)
    for _ in range(num):
        products = _seen_by(_wishart(size - 1, dimension, rng), size, None)
        values, vectors = np.linalg.eigh(products)
        path = np.sqrt(values[-1:-3:-1]) * vectors[:, -1:-3:-1]
        left += (1 - cosine_content(path, np.arange(size))) / num
    law = (np.pi**2 * np.arange(1, 3) ** 2 / 12 + 1 / 16) / dimension
    return Check(f"what {num} walks leave of their cosines, off by", float(np.abs(left / law - 1).max()), 0.2)


def _wishart(size: int, dimension: int, rng: np.random.Generator) -> Array:
    """Inner products of so many white steps, by D [size, size]: by Bartlett, without the steps."""
    if dimension < size:
        white = rng.standard_normal((size, dimension))
        return np.asarray(white @ white.T / dimension)
    root = np.tril(rng.standard_normal((size, size)), -1)
    root[np.diag_indices(size)] = np.sqrt(rng.chisquare(dimension - np.arange(size)))
    return np.asarray(root @ root.T / dimension)


def _seen(products: Array, num: int, origin: int | None) -> Array:
    """Eigenvalues of a walk of these steps, largest first [num]."""
    return np.asarray(np.linalg.eigvalsh(_seen_by(products, num, origin))[::-1])


def _seen_by(products: Array, num: int, origin: int | None) -> Array:
    """Inner products of the points of a walk of these steps, about an origin [num, num]."""
    walk = np.zeros((num, num))
    walk[1:, 1:] = products.cumsum(axis=0).cumsum(axis=1)
    away = np.eye(num) - (1 / num if origin is None else np.eye(num)[origin])
    return np.asarray(away @ walk @ away.T)


def draw(axes: Any, *, num_points: int = 300, dimension: int = 1000) -> None:
    """The shares of both, and of one walk.

    Args:
        axes: of matplotlib. num_points, dimension: of the walk.
    """
    derive(num_points=num_points, dimension=dimension)  # refuses bad parameters
    num = int(num_points)
    products = _wishart(num - 1, int(dimension), np.random.default_rng(0))
    for colour, name, origin in (("C0", "about its mean", None), ("C1", "from its end", num - 1)):
        exact = eigenvalues(num, origin is None)
        k = np.arange(1, num)
        seen = _seen(products, num, origin)[: num - 1]
        axes.plot(k, seen / seen.sum(), ".", color=colour, markersize=3, label=f"one walk {name}, D = {dimension:,}")
        axes.plot(k, exact / exact.sum(), color=colour, linewidth=1, label=f"law {name}, {num:,} points")
    axes.set(xscale="log", yscale="log")
    label_axes(axes, "principal axis k (number)", "share of the variance (no unit)")
