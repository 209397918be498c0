"""The gradient of J at a point, and how the examples' own gradients scatter about it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.func import grad, vmap

from landscape.cost.contract import WEIGHT, has_counts, is_of_batch
from landscape.model.plain import exact_formulas
from landscape.objective.forward import axis_of, cut, num_of

if TYPE_CHECKING:
    from landscape.objective.curvature.operator import Hessian

log = logging.getLogger(__name__)

MOST_BYTES = 2**27
"""Of examples' gradients that are held at once, and less where the budget is less."""


@dataclass(frozen=True)
class Scatter:
    """How the gradients of single examples scatter about their mean g.

    Args:
        variance: tr Sigma, the mean of |g_n - g|² over the examples, each counting as it does in J; divided by N, not
            by N - 1: minibatches are drawn from these examples. NaN where the cost knows no single examples.
        norm: |g|.
    """

    variance: float
    norm: float

    @property
    def noise_scale(self) -> float:
        """tr Sigma / |g|²: the number of examples in a minibatch whose gradient is off by |g|, in the root mean square.

        Source: McCandlish et al. 2018 (arXiv 1812.06162), B_simple.
        """
        return self.variance / self.norm**2 if self.norm > 0 else float("nan")


def scatter_of(hessian: Hessian) -> Scatter:
    """Every example's gradient at the operator's point, a few at a time; exact, none is sampled."""
    norm = float(hessian.gradient.norm())
    if is_of_batch(hessian.objective.cost):
        return Scatter(float("nan"), norm)
    total, size = torch.zeros((), dtype=torch.float64, device=hessian.device), _at_once(hessian)
    with torch.no_grad(), exact_formulas(hessian.objective.module):
        for batch in hessian.batches():
            known = [batch.known[hessian.row, k] for k in range(hessian.objective.num_replicates)]
            num = num_of(known[0])
            for first in range(0, num, size):
                total += _squares(hessian, [cut(part, first, min(size, num - first)) for part in known])
    return Scatter(float(total) / hessian.weight, norm)


def _at_once(hessian: Hessian) -> int:
    """Examples whose gradients are held together."""
    most = min(MOST_BYTES, hessian.objective.wants.budget / 4)
    return max(1, min(hessian.size, int(most // (3 * hessian.theta.nbytes))))


def _squares(hessian: Hessian, known: list[dict[str, Tensor]]) -> Tensor:
    """The sum over some examples of w |g_n - g|², the mean of each over its replicates."""
    pairs = [_gradients(hessian, part) for part in known]
    own = sum(gradients.double() for gradients, _ in pairs) / len(pairs)  # w g_n [B, P]
    weight = pairs[0][1].double()
    cost, scale = hessian.objective.cost, hessian.objective.scales.get("objective", 1.0)
    if has_counts(cost) and "y" in known[0]:  # labels that do not count, or not as one
        counts = cost.counts(known[0]["y"])
        weight = scale * counts["objective"].to(weight) if "objective" in counts else weight
    apart = own / torch.where(weight > 0, weight, 1.0)[:, None] - hessian.gradient
    squares: Tensor = (weight * apart.square().sum(dim=1)).sum()
    return squares


def _gradients(hessian: Hessian, known: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """(w g_n [B, P], w [B])."""
    axes = {name: axis_of(name) for name in known}

    def cost(theta: Tensor, one: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        alone = {n: v if (axis := axes[n]) is None else v.unsqueeze(axis) for n, v in one.items()}
        channels, _ = hessian.objective.forward.on_copies(theta, alone, None)
        [value] = channels["objective"]
        return value, channels[WEIGHT][0] if WEIGHT in channels else torch.ones_like(value)

    each: Any = grad(cost, has_aux=True)
    try:
        gradients, weights = vmap(each, in_dims=(None, axes))(hessian.theta, known)
    except RuntimeError as error:
        # What cannot go through vmap, such as a decision by the values of an example, goes one by one.
        log.debug("examples one by one: %s", error)
        rows = ({n: _select(v, axes[n], i) for n, v in known.items()} for i in range(num_of(known)))
        parts = zip(*(each(hessian.theta, row) for row in rows), strict=True)
        gradients, weights = (torch.stack(part) for part in parts)
    return gradients, weights


def _select(tensor: Tensor, axis: int | None, k: int) -> Tensor:
    """Example k of what a batch brings."""
    return tensor if axis is None else tensor.select(axis, k)
