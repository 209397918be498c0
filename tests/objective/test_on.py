"""``Objective.on``: other examples or numbers for one module, which is looked at once per mode and precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from torch import Tensor, nn

from landscape.cost import CrossEntropy
from landscape.data import Split
from landscape.errors import InputError
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import Linear
from tests.twin import C, D, maxout, normal, split

ALPHAS = np.linspace(-0.2, 1.3, 5)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"seeds": [9]},
        {"mode": "deterministic"},
        {"mode": "deterministic", "dtype": "float64", "engine": "prefix"},
        {"num_replicates": 1, "batch_size": 7},
    ],
)
def test_another_objective_is_the_one_that_would_be_made_anew(changes: dict[str, Any]) -> None:
    first = {"mode": "stochastic", "seeds": [4, 7], "num_replicates": 2}
    num = ParameterLayout.of(maxout()).num_parameters
    rows = len(changes.get("seeds", first["seeds"]))
    line = Linear(0.8 * normal(rows, num, seed=1), 0.7 * normal(rows, num, seed=2))
    for data in (split(31, 2), None):
        ours = Objective(maxout(), CrossEntropy(), split(8, 1), **first).on(data, **changes)
        anew = Objective(maxout(), CrossEntropy(), data or split(8, 1), **{**first, **changes})
        found, expected = (one.along(line, ALPHAS, keep_costs=True) for one in (ours, anew))
        assert (ours.is_random, ours.num_replicates, ours.dtype) == (anew.is_random, anew.num_replicates, anew.dtype)
        assert np.array_equal(found.replicates, expected.replicates) and np.array_equal(found.costs, expected.costs)


class Counts(nn.Linear):
    """A linear layer that knows how often any copy of it ran, in code that nobody knows."""

    passes = 0

    def forward(self, x: Tensor) -> Tensor:
        """x [B, D] -> logits [B, C]."""
        Counts.passes += 1
        return super().forward(x)


def test_a_module_is_looked_at_once_per_mode_and_precision() -> None:
    first = Objective(Counts(D, C), CrossEntropy(), split(8, 1))
    counted = []
    for changes in ({}, {"seeds": [3]}, {"mode": "stochastic"}, {"mode": "stochastic"}, {"dtype": "float64"}):
        Counts.passes = 0
        first.on(split(23, 2), **changes)
        counted.append(Counts.passes)
    assert counted[0] == counted[1] == counted[3] == 1  # the targets of the new examples
    assert min(counted[2], counted[4]) > 5


def test_examples_that_do_not_fit_are_refused() -> None:
    first = Objective(nn.Linear(D, C), CrossEntropy(), split(8, 1))
    wrong = split(23, 2)
    wrong.y[-1] = C
    with pytest.raises(InputError, match=r"example 22 of the data has the label"):
        first.on(wrong)
    with pytest.raises(InputError, match=r"values that are not finite"):
        first.on(Split(split(9, 1).x.div(0), split(9, 1).y))
    with pytest.raises(TypeError, match=r"Objective\.on has no depth, module"):
        first.on(depth=3, module=None)
