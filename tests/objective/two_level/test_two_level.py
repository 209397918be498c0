"""Evaluation to a tolerance: exact where it is said to be, within its bounds elsewhere, of any cost, data and path."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from landscape.cost import CrossEntropy
from landscape.data.split import Split
from landscape.errors import InputError
from landscape.objective.objective import Objective
from landscape.objective.request import Request, evaluated
from landscape.objective.sums import Evaluation
from landscape.path import Linear, Plane

NUM, POINTS, TOLERANCE = 3000, 60, 5e-3
ALPHAS = np.linspace(-0.2, 1.2, POINTS)


def net(*parts: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.GELU(), *parts, nn.Linear(16, 3))


def examples(num: int = NUM, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 3, (num,), generator=generator)
    centres = torch.randn(3, 6, generator=generator)
    return centres[y] + 1.6 * torch.randn(num, 6, generator=generator), y


def ends(module: nn.Module, rows: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Off the origin; the second is where a few steps lead, another one per row."""
    x, y = examples()
    start = nn.utils.parameters_to_vector(module.parameters()).detach().clone()
    found = []
    for row in range(rows):
        nn.utils.vector_to_parameters(start.clone(), module.parameters())
        optimizer = torch.optim.Adam(module.parameters(), lr=0.02 + 0.02 * row)
        for _ in range(60):
            optimizer.zero_grad()
            nn.functional.cross_entropy(module(x), y).backward()
            optimizer.step()
        found.append(nn.utils.parameters_to_vector(module.parameters()).detach().clone())
    nn.utils.vector_to_parameters(start.clone(), module.parameters())
    return start.repeat(rows, 1), torch.stack(found)


def both(
    module: nn.Module, data: Any, path: Any = None, axes: Any = (ALPHAS,), cost: Any = None, **words: Any
) -> tuple[Evaluation, Evaluation]:
    """To a tolerance, and in full."""
    objective = Objective(module, cost or CrossEntropy(), data, tolerance=TOLERANCE, **words)
    path = path or Linear(*ends(module, len(objective.seeds)))
    points = axes[0] if len(axes) == 1 else path.points
    held = objective if not objective.is_streamed else objective.on(Split(*examples()))
    return evaluated([Request(objective, path, points, axes=axes)])[0], held.along(path, points)


def off_by(found: Evaluation, full: Evaluation, name: str = "objective") -> float:
    """The largest error in units of what was stated, rounding apart."""
    off = np.abs(found.channels[name] - full.channels[name])
    off = np.where(off <= 1e-6 * np.abs(full.channels[name]) + 1e-12, 0.0, off)
    return float((off / np.maximum(found.bounds[name], 1e-300)).max())


def test_where_it_is_taken_over_all_it_is_what_a_full_pass_gives_and_elsewhere_within_its_bound() -> None:
    """Two rows with one set of nodes; the plain engine, so that a point does not depend on what lies beside it."""
    found, full = both(net(), Split(*examples()), seeds=[0, 1], engine="plain")
    known = (found.bounds["objective"] == 0).all(axis=1)
    assert 2 < known.sum() < POINTS / 2 and found.passes < POINTS / 2
    assert (found.channels["objective"][known] == full.channels["objective"][known]).all()
    assert off_by(found, full) < 1 and off_by(found, full, "error") < 1
    spread = np.ptp(full.channels["objective"][(ALPHAS >= 0) & (ALPHAS <= 1)], axis=0)
    assert (found.bounds["objective"].max(axis=0) <= 1.01 * TOLERANCE * spread).all()
    lowest, highest = found.channels["objective"].argmin(axis=0), found.channels["objective"].argmax(axis=0)
    assert known[lowest].all() and known[highest].all()


@pytest.mark.slow
def test_the_same_call_gives_the_same_bits_whatever_the_memory() -> None:
    data = Split(*examples())
    one, two = (both(net(), data, memory=memory)[0] for memory in ("2GiB", "64MiB"))
    assert one.passes == two.passes
    np.testing.assert_allclose(one.channels["objective"], two.channels["objective"], rtol=1e-6)


def test_a_stream_takes_two_passes_and_finds_what_is_held() -> None:
    x, y = examples()
    begun = []

    def batches() -> Any:
        begun.append(1)
        return iter(DataLoader(TensorDataset(x, y), batch_size=128))

    found, full = both(net(), batches)
    assert off_by(found, full) < 1 and found.passes < 0.6 * POINTS and found.num_examples == NUM
    assert len(begun) <= 6  # looked at twice, then two passes, seldom a third


@pytest.mark.slow
def test_a_stream_that_shows_other_examples_each_time_is_taken_in_one_pass() -> None:
    x, y = examples()
    turn = [0]

    def batches() -> Any:
        turn[0] += 1
        moved = x + 0.01 * turn[0] * (torch.arange(len(x))[:, None] > 500)
        return ((moved[k : k + 100], y[k : k + 100]) for k in range(0, len(x), 100))

    found, _ = both(net(), batches)
    assert found.passes == POINTS and (found.bounds["objective"] == 0).all()


def test_where_j_is_no_number_every_point_is_taken_over_all() -> None:
    """The cost of one example in a hundred is infinite from some point on, that of one alone at a single one."""

    def cost(outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        values = nn.functional.cross_entropy(outputs, y, reduction="none")
        return torch.where(values > 4.0, torch.full_like(values, float("inf")), values)

    found, full = both(net(), Split(*examples()), cost=cost)
    assert not np.isfinite(full.channels["objective"]).all() and np.isfinite(full.channels["objective"]).any()
    lost = ~np.isfinite(full.channels["objective"])
    assert (np.isfinite(found.channels["objective"]) == ~lost).all()
    inside = ~lost
    off = np.abs(found.channels["objective"] - full.channels["objective"])[inside]
    assert (off <= found.bounds["objective"][inside] + 1e-6).all()


def test_what_costs_no_less_is_taken_over_all_bit_for_bit() -> None:
    found, full = both(net(), Split(*examples(100)))
    assert (found.channels["objective"] == full.channels["objective"]).all() and found.passes == POINTS
    assert (found.bounds["objective"] == 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("replicates", [1, 2])
def test_masks_are_those_of_each_example(replicates: int) -> None:
    from landscape.model.dropout import Dropout

    words = {"mode": "stochastic", "num_replicates": replicates, "seeds": [3]}
    for part in (Dropout(0.3, 1.0), nn.Dropout(0.3)):
        found, full = both(net(part), Split(*examples()), **words)
        assert found.passes < POINTS and off_by(found, full) < 1
        assert found.replicates.shape == full.replicates.shape


@pytest.mark.slow
def test_labels_that_are_left_out_and_weights_count_as_they_do_in_full() -> None:
    x, y = examples()
    some = torch.where(torch.arange(len(y)) % 3 == 0, torch.full_like(y, -100), y)

    class Weighed:
        num_draws = 1

        def channels(self, predict: Any, x: torch.Tensor, y: torch.Tensor) -> dict[str, torch.Tensor]:
            values = nn.functional.cross_entropy(predict(x, 0), y, reduction="none")
            return {"objective": values, "weight": 0.1 + x[:, 0] ** 2}

    for data, cost in ((Split(x, some), CrossEntropy()), (Split(x, y), Weighed())):
        found, full = both(net(), data, cost=cost)
        assert found.passes < 0.6 * POINTS and off_by(found, full) < 1
        assert found.sample is not None
        mean = found.sample.costs[0] @ found.sample.weights / NUM
        np.testing.assert_allclose(mean, full.channels["objective"][:, 0], atol=0.5)


@pytest.mark.slow
def test_a_plane_and_a_bent_curve() -> None:
    from landscape.path import Bezier

    module = net()
    theta_0, theta_1 = ends(module)
    axis = np.linspace(-0.5, 1.5, 21)
    side = theta_0 + torch.randn(theta_0.shape, generator=torch.Generator().manual_seed(2)) * 0.3
    plane = Plane(theta_0, theta_1, side, axis, axis)
    found, full = both(module, Split(*examples(6000)), plane, (axis, axis))
    assert found.passes < 0.4 * axis.size**2 and off_by(found, full) < 1
    bent = Bezier(theta_0, theta_1, side[None])
    found, full = both(module, Split(*examples()), bent, (np.linspace(0, 1, POINTS),))
    assert found.passes < 0.6 * POINTS and off_by(found, full) < 1


@pytest.mark.parametrize("tolerance", [0, 1, -0.1, True, "a", float("nan")])
def test_a_tolerance_is_a_share(tolerance: Any) -> None:
    with pytest.raises(InputError, match=r"objective\.tolerance="):
        Objective(net(), CrossEntropy(), Split(*examples(50)), tolerance=tolerance)
