"""Running statistics on what the face measures: the ends' own, mixed, or taken anew; each saved point's own."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import landscape as ls
from tests.face.conftest import CE, Trained, loop, mixed


def test_running_statistics_come_from_the_ends(normed: Trained) -> None:
    whole, ends = (normed.x, normed.y), [normed.before, copy.deepcopy(normed.net.state_dict())]
    line = ls.line(normed.before, copy.deepcopy(normed.net))
    with torch.no_grad():  # the template's own statistics count for nothing
        normed.net[1].running_mean.add_(5.0)  # type: ignore[index, union-attr, operator]
    alphas = [0.0, 0.5, 1.0]
    told: dict[str, Any] = {"alphas": alphas, "dtype": "float64"}
    with pytest.raises(ls.InputError, match=r"say what to do .*: running_statistics='keep'"):
        ls.measure(normed.net, line, whole, CE, **told)
    halfway = [mixed([1 - a, a], ends) for a in alphas]
    between = ls.measure(normed.net, line, whole, CE, running_statistics="interpolate", **told)
    np.testing.assert_allclose(between.objective[:, 0], loop(normed.net, *whole, halfway), rtol=1e-12)
    last = {n: v for n, v in ends[1].items() if "running" in n}
    kept = ls.measure(normed.net, line, whole, CE, running_statistics="keep", **told)
    np.testing.assert_allclose(kept.objective[:, 0], loop(normed.net, *whole, [s | last for s in halfway]), rtol=1e-12)
    anew = ls.measure(normed.net, line, whole, CE, running_statistics="recalibrate", **told)
    assert np.abs(anew.objective - kept.objective).max() > 1e-3
    around = ls.measure(normed.net, ls.plane(ends[1]), whole, CE, running_statistics="keep", alphas=3, dtype="float64")
    np.testing.assert_allclose(around.objective[1, 1], loop(normed.net, *whole, [ends[1]]), rtol=1e-12)


def test_each_point_of_a_trajectory_has_its_own_statistics(normed: Trained) -> None:
    run, whole = ls.trajectory(normed.kept), (normed.x, normed.y)
    found = ls.measure(normed.net, run, whole, CE, dtype="float64").objective
    assert found is not None
    np.testing.assert_allclose(found[:, 0], loop(normed.net, *whole, normed.kept), rtol=1e-12)
    kept = ls.measure(normed.net, run, whole, CE, dtype="float64", running_statistics="keep").objective
    assert kept is not None and np.abs(kept - found).max() > 1e-3 and kept[-1] == pytest.approx(found[-1])


def test_statistics_of_a_stream_are_taken_over_what_is_held() -> None:
    torch.manual_seed(0)
    before, after = (nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 3)) for _ in range(2))
    x, y = torch.randn(40, 4), torch.arange(40) % 3
    loader = DataLoader(TensorDataset(x, y), batch_size=16)

    def measured(data: Any, **more: Any) -> Any:
        told = {"alphas": 3, "running_statistics": "recalibrate", "dtype": "float64", **more}
        return ls.measure(before, ls.line(before, after), data, nn.CrossEntropyLoss(), **told).objective

    with pytest.raises(ls.InputError, match="calibration="):
        measured(loader)
    np.testing.assert_allclose(measured(loader, calibration=loader), measured((x, y)), rtol=1e-13)
