"""Which points of a path lie on one straight line: all of them, or on a plane those of each row of a grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = Sequence[tuple[float, ...]]
"""One weight per anchor and point, of sum 1: theta = Σ w_n theta_n."""


@dataclass(frozen=True)
class Row:
    """Points on one straight line.

    Args:
        ends: weights of the two anchors between which the places are counted.
        which: the points' numbers [A], in ascending order of place.
        places: where they lie [A]; 0 and 1 are the ends.
    """

    ends: tuple[tuple[float, ...], tuple[float, ...]]
    which: NDArray[np.intp]
    places: NDArray[np.float64]


def rows_of(points: Points) -> list[Row]:
    """A line is one row; a plane falls into few rows along which the weight of one anchor is the same number.

    A grid between three corners has such rows, to the last bit. Points that are strewn over a plane are rows of one.

    Args:
        points: of two or three anchors.
    """
    weights = np.asarray(points, dtype=np.float64)
    if weights.shape[1] == 2:
        which = np.argsort(weights[:, 1], kind="stable")
        return [Row(((1.0, 0.0), (0.0, 1.0)), which, weights[which, 1])]
    labels = min((np.unique(column, return_inverse=True)[1] for column in weights.T), key=_cost)
    return [_row(points, weights, np.flatnonzero(labels == n)) for n in dict.fromkeys(labels.tolist())]


def _cost(labels: NDArray[np.intp]) -> int:
    """Number of rows, double where their points do not follow each other, so that results must wait for others."""
    num = int(labels.max()) + 1
    return num if np.count_nonzero(np.diff(labels)) + 1 == num else 2 * num


def _row(points: Points, weights: NDArray[np.float64], which: NDArray[np.intp]) -> Row:
    """The row of some points on one line of a plane, between the outermost of them."""
    spread = np.ptp(weights[which], axis=0)
    along = weights[which, int(spread.argmax())]
    order = np.argsort(along, kind="stable")
    low, high = along[order[0]], along[order[-1]]
    places = (along[order] - low) / ((high - low) or 1.0)
    return Row((points[which[order[0]]], points[which[order[-1]]]), which[order], places)
