"""Curvature from Python: lines, trajectories and points, against a dense Hessian; its page runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call, hessian

import landscape as ls
from tests.face.conftest import CE, Trained, trained


def largest(t: Trained, state: dict[str, torch.Tensor]) -> float:
    """The largest eigenvalue of the dense Hessian, with these statistics."""
    names = [name for name, _ in t.net.named_parameters()]
    sizes = [state[name].numel() for name in names]

    def cost(theta: torch.Tensor) -> torch.Tensor:
        parts = {n: p.view_as(state[n]) for n, p in zip(names, theta.split(sizes), strict=True)}
        return CE(functional_call(t.net.eval(), {**state, **parts}, (t.x,)), t.y)

    dense = hessian(cost)(torch.cat([state[name].flatten() for name in names]))
    return float(torch.linalg.eigvalsh(dense)[-1])


@pytest.mark.slow
def test_each_point_of_a_training_has_its_own_statistics() -> None:
    """And one point by itself is what it is on a trajectory; from a shuffled loader as from what it holds."""
    t = trained(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Tanh(), nn.Linear(3, 3), steps=10)
    states = [t.before, *t.kept[1:], {name: value.clone() for name, value in t.net.state_dict().items()}]
    settings: dict[str, Any] = {"cost": CE, "trace": 0, "num": 1, "progress": False}
    track = ls.curvature(t.net, ls.trajectory(states), data=t.loader, **settings)
    expected = [largest(t, state) for state in states]
    np.testing.assert_allclose(track.metrics["lambda_max"][:, 0], expected, rtol=1e-10)
    here = ls.curvature(t.net, states[0], data=(t.x, t.y), running_statistics="keep", **settings)
    assert here.metrics["lambda_max"].item() == pytest.approx(expected[0], rel=1e-10)
    assert "cosine" not in here.metrics and here.num_examples == len(t.x) and here.split == "data"


def test_what_means_nothing_is_refused_in_words_of_python(plain: Trained) -> None:
    surface = ls.plane(plain.net, radius=1.0)
    for place, settings, words in (
        (surface, {}, "one of its points"),
        (plain.net, {"alphas": 3}, "alphas=3 means nothing at one point"),
        (ls.line(plain.before, plain.net), {"num": 0}, "^num=0 must be"),
        (ls.line(plain.before, plain.net), {"metric": 1}, None),
    ):
        if words is None:
            curve = ls.curvature(plain.net, place, (plain.x, plain.y), CE, alphas=2, num=1, trace=0, progress=False)
            with pytest.raises(ls.InputError, match="metric='trace' was not measured"):
                curve.plot(metric="trace")
            continue
        with pytest.raises(ls.InputError, match=words):
            ls.curvature(plain.net, place, (plain.x, plain.y), CE, **settings)


def test_one_point_is_no_path_and_has_as_many_eigenvalues_as_parameters(caplog: pytest.LogCaptureFixture) -> None:
    net, x = nn.Linear(2, 1, bias=False), torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    here = ls.curvature(net, torch.zeros(2), (x, x.sum(dim=1, keepdim=True)), nn.MSELoss(), num=9, progress=False)
    assert str(here).startswith("J at one point: data") and "alpha" not in str(here) and "2.5" in str(here)
    assert "num=9 eigenvalues are asked for, and there are 2, as many as parameters" in caplog.text
    assert here.metrics["lambda_2"].item() == pytest.approx(1) and np.isnan(here.metrics["lambda_3"]).all()
