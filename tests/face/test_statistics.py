"""Running statistics, such as the means of batch norm: whose they are at each point, and what is said of it."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import landscape as ls
from tests.face.conftest import Trained
from tests.face.test_laws import CE, loop, mixed


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


@pytest.mark.parametrize("whose", ["a", "b", "c", None])
def test_a_plane_keeps_the_statistics_of_one_point_and_says_whose(normed: Trained, whose: str | None) -> None:
    whole, three = (normed.x, normed.y), [normed.kept[0], normed.kept[2], normed.kept[-1]]
    plane, name = ls.plane(*three, margin=0.0, statistics=whose), whose or "c"
    surface = ls.measure(normed.net, plane, whole, CE, alphas=[0, 0.5, 1], running_statistics="keep", dtype="float64")
    own = {n: v for n, v in three["abc".index(name)].items() if "running" in n}
    grid = [mixed([1 - a - b, a, b], three) | own for a in (0, 0.5, 1) for b in (0, 0.5, 1)]
    np.testing.assert_allclose(surface.objective.ravel(), loop(normed.net, *whole, grid), rtol=1e-12)
    numbers, at = surface.summary(), loop(normed.net, *whole, three)
    assert surface.statistics == name and f"those of {name} on all" in str(surface) and str(surface).count("J at") == 1
    for corner, value in zip("abc", at, strict=True):
        assert numbers[f"at_{corner}"][0] == (
            pytest.approx(value) if corner == name else pytest.approx(np.nan, nan_ok=True)
        )
    assert np.isnan(numbers["below_a"][0]) == (name != "a")


def test_a_plane_of_points_with_their_own_statistics_knows_all_of_them(normed: Trained, plain: Trained) -> None:
    shared = {n: v for n, v in normed.kept[-1].items() if "running" in n}
    alike = [normed.kept[k] | shared for k in (0, 2, 4)]
    for net, points, how in (
        (normed.net, normed.kept[::3], "recalibrate"),
        (normed.net, alike, "keep"),
        (plain.net, plain.kept[::3], "keep"),
    ):
        surface = ls.measure(net, ls.plane(*points), (plain.x, plain.y), CE, alphas=[0, 1], running_statistics=how)
        assert surface.statistics is None and np.isfinite([surface.summary()[f"at_{n}"] for n in "abc"]).all()


def test_points_of_a_plane_that_differ_in_more_than_statistics() -> None:
    def masked(mask: float) -> nn.Module:
        net = nn.Sequential(nn.Linear(4, 3))
        net.register_buffer("mask", torch.tensor(mask))
        return net

    plane, data = ls.plane(masked(0.0), masked(1.0), masked(0.0)), (torch.randn(9, 4), torch.arange(9) % 3)
    with pytest.raises(ls.InputError, match="has other mask at one end"):
        ls.measure(masked(0.0), plane, data, CE, alphas=3)


def test_a_trajectory_has_no_statistics_between_ends(normed: Trained) -> None:
    with pytest.raises(ls.InputError, match="means nothing on a trajectory, each point of which has its own"):
        ls.measure(normed.net, ls.trajectory(normed.kept), (normed.x, normed.y), CE, running_statistics="interpolate")
