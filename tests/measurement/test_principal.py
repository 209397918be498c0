"""Principal axes of made-up runs against singular values, and of walks against their law."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from landscape.errors import InputError
from landscape.measurement import OnPath, PrincipalAxes, PrincipalWalk, Seeds, Trained
from landscape.measurement.principal import Walk
from landscape.parameters import ParameterLayout
from landscape.result.curve import Components
from landscape.store.solutions import Solutions
from landscape.store.trajectory import Trajectory
from tests.measurement.conftest import runs
from tests.twin import stream

WALK, CPU = 6, torch.device("cpu")


def trained_as(subject: OnPath, solutions: Solutions) -> Any:
    """At the stage that the measurement needs, and a later one."""
    return replace(subject, solutions=solutions)


def test_each_seed_has_the_axes_of_its_own_points(subject: OnPath, tmp_path: Path) -> None:
    trained = runs(tmp_path, ParameterLayout(("w",), ((6,),)))
    measured = PrincipalAxes()(trained_as(subject, trained))
    assert measured.labels == ["3", "5"] and PrincipalAxes.stage is Trained and not measured.curves
    for s, run in enumerate(trained.trajectories):
        points = np.stack(list(run))
        for name, suffix, about in (
            ("mean", "", points.mean(axis=0)),
            ("end", "_from_end", trained.theta_f[s].numpy()),
        ):
            found = measured.components[name]
            found.check()
            wanted = np.linalg.svd(points - about, compute_uv=False) ** 2
            assert found.shares[: len(points), s] == pytest.approx(wanted / wanted.sum(), abs=1e-12)
            distance = found.first[:, s] ** 2 + found.second[:, s] ** 2 + found.plane_distance[:, s] ** 2
            assert distance[: len(points)] == pytest.approx(((points - about) ** 2).sum(axis=1), rel=1e-12, abs=1e-13)
            assert np.isnan(distance[len(points) :]).all() and found.dimension[s] == 6 and found.origin == name
            assert measured.numbers[f"two_axes{suffix}"][s] == pytest.approx(wanted[:2].sum() / wanted.sum())
            drawn = np.hypot(found.walk_first[:, s], found.walk_second[:, s])[: len(points)]
            assert drawn.max() > 0 and np.isfinite(drawn).all()


def test_a_run_without_axes_is_named_and_the_others_go_on(
    subject: OnPath, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trained = runs(tmp_path, ParameterLayout(("w",), ((6,),)))
    first = trained.trajectories[0]
    trained.trajectories[0] = Trajectory(first.file, 0, first.epochs[:2], first.steps[:2])
    measured = PrincipalAxes("mean")(trained_as(subject, trained))
    assert "seed 3: principal axes need three saved points, and the run has 2" in caplog.text
    assert np.isnan(measured.numbers["two_axes"][0]) and measured.numbers["two_axes"][1] > 0.5
    assert np.isnan(measured.components["mean"].first[:, 0]).all()
    trained.trajectories[1] = Trajectory(first.file, 1, first.epochs[:2], first.steps[:2])
    with pytest.raises(InputError, match="need three saved points"):
        PrincipalAxes()(trained_as(subject, trained))


def test_points_that_were_saved_unevenly_have_a_walk_of_their_own(subject: OnPath, tmp_path: Path) -> None:
    """The walk beside them takes as many steps; the origin is its point too."""
    trained = runs(tmp_path, ParameterLayout(("w",), ((400,),)))
    steps = np.array([0, 1, 2, 50, 51])
    trained.trajectories[0] = replace(trained.trajectories[0], steps=steps)
    found = PrincipalAxes("end")(trained_as(subject, trained)).components["end"]
    clock = np.abs(steps - steps[3])  # theta_f of the first run
    products = np.array([[min(a, b) * ((s < 3) == (t < 3)) for t, a in enumerate(clock)] for s, b in enumerate(clock)])
    wanted = np.linalg.eigvalsh(products.astype(float))[::-1]
    assert found.walk[:2, 0] == pytest.approx((wanted / wanted.sum())[:2], rel=0.01)
    assert found.walk[:2, 1] != pytest.approx((wanted / wanted.sum())[:2], rel=0.01)


def walked(seeds: list[int], dimension: int, num_steps: int) -> dict[str, Components]:
    return PrincipalWalk(dimension, num_steps)(Seeds(seeds=seeds, device=CPU)).components


def test_a_walk_is_that_of_its_seed() -> None:
    generator = stream(5, WALK)
    steps = np.array([0, 1, 5])
    drawn = [torch.randn(4, generator=generator).double().numpy() for _ in range(2)]
    points = np.stack(list(Walk(4, steps, 5, CPU)))
    assert points == pytest.approx(np.stack([0 * drawn[0], drawn[0], drawn[0] + 2 * drawn[1]]), rel=1e-12)
    alone, both = walked([5], 4, 9)["mean"], walked([3, 5], 4, 9)["mean"]
    assert alone == both.columns([1])


def test_walks_have_the_shares_and_the_curve_of_the_law() -> None:
    """Twenty walks in 2,000 dimensions: each within four standard deviations, their mean too."""
    for found in walked(list(range(20)), 2000, 60).values():
        two, law, spread = found.shares[:2].sum(axis=0), found.walk[:2].sum(axis=0), found.walk_spread[1]
        assert np.all(np.abs(two - law) < 4 * spread) and abs((two - law).mean()) < 4 * spread[0] / np.sqrt(20)
        assert np.all(np.abs(found.shares[0] - found.walk[0]) < 4 * found.walk_spread[0])
        content = found.summary()["cosine_content"]
        assert min(content) > 0.995 and min(found.summary()["second_cosine_content"]) > 0.98
        size = np.sqrt((found.first**2 + found.second**2 + found.plane_distance**2).sum(axis=0))
        off = np.hypot(found.first - found.walk_first, found.second - found.walk_second)
        assert (off / size).max() < 0.03


def test_a_walk_beside_a_run_is_saved_as_the_run_is(subject: OnPath, tmp_path: Path) -> None:
    trained = runs(tmp_path, ParameterLayout(("w",), ((6,),)))
    measured = PrincipalAxes("mean", walk=True)(trained_as(subject, trained))
    assert set(measured.components) == {"mean", "walk_mean"}
    beside = measured.components["walk_mean"]
    assert beside.steps.tolist() == [0, 10, 20, 30, 40] and np.isnan(beside.first[4, 1])
    assert measured.numbers["walk_two_axes"] == beside.summary()["two_axes"]


BAD: list[tuple[Any, dict[str, Any], str]] = [
    (PrincipalAxes, {"origins": "start"}, r"origins=\['start'\] must be some of mean, end"),
    (PrincipalAxes, {"origins": []}, r"origins=\[\] must be some of"),
    (PrincipalAxes, {"walk": 3}, "walk=3 must be true or false"),
    (PrincipalWalk, {"dimension": 1}, "dimension=1 must be a whole number, 2 or more"),
    (PrincipalWalk, {"num_steps": 2.5}, "num_steps=2.5 must be a whole number"),
    (PrincipalWalk, {"num_steps": 5000}, "num_steps=5000 is too many"),
]


@pytest.mark.parametrize(("kind", "arguments", "told"), BAD)
def test_a_wrong_number_is_refused(kind: Any, arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        kind(**arguments)
