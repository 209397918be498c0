"""Lines on a GPU against the plain path on the CPU in float64."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from landscape.cost import CrossEntropy
from landscape.objective import Objective
from landscape.objective.slope import slopes
from landscape.parameters import ParameterLayout
from landscape.path import Linear
from tests.twin import C, D, normal, split

ALPHAS = np.linspace(-0.2, 1.3, 9)
MODULES: dict[str, Callable[[], nn.Module]] = {
    "relu": lambda: nn.Sequential(nn.Linear(D, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, C)),
    "conv": lambda: nn.Sequential(
        nn.Unflatten(1, (1, D)), nn.Conv1d(1, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(20, C)
    ),
}


def ends(module: nn.Module) -> tuple[torch.Tensor, torch.Tensor]:
    size = ParameterLayout.of(module).num_parameters
    return 0.6 * normal(1, size, seed=1), 0.5 * normal(1, size, seed=2)


def on(device: str, dtype: str, name: str, **other: object) -> tuple[Objective, Linear]:
    module = MODULES[name]()
    objective = Objective(module, CrossEntropy(), split(300, 1), dtype=dtype, device=device, **other)  # type: ignore[arg-type]
    return objective, Linear(*(end.to(objective.device, objective.dtype) for end in ends(module)))


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", ["plain", "prefix"])
@pytest.mark.parametrize("name", list(MODULES))
def test_a_line_is_that_of_the_cpu(name: str, engine: str, dtype: str) -> None:
    """Points in one pass, and examples in blocks of 70; float32 is float32, not TF32."""
    truth, path = on("cpu", "float64", name, engine="plain")
    expected = truth.along(path, ALPHAS).channels["objective"]
    for numbers in ({}, {"batch_size": 70, "alphas_at_once": 4}):
        objective, line = on("cuda", dtype, name, engine=engine, **numbers)
        found = objective.along(line, ALPHAS).channels["objective"]
        np.testing.assert_allclose(found, expected, rtol=1e-5 if dtype == "float32" else 1e-11)


@pytest.mark.gpu
@pytest.mark.parametrize("name", list(MODULES))
def test_slopes_are_those_of_the_cpu(name: str) -> None:
    truth, path = on("cpu", "float64", name)
    objective, line = on("cuda", "float64", name)
    for key, expected in slopes(truth, path, ALPHAS, 2).items():
        np.testing.assert_allclose(slopes(objective, line, ALPHAS, 2)[key], expected, rtol=1e-9, atol=1e-10)


@pytest.mark.gpu
@pytest.mark.parametrize("together", [1, 4])
def test_nobody_waits_for_a_batch_on_the_gpu(together: int) -> None:
    """torch itself tells of every wait: as many with ten batches as with one, at the end of the line."""
    num_waits = []
    for batch_size in (300, 30):
        objective, line = on("cuda", "float32", "relu", engine="plain", batch_size=batch_size, alphas_at_once=together)
        objective.along(line, ALPHAS)  # what is looked at once, before the first batch
        torch.cuda.set_sync_debug_mode("warn")
        try:
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                objective.along(line, ALPHAS)
        finally:
            torch.cuda.set_sync_debug_mode("default")
        num_waits.append(sum("synchronizing CUDA operation" in str(each.message) for each in told))
    assert num_waits[0] == num_waits[1] > 0


class Reads(TorchDispatchMode):
    """Counts how often a value is looked at, for which a GPU would be waited for."""

    num = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operator."""
        self.num += func.overloadpacket.__name__ in ("_local_scalar_dense", "nonzero", "equal", "is_nonzero")
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("keep_costs", [False, True])
@pytest.mark.parametrize(("engine", "together", "looks"), [("plain", 1, 0), ("plain", 4, 0), ("prefix", 1, 1)])
def test_nobody_looks_at_a_value_of_a_batch(engine: str, together: int, looks: int, keep_costs: bool) -> None:
    """As often with ten batches as with one, but that the prefix on a CPU, and there alone, asks if each is finite."""
    num = []
    for batch_size in (300, 30):
        objective, line = on("cpu", "float64", "relu", engine=engine, batch_size=batch_size, alphas_at_once=together)
        objective.passes  # noqa: B018
        with Reads() as reads:
            objective.along(line, ALPHAS, keep_costs=keep_costs)
        num.append(reads.num)
    assert num[1] - num[0] == 9 * looks and num[0] < 20
