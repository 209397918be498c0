"""The Hessian of J as a linear operator of curvlinops, made of the house's own forward pass."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
import torch
from curvlinops import HessianLinearOperator  # of the extra: whoever needs this module imports it late
from numpy.typing import NDArray
from torch import Tensor, nn

from landscape.cost.contract import WEIGHT
from landscape.cost.labels import check_counts
from landscape.errors import InputError
from landscape.model.plain import exact_formulas
from landscape.objective.batch import Batch
from landscape.objective.forward import ForwardPass
from landscape.objective.memory.passes import Passes
from landscape.objective.objective import Objective

MOST_COLUMNS = 8
"""Vectors that one pass over the data is multiplied with at most: they share its forward pass."""
DENSE = 200
"""Parameters up to which the whole matrix is written out, and all that is asked of it is exact."""
CLOSE = {torch.float32: 1e-4, torch.float64: 1e-9}
"""How near J of the operator must be to J of the objective, relative to it: they add in another order."""


class Costs(nn.Module):
    """theta [P], its one parameter, and what a batch brings -> each example's cost [B]: a model, to curvlinops."""

    def __init__(self, one_pass: ForwardPass, theta: Tensor) -> None:
        super().__init__()
        self.theta = nn.Parameter(theta)
        self.one_pass = one_pass

    def forward(self, known: dict[str, Tensor]) -> Tensor:
        """The channel ``objective``, where the cost weighs examples times what each counts."""
        return self.one_pass.on_copies(self.theta, known, None)[0]["objective"]


class Share(nn.Module):
    """Costs [B] -> their share of J, so that the sum over the batches is J: a loss, to curvlinops."""

    reduction = "sum"

    def __init__(self, total: float) -> None:
        super().__init__()
        self.total = total

    def forward(self, costs: Tensor, _: Tensor) -> Tensor:
        """Their sum over what all examples count."""
        return costs.double().sum() / self.total


class Hessian(HessianLinearOperator):  # type: ignore[misc]  # curvlinops ships no types
    """The second derivatives of J at a point, as a matrix [P, P] that is never written out.

    Args:
        objective: J; its examples are held in memory.
        theta: [P].
        row: of the objective, whose masks and running statistics are taken.

    Attributes:
        value: J.
        gradient: [P], float64.
        products: how many vectors it was multiplied with so far.

    Raises:
        InputError: nothing counts in the examples; J by another way of summing is another number.
    """

    def __init__(self, objective: Objective, theta: Tensor, row: int = 0) -> None:
        check_counts(objective.scales, len(objective.split))
        self.objective, self.row, self.products = objective, row, 0
        point = theta.to(objective.device, objective.dtype).clone()
        passes = curvature_passes(objective)
        self.size = passes.examples
        self.columns = max(1, min(MOST_COLUMNS, int(passes.wants.budget // max(1.0, passes.foot.of(passes.whole)))))
        self.weight = self._weight(point)
        self.total = objective.num_replicates * self.weight
        model, num = Costs(objective.forward, point), len(objective.split)
        super().__init__(
            model, Share(self.total), [model.theta], self, check_deterministic=False, num_data=num, batch_size_fn=len
        )
        with exact_formulas(objective.module):
            [gradient], value = self.gradient_and_loss()
        self.gradient, self.value = gradient.double(), float(value)

    def __iter__(self) -> Iterator[tuple[dict[str, Tensor], Tensor]]:
        """What every batch brings, as curvlinops wants its data; the second is nothing."""
        nothing = torch.zeros((), device=self.objective.device)
        for batch in self.batches():
            for k in range(self.objective.num_replicates):
                yield batch.known[self.row, k], nothing

    def batches(self) -> Iterator[Batch]:
        """All examples."""
        for start in range(0, len(self.objective.split), self.size):
            yield self.objective.batch(start, self.size)

    @property
    def theta(self) -> Tensor:
        """The point [P]."""
        point: Tensor = self._params[0].detach()
        return point

    @cached_property
    def dense(self) -> NDArray[np.float64] | None:
        """All of the matrix [P, P], symmetric to the last bit; None where there are too many parameters."""
        num = self.shape[0]
        if num > DENSE:
            return None
        found = (self @ torch.eye(num, device=self.device, dtype=self.dtype)).double().cpu().numpy()
        return np.asarray(0.5 * (found + found.T))

    def times(self, vector: Tensor) -> Tensor:
        """H v [P] in float64."""
        found: Tensor = self @ vector.to(self.device, self.dtype)
        return found.double()

    def check_value(self, value: float) -> None:
        """Raise InputError unless J of the operator is this, J of the objective."""
        if abs(self.value - value) > CLOSE[self.objective.dtype] * max(abs(value), abs(self.value)):
            raise InputError(
                f"the cost whose curvature is taken is {self.value:.12g}, and J there is {value:.12g}: what "
                f"model={type(self.objective.module).__name__} computes depends on how its examples are batched or "
                "differentiated, so that its eigenvalues would be those of something else"
            )

    def _matmat(self, M: list[Tensor]) -> list[Tensor]:
        """A few columns at a time, by formulas that have second derivatives."""
        [matrix] = M
        self.products += matrix.shape[-1]
        with exact_formulas(self.objective.module):
            parts = [super(Hessian, self)._matmat([part])[0] for part in matrix.split(self.columns, dim=-1)]
        return [torch.cat(parts, dim=-1)]

    def _weight(self, theta: Tensor) -> float:
        """What all examples count: their number, or the sum of their weights."""
        if not self.objective.forward.weighs:
            return float(len(self.objective.split))
        weights = (batch.channels(theta, self.row)[0][WEIGHT] for batch in self.batches())
        return float(sum(part.double().sum() for part in weights))


def curvature_passes(objective: Objective) -> Passes:
    """How many examples are held at once while one vector is multiplied.

    Raises:
        InputError: ``objective.memory`` is too little for anything.
    """
    if "curvature" not in objective.slope_passes:
        start = objective.forward.start
        model = Costs(objective.forward, start.clone())

        def evaluate(batch: Batch) -> tuple[dict[str, Tensor], None]:
            known = next(iter(batch.known.values()))
            data = [(known, start)]
            one = HessianLinearOperator(
                model, Share(1.0), [model.theta], data, check_deterministic=False, num_data=1, batch_size_fn=len
            )
            return {"objective": one @ torch.ones_like(start)}, None

        with exact_formulas(objective.module):
            objective.slope_passes["curvature"] = objective.passes_for(None, evaluate)
    return objective.slope_passes["curvature"]
