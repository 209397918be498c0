"""J on a plane is that of each point by itself; its run keeps its own J; what cannot be laid is refused before work."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.func import functional_call

from landscape.endpoints import BetweenSolutions, Checkpoints, InitToSolution, ThreeSolutions
from landscape.errors import InputError
from landscape.measurement import OnPath, PlaneSurface
from landscape.parameters import ParameterLayout
from landscape.path import CornersPlane, Linear, PrincipalPlane, RandomPlane
from tests.measurement.conftest import ends_of, runs, second_of
from tests.twin import maxout, normal, objective

LAYOUT = ParameterLayout.of(maxout())
NUM = LAYOUT.num_parameters
KINDS: dict[str, Any] = {"random": partial(RandomPlane, seed=2), "corners": CornersPlane}


def on(subject: OnPath, path: Any) -> OnPath:
    """With a third point, for the planes that want one."""
    return replace(subject, path=path, ends=replace(subject.ends, theta_2=0.3 + normal(2, NUM, seed=8)))


@pytest.mark.parametrize("kind", KINDS)
def test_j_is_that_of_a_plain_loop_at_every_point(subject: OnPath, kind: str) -> None:
    stage = on(subject, KINDS[kind])
    measured = PlaneSurface(["train", "valid"], num=3, first=[-0.4, 0.0, 0.7])(stage)
    assert list(measured.surfaces) == ["train/deterministic", "valid/deterministic"]
    plane = stage.lay(stage.ends.theta_0, stage.ends.theta_1)
    for name, surface in measured.surfaces.items():
        data = getattr(stage.dataset, surface.split)
        assert surface.first.tolist() == [-0.4, 0.0, 0.7] and {0.0} <= set(surface.second)
        for i, a in enumerate(surface.first):
            for j, b in enumerate(surface.second):
                for s, theta in enumerate(plane.origin + a * plane.first + b * plane.second):
                    logits = functional_call(maxout().eval(), LAYOUT.unflatten(theta), data.x)
                    wanted = float(F.cross_entropy(logits, data.y))
                    assert surface.objective[i, j, s] == pytest.approx(wanted, rel=1e-12)
                    assert surface.metrics["error"][i, j, s] == float((logits.argmax(dim=1) != data.y).double().mean())
        assert 0 < surface.noise["floor"].max() < 1e-12 and surface.noise["errors"].shape == surface.objective.shape
        lowest = surface.objective.reshape(-1, 2).min(axis=0)
        np.testing.assert_array_equal(measured.numbers[f"{name}/lowest"], lowest)
    assert measured.labels == ["4", "7"] and np.abs(measured.numbers["plane/cosine"]).max() < 1e-12


def test_a_seed_alone_is_that_seed_among_others(subject: OnPath) -> None:
    stage = replace(subject, path=KINDS["random"])
    take = PlaneSurface(["train"], ["stochastic"], num=2)
    both, one = (take(part) for part in (stage, replace(stage, ends=second_of(stage.ends))))
    key = "train/stochastic"
    np.testing.assert_allclose(both.surfaces[key].objective[..., 1:], one.surfaces[key].objective, rtol=1e-13)
    assert "error" not in one.surfaces[key].metrics  # a channel of the net as it is used


def test_corners_have_the_values_of_their_points(subject: OnPath) -> None:
    """Of both modes, and each plane with its own third place; a stream takes one pass for all."""
    stage = on(subject, CornersPlane)
    [surface] = PlaneSurface(["train"], num=3)(stage).surfaces.values()
    ends, numbers = stage.ends, surface.summary()
    for theta, name in zip((ends.theta_0, ends.theta_1, ends.theta_2), ends.names, strict=True):
        assert theta is not None
        wanted = [objective(row, stage.dataset.train) for row in theta]
        np.testing.assert_allclose(numbers[f"at_{name}"], wanted, rtol=1e-12)
    assert not np.array_equal(surface.corners_of(0), surface.corners_of(1))


def test_a_run_has_its_own_j_and_not_the_surfaces(subject: OnPath, tmp_path: Path) -> None:
    trained = runs(tmp_path, LAYOUT)
    ends = ends_of(trained.theta_i, trained.theta_f, trained.seeds)
    stage = replace(subject, solutions=trained, ends=ends, path=PrincipalPlane)
    measured = PlaneSurface(["train"], num=2)(stage)
    path = measured.surfaces["train/deterministic"].path
    assert set(path) == {"first", "second", "beside", "epochs", "objective"}
    for s, run in enumerate(trained.trajectories):
        for t, theta in enumerate(run):
            own = objective(torch.from_numpy(theta), stage.dataset.train)
            assert path["objective"][t, s] == pytest.approx(own, rel=1e-6)  # snapshots are float32
        assert np.isnan(path["objective"][len(run.epochs) :, s]).all()
    assert all(0 < share <= 1 for share in measured.numbers["plane/share_first"])


def test_a_run_of_two_points_leaves_the_others_theirs(subject: OnPath, tmp_path: Path) -> None:
    trained = runs(tmp_path, LAYOUT)
    whole, short = trained.trajectories
    trained = replace(trained, trajectories=[whole, replace(short, epochs=short.epochs[:2], steps=short.steps[:2])])
    ends = ends_of(trained.theta_i, trained.theta_f, trained.seeds)
    measured = PlaneSurface(["train"], num=3)(replace(subject, solutions=trained, ends=ends, path=PrincipalPlane))
    surface = measured.surfaces["train/deterministic"]
    assert np.isfinite(surface.objective[..., 0]).all() and np.isfinite(surface.objective[..., 1]).sum() == 1
    found = surface.summary()
    assert found["at_solution"][1] == pytest.approx(objective(trained.theta_f[1].double(), subject.dataset.train))
    assert found["path_beside"][0] > 0 and np.isnan(found["path_beside"][1])


class Ends:
    needs_solutions, brings_runs = False, True


PLANES: list[tuple[Any, Any, int, str]] = [
    (InitToSolution(), Linear, 9, "path=linear is none; use path=random_plane"),
    (InitToSolution(), CornersPlane, 9, "goes through three points; use endpoints=three_solutions"),
    (Checkpoints("a.pt", "b.pt"), CornersPlane, 9, "goes through three points"),
    (BetweenSolutions(), partial(PrincipalPlane, margin=1), 9, "use endpoints=init_to_solution, or endpoints=run"),
    (ThreeSolutions(), PrincipalPlane, 9, "use endpoints=init_to_solution"),
    (InitToSolution(), PrincipalPlane, 1, "three saved points of training, and training.max_epochs=1 leaves 2"),
]


@pytest.mark.parametrize(("ends", "path", "epochs", "words"), PLANES)
def test_endpoints_without_such_a_plane_are_refused(ends: Any, path: Any, epochs: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        PlaneSurface().check_plane(ends, path, epochs)


def test_those_with_one_are_not() -> None:
    for ends, path in ((Ends(), PrincipalPlane), (ThreeSolutions(), CornersPlane), (BetweenSolutions(), RandomPlane)):
        PlaneSurface().check_plane(ends, path, 1 if ends.needs_solutions else 0)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"num": 1}, "measurement.num=1 must be a whole number of points"),
        ({"num": 2.5}, "measurement.num=2.5 must be"),
        ({"first": [1.0, 0.0]}, "measurement.first must increase strictly"),
        ({"second": []}, "measurement.second is empty"),
        ({"splits": ["all"]}, "measurement.splits"),
        ({"noise": 1}, "measurement.noise=1"),
    ],
)
def test_a_grid_that_is_none_is_refused(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        PlaneSurface(**keys)


def test_work_counts_what_a_call_does(subject: OnPath, tmp_path: Path) -> None:
    trained = runs(tmp_path, LAYOUT)
    ends = ends_of(trained.theta_i, trained.theta_f, trained.seeds)
    stage = replace(subject, solutions=trained, ends=ends, path=PrincipalPlane)
    take = PlaneSurface(["train"], ["deterministic", "stochastic"], num=3, first=[0.0, 1.0], noise=False)
    work = take.work(stage)
    assert [(part.mode, part.num_points, part.num_rows) for part in work.passes] == [
        *(("deterministic", 6, 2), ("stochastic", 6, 2)),
        *((mode, num, 1) for mode in ("deterministic", "stochastic") for num in (5, 4)),
    ]


def test_three_solutions_make_a_plane_each(tmp_path: Path) -> None:
    two = runs(tmp_path, LAYOUT)
    theta = normal(6, NUM, seed=3)
    solutions = replace(
        two,
        seeds=[2, 3, 4, 5, 6, 7],
        theta_f=theta,
        status=["stopped"] * 5 + ["diverged"],
        buffers=[{"n": torch.tensor(float(k))} for k in range(6)],
    )
    ends = ThreeSolutions()(solutions)
    assert torch.equal(ends.theta_0, theta[[0, 3]]) and torch.equal(ends.theta_1, theta[[1, 4]])
    assert ends.theta_2 is not None and torch.equal(ends.theta_2, theta[[2, 5]])
    assert ends.labels == ["2-3-4", "5-6-7"] and ends.seeds == [2, 5] and ends.diverged == [False, True]
    kept = [ends.buffers_0, ends.buffers, ends.buffers_2]
    assert [[float(own["n"]) for own in part] for part in kept] == [[0, 3], [1, 4], [2, 5]]
    for num in (0, 2, 4):
        with pytest.raises(InputError, match=r"seeds in threes .* run with training.num_seeds=[36]"):
            ThreeSolutions().check(num)
