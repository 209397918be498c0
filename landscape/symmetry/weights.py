"""Weight matching: the order of one network's units in which its weights lie nearest to another's.

To find the nearest of all orders of all layers is hard (NP-hard from two hidden layers on). With all permutations but
one held still the squared distance is a sum over the pairs of units that come together: an assignment, which is solved
exactly. So one permutation after another is solved until none changes.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import permutations

import numpy as np
import torch
from torch import Tensor

from landscape.ground.streams import ALIGN, stream
from landscape.symmetry.axes import Axes, Axis, Permutation, entries, identity, random_permutations

log = logging.getLogger(__name__)

MOST_LISTED = 5
"""Pieces whose orders, 120 of them, are all tried; of more pieces each pair of units is an assignment of its own."""
BLOCK = 2**26
"""Bytes of scores at a time."""
QUIET = 5.0
"""Seconds after which a start tells of each sweep."""
GAIN = 1e-12
"""Of |a| |b|: what the similarity gains less is rounding, and could let the sweeps go round in circles."""


@dataclass(frozen=True)
class Matching:
    """What matching found.

    Args:
        permutations: of b, by name.
        num_sweeps: over all permutations, the last of which changed nothing; 0 where each was solved once.
        num_starts: of weight matching; 0 where nothing was swept.
        num_nearest: starts that came as near as the one that was kept.
    """

    permutations: dict[str, Permutation]
    num_sweeps: int = 0
    num_starts: int = 0
    num_nearest: int = 0


def match_weights(
    a: Mapping[str, Tensor], b: Mapping[str, Tensor], axes: Axes, starts: int = 1, seed: int = 0
) -> Matching:
    """The permutations of b that bring it near a; from the first start on |a - P b| never grows.

    Coordinate descent in an order that is drawn anew for each sweep. Of maxout units the pieces are assigned within
    each pair of units first: what their best order is worth is what the pair is worth. A start ends at a local optimum,
    where no other order of one permutation alone is nearer; the log says how many starts came as near as the nearest.

    Args:
        a, b: parameters by name; all that are here count.
        axes: which of their axes follow which permutation.
        starts: the first begins with b as it is, the others at random; the nearest result is kept.
        seed: of the orders and the random beginnings.

    Source: Ainsworth, Hayase and Srinivasa 2023 (arXiv 2209.04836), algorithm 1.
    """
    descent = _Descent({name: (real(value), real(b[name])) for name, value in a.items()}, axes)
    best, reached = Matching(identity(axes)), [-math.inf]
    for start in range(starts):
        generator = stream(seed, ALIGN, start)
        begin = random_permutations(axes, generator) if start else identity(axes)
        found = descent(begin, generator)
        similarity = descent.similarity(found.permutations)
        if similarity > max(reached):
            best = found
        reached.append(similarity)
    num_nearest = sum(similarity >= max(reached) - descent.least for similarity in reached)
    if starts == 1:
        log.info("matching weights: one start, which ends at a local optimum; more starts may come nearer")
    else:
        far, near = (descent.distance(similarity) for similarity in (min(reached[1:]), max(reached)))
        log.log(
            logging.WARNING if num_nearest == 1 else logging.INFO,
            "matching weights: %d of %d starts came to the nearest order, distance %.4g; the farthest ended at %.4g%s",
            *(num_nearest, starts, near, far, "; more starts may come nearer yet" if num_nearest == 1 else ""),
        )
    return replace(best, num_starts=starts, num_nearest=num_nearest)


class _Descent:
    """Sweeps over all permutations of one pair of networks.

    Args:
        pairs: {name: (a, b)} in float64.
        axes: which of their axes follow which permutation.
    """

    def __init__(self, pairs: Mapping[str, tuple[Tensor, Tensor]], axes: Axes) -> None:
        self.pairs, self.axes = pairs, axes
        self.places: dict[str, list[tuple[str, int, Axis]]] = {name: [] for name in axes.sizes}
        for name in pairs:
            for dim, axis in enumerate(axes.of.get(name, ())):
                if axis is not None:
                    self.places[axis.permutation].append((name, dim, axis))
        norms = [math.fsum(pair[k].square().sum().item() for pair in pairs.values()) for k in (0, 1)]
        self.least, self.both = GAIN * math.sqrt(norms[0] * norms[1]), sum(norms)

    def __call__(self, by: dict[str, Permutation], generator: torch.Generator) -> Matching:
        """Where the sweeps come to rest from these permutations."""
        by, names, num_sweeps, has_changed = dict(by), list(self.axes.sizes), 0, True
        began = time.monotonic()
        while has_changed:
            if num_sweeps and time.monotonic() - began > QUIET:
                log.info("matching weights: sweep %d; similarity %.6g so far", num_sweeps + 1, self.similarity(by))
            num_sweeps, has_changed = num_sweeps + 1, False
            for k in torch.randperm(len(names), generator=generator).tolist():
                name = names[k]
                other = {**by, name: assigned(*self._scores(name, by))}
                # Where one acts on two axes of a matrix the scores are a slope, and what they promise is tried.
                concerned = {place[0] for place in self.places[name]}
                if self.similarity(other, concerned) > self.similarity(by, concerned) + self.least:
                    by, has_changed = other, True
        return Matching(by, num_sweeps)

    def distance(self, similarity: float) -> float:
        """|a - P b|."""
        return math.sqrt(max(0.0, self.both - 2 * similarity))

    def similarity(self, by: Mapping[str, Permutation], names: set[str] | None = None) -> float:
        """The inner product of a and P b, over these parameters or all."""
        chosen = self.pairs if names is None else names
        return math.fsum(torch.sum(self.pairs[n][0] * self._moved(n, by)).item() for n in chosen)

    def _scores(self, name: str, by: Mapping[str, Permutation]) -> tuple[Tensor, Tensor | None]:
        """What unit u of a gains beside v of b [U, U]; where there are pieces, what each gains [U, K, U, K]."""
        num, num_pieces = self.axes.sizes[name], self.axes.pieces(name)
        units = torch.zeros(num, num, dtype=torch.float64)
        pieces = torch.zeros(num, num_pieces, num, num_pieces, dtype=torch.float64) if num_pieces > 1 else None
        for parameter, dim, axis in self.places[name]:
            first = by_unit(self.pairs[parameter][0], dim, axis, num)
            second = by_unit(self._moved(parameter, by, still=dim), dim, axis, num)
            product = first.flatten(0, 1) @ second.flatten(0, 1).T
            if axis.pieces > 1 and pieces is not None:
                pieces += product.view(pieces.shape)
            else:
                units += product
        return units, pieces

    def _moved(self, parameter: str, by: Mapping[str, Permutation], still: int | None = None) -> Tensor:
        """P b, with one axis left as it is."""
        value = self.pairs[parameter][1]
        for dim, axis in enumerate(self.axes.of.get(parameter, ())):
            if axis is not None and dim != still:
                value = value.index_select(dim, entries(axis, by[axis.permutation]))
        return value


def by_unit(value: Tensor, dim: int, axis: Axis, num: int) -> Tensor:
    """A parameter with one axis as units and pieces, [U, K, all else]; K is 1 where the pieces keep their order."""
    parts: Tensor = value.unflatten(dim, (axis.outer, num, axis.inner))
    if axis.pieces == 1:
        units: Tensor = parts.movedim(dim + 1, 0).flatten(1)
        return units[:, None]
    pieces: Tensor = parts.movedim((dim + 1, dim + 2 if axis.inner > 1 else dim), (0, 1)).flatten(2)
    return pieces


def assigned(units: Tensor, pieces: Tensor | None = None) -> Permutation:
    """The one-to-one choice, of units and of the pieces within each pair, that scores most.

    Args:
        units: [U, U], what new place u gains by old unit v.
        pieces: [U, K, U, K], what its piece k gains by that unit's piece j.
    """
    if pieces is None:
        return Permutation(_assignment(units))
    gains, orders = _best_orders(pieces)
    chosen = _assignment(units + gains)
    return Permutation(chosen, orders[torch.arange(len(chosen)), chosen])


def _assignment(scores: Tensor) -> Tensor:
    from scipy.optimize import linear_sum_assignment  # late: slow to import

    return torch.from_numpy(linear_sum_assignment(scores.numpy(), maximize=True)[1]).long()


def _best_orders(pieces: Tensor) -> tuple[Tensor, Tensor]:
    """Of every pair of units [U, V] what the best order of pieces scores, and that order [U, V, K]."""
    num, num_pieces = pieces.shape[:2]
    pairs = pieces.transpose(1, 2)  # [U, V, K, K]
    if num_pieces > MOST_LISTED:
        orders = [[_assignment(pair) for pair in row] for row in pairs]
        chosen = torch.stack([torch.stack(row) for row in orders])
        return pairs.gather(3, chosen[..., None]).sum(dim=(2, 3)), chosen
    listed = _orders(num_pieces)
    picks = torch.nn.functional.one_hot(listed, num_pieces).double().flatten(1).T  # [K K, K!]
    rows = max(1, BLOCK // (8 * num * len(listed)))
    found = [(block.flatten(2) @ picks).max(dim=2) for block in pairs.split(rows)]
    return torch.cat([f.values for f in found]), listed[torch.cat([f.indices for f in found])]


@cache
def _orders(num: int) -> Tensor:
    return torch.from_numpy(np.array(list(permutations(range(num)))))


def real(value: Tensor) -> Tensor:
    """In float64 on the CPU; a complex number is two."""
    value = value.detach().cpu()
    return (torch.view_as_real(value.resolve_conj()) if value.is_complex() else value).double()
