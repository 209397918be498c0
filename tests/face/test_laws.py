"""What the face measures is what a plain loop over the points measures, in float64."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import landscape as ls
from landscape.data import Dataset, Split
from landscape.parameters import ParameterLayout
from landscape.path import Geometric, Linear, Plane
from landscape.path.directions import directions
from tests.face.conftest import CE, Trained, flat, loop, mixed


def sources(t: Trained, folder: Path) -> dict[str, tuple[Any, Any]]:
    """The same two points as people have them."""
    early, late = copy.deepcopy(t.net), copy.deepcopy(t.net)
    early.load_state_dict(t.before)
    torch.save(t.before, folder / "before.pt")
    torch.save({"epoch": 3, "state_dict": t.net.state_dict()}, folder / "after.ckpt")
    return {
        "modules": (early, late),
        "the net itself": (early, t.net),
        "state dicts": (t.before, t.net.state_dict()),
        "wrapped": ({f"module.{n}": v for n, v in t.before.items()}, {"model": t.net.state_dict()}),
        "files": (folder / "before.pt", str(folder / "after.ckpt")),
        "flat": (flat(t.before, t.net), flat(t.net.state_dict(), t.net)),
    }


@pytest.mark.parametrize("kind", ["modules", "the net itself", "state dicts", "wrapped", "files", "flat"])
def test_a_line_is_the_loop_that_everybody_writes(plain: Trained, tmp_path: Path, kind: str) -> None:
    before, after = sources(plain, tmp_path)[kind]
    alphas = np.linspace(-0.25, 1.25, 7)
    curve = ls.measure(plain.net, ls.line(before, after), plain.loader, CE, alphas=alphas, dtype="float64")
    ends = [plain.before, plain.net.state_dict()]
    expected = loop(plain.net, plain.x, plain.y, [mixed([1 - a, a], ends) for a in alphas])
    np.testing.assert_allclose(curve.objective[:, 0], expected, rtol=1e-12)
    assert curve.num_examples == len(plain.x) and curve.dtype == "float64" and curve.split == "data"


def test_the_ends_are_the_nets_own_bit_for_bit(plain: Trained) -> None:
    whole = Split(plain.x, plain.y)
    curve = ls.measure(plain.net, ls.line(plain.before, plain.net), whole, CE, alphas=2, dtype=torch.float64)
    ends = loop(plain.net, plain.x, plain.y, [plain.before, plain.net.state_dict()])
    np.testing.assert_allclose(curve.objective[:, 0], ends, rtol=1e-15)
    layout = ParameterLayout.of(plain.net)
    house = Linear(layout.flatten(plain.before)[None], layout.theta(plain.net)[None])
    same = ls.measure(plain.net, house, whole, CE, alphas=2, dtype="float64")
    np.testing.assert_array_equal(curve.objective, same.objective)


DATA: dict[str, Any] = {
    "tensors": lambda t: (t.x, t.y),
    "arrays": lambda t: (t.x.numpy(), t.y.numpy()),
    "a split": lambda t: Split(t.x, t.y),
    "a data set": lambda t: TensorDataset(t.x, t.y),
    "a loader": lambda t: DataLoader(TensorDataset(t.x, t.y), batch_size=16),
    "batches": lambda t: [(t.x[k : k + 7], t.y[k : k + 7]) for k in range(0, 60, 7)],
    "what yields batches": lambda t: lambda: iter([(t.x[:50], t.y[:50]), (t.x[50:], t.y[50:])]),
}


@pytest.mark.parametrize("kind", DATA)
def test_examples_as_people_have_them(plain: Trained, kind: str) -> None:
    line = ls.line(plain.before, plain.net)
    curve = ls.measure(plain.net, line, DATA[kind](plain), F.cross_entropy, alphas=3, dtype="float64", num_examples=20)
    ends = loop(plain.net, plain.x[:20], plain.y[:20], [plain.before, plain.net.state_dict()])
    np.testing.assert_allclose(curve.objective[[0, 2], 0], ends, rtol=1e-12)


def test_examples_by_name_give_a_curve_each(plain: Trained) -> None:
    line = ls.line(plain.before, plain.net)
    named = {"valid": (plain.x[:7], plain.y[:7]), "train": plain.loader}
    curves = ls.measure(plain.net, line, data=named, cost=CE, alphas=3, slopes=1)
    assert list(curves) == ["train", "valid"]
    assert [(c.split, c.num_examples) for c in curves.values()] == [("train", 60), ("valid", 7)]
    assert all({"error", "slope"} <= c.metrics.keys() for c in curves.values())
    house = Dataset("own", Split(plain.x, plain.y), Split(plain.x[:7], plain.y[:7]), Split(plain.x[7:], plain.y[7:]), 3)
    again = ls.measure(plain.net, line, data=house, cost=CE, alphas=3, noise=False)
    assert list(again) == ["train", "valid", "test"] and not again["test"].noise
    np.testing.assert_array_equal(again["valid"].objective, curves["valid"].objective)


def test_other_paths(plain: Trained) -> None:
    layout, half = ParameterLayout.of(plain.net), copy.deepcopy(plain.net)
    with torch.no_grad():
        for p in half.parameters():
            p.mul_(0.5)
    whole = (plain.x, plain.y)
    curve = ls.measure(plain.net, ls.line(half, plain.net, path="geometric"), whole, CE, alphas=5, dtype="float64")
    house = Geometric(layout.theta(half)[None], layout.theta(plain.net)[None])
    states = [layout.unflatten(house(float(a))[0]) for a in np.linspace(0, 1, 5)]
    np.testing.assert_allclose(curve.objective[:, 0], loop(plain.net, plain.x, plain.y, states), rtol=1e-12)
    by_bias = ls.measure(
        plain.net, ls.line(half, plain.net, path="bias_schedule"), whole, CE, alphas=3, dtype="float64"
    )
    middle = {
        n: 0.5 * (p + q) for (n, p), q in zip(half.state_dict().items(), plain.net.state_dict().values(), strict=True)
    }
    late = half.state_dict()["2.bias"] + 0.25 * (plain.net.state_dict()["2.bias"] - half.state_dict()["2.bias"])
    expected = loop(plain.net, plain.x, plain.y, [{**middle, "2.bias": late}])
    np.testing.assert_allclose(by_bias.objective[1], expected, rtol=1e-12)

    class Arc:
        """A path that somebody made."""

        def __call__(self, alpha: float) -> Tensor:
            return house.theta_0 * (1 - alpha**2) + alpha**2 * house.theta_1

    arc = ls.measure(plain.net, Arc(), whole, CE, alphas=[0.0, 0.5, 1.0], dtype="float64")
    expected = loop(plain.net, plain.x, plain.y, [layout.unflatten(Arc()(0.5)[0])])
    np.testing.assert_allclose(arc.objective[1], expected, rtol=1e-12)


def test_a_plane_through_three_points(plain: Trained) -> None:
    third = {n: -v for n, v in plain.before.items()}
    whole, three = (plain.x, plain.y), [plain.before, plain.net.state_dict(), third]
    surface = ls.measure(plain.net, ls.plane(*three, margin=0.5), whole, CE, alphas=5, dtype="float64")
    np.testing.assert_array_equal(surface.first, [-0.5, 0, 0.5, 1, 1.5])
    weights = [[1 - a - b, a, b] for a in surface.first.tolist() for b in surface.second.tolist()]
    expected = loop(plain.net, plain.x, plain.y, [mixed(w, three) for w in weights]).reshape(5, 5)
    np.testing.assert_allclose(surface.objective[:, :, 0], expected, rtol=1e-12)
    corners = [surface.summary()[f"at_{name}"][0] for name in "abc"]
    np.testing.assert_allclose(corners, loop(plain.net, plain.x, plain.y, three), rtol=1e-12)
    # Distances between the corners are those of parameter space.
    thetas = [flat(state, plain.net) for state in three]
    x, y = surface.places(surface.corners[:, 0], surface.corners[:, 1])
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert np.hypot(x[i] - x[j], y[i] - y[j]) == pytest.approx(float((thetas[i] - thetas[j]).norm()))
    theta = [one[None] for one in thetas]
    house = ls.measure(plain.net, Plane(*theta, surface.first, surface.second), whole, CE, dtype="float64")
    np.testing.assert_array_equal(house.objective, surface.objective)
    # The standard error of a difference, by its definition.
    costs = [
        F.cross_entropy(torch.func.functional_call(plain.net, s, plain.x), plain.y, reduction="none") for s in three
    ]
    apart = float((costs[1] - costs[0]).std(correction=1)) / np.sqrt(len(plain.x))
    assert surface.noise["errors"][3, 1, 0] == pytest.approx(apart, rel=1e-5)
    assert surface.noise["errors"][1, 1, 0] == 0 and 0 < surface.noise["floor"][0] < 1e-13


def test_planes_of_every_kind_are_plain_loops(plain: Trained) -> None:
    """Two lists of positions; orthogonal axes; given directions; a trajectory, each point of which has its own J."""
    layout, whole = ParameterLayout.of(plain.net), (plain.x, plain.y)
    theta, third = layout.theta(plain.net), {n: -v for n, v in plain.before.items()}
    one, two, three = (flat(state, plain.net) for state in (plain.before, plain.net.state_dict(), third))
    run, step = ls.trajectory(plain.kept), flat(plain.kept[1], plain.net)
    along = two - one
    beside = three - one - ((three - one) @ along) / (along @ along) * along
    cases: dict[str, tuple[Any, Tensor, Tensor, Tensor]] = {
        "orthogonal": (ls.plane(plain.before, plain.net, third, axes="orthogonal"), one, along, beside),
        "given": (ls.plane(plain.net, directions=(plain.before, step)), theta, one, step),
        "kept": (ls.plane(plain.net, one_axis="keep"), theta, *directions(plain.net, theta, 0, one_axis="keep")),
    }
    for name, (place, origin, first, second) in cases.items():
        surface = ls.measure(plain.net, place, whole, CE, alphas=([-0.3, 0.8], [0.1, 0.5, 1.0]), dtype="float64")
        states = [layout.unflatten(origin + a * first + b * second) for a in surface.first for b in surface.second]
        expected = loop(plain.net, plain.x, plain.y, states).reshape(2, 3)
        np.testing.assert_allclose(surface.objective[:, :, 0], expected, rtol=1e-12, err_msg=name)
    found = ls.measure(plain.net, ls.plane(run), {"train": whole, "valid": whole}, CE, alphas=4, dtype="float64")
    for surface in found.values():
        own = loop(plain.net, plain.x, plain.y, plain.kept)
        np.testing.assert_allclose(surface.path["objective"][:, 0], own, rtol=1e-12)
        assert surface.summary()["at_last"][0] == pytest.approx(own[-1], rel=1e-12)
        x, y = surface.places(surface.path["first"][:, 0], surface.path["second"][:, 0])
        distance = [float((flat(state, plain.net) - theta).norm()) for state in plain.kept]
        squares = x**2 + y**2 + surface.path["beside"][:, 0] ** 2
        np.testing.assert_allclose(squares, np.square(distance), rtol=1e-12, atol=1e-12)


def test_along_the_hessians_eigenvectors_j_bends_by_its_eigenvalues(plain: Trained) -> None:
    place, step = ls.plane(plain.net, directions="hessian", radius=1e-3), 1e-3
    surface = ls.measure(plain.net, place, (plain.x, plain.y), CE, alphas=3, dtype="float64")
    layout, J = ParameterLayout.of(plain.net), surface.objective[:, :, 0]

    def cost(theta: Tensor) -> Tensor:
        return F.cross_entropy(torch.func.functional_call(plain.net, layout.unflatten(theta), plain.x), plain.y)

    hessian = torch.autograd.functional.hessian(cost, layout.theta(plain.net))
    largest = torch.linalg.eigvalsh(hessian).numpy()[:-3:-1]
    bends = [(line[2] - 2 * line[1] + line[0]) / step**2 for line in (J[:, 1], J[1])]
    np.testing.assert_allclose(bends, largest, rtol=1e-4)
    assert abs(J[2, 2] - J[2, 0] - J[0, 2] + J[0, 0]) / (4 * step**2) < 1e-3 * largest[0]


def test_the_middle_of_a_plane_is_the_point(plain: Trained) -> None:
    plane = ls.plane(plain.net, radius=0.5, seed=2)
    surface = ls.measure(plain.net, plane, (plain.x, plain.y), CE, alphas=3, dtype="float64")
    layout, theta = ParameterLayout.of(plain.net), ParameterLayout.of(plain.net).theta(plain.net)
    way = directions(plain.net, theta, 2)
    states = [layout.unflatten(theta + a * way[0] + b * way[1]) for a in (-0.5, 0, 0.5) for b in (-0.5, 0, 0.5)]
    expected = loop(plain.net, plain.x, plain.y, states).reshape(3, 3)
    np.testing.assert_allclose(surface.objective[:, :, 0], expected, rtol=1e-12)
    assert not surface.frame and surface.names == ["a"]


@pytest.mark.parametrize("is_in_file", [False, True])
def test_a_trajectory(plain: Trained, is_in_file: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("landscape.face.run.MOST_HELD", 0 if is_in_file else 2**30)
    run = ls.trajectory(plain.kept)
    found = ls.measure(plain.net, run, (plain.x, plain.y), CE, dtype="float64")
    assert found.objective is not None
    np.testing.assert_allclose(found.objective[:, 0], loop(plain.net, plain.x, plain.y, plain.kept), rtol=1e-12)
    thetas = torch.stack([flat(state, plain.net) for state in plain.kept])
    distance = (thetas - thetas[0]).norm(dim=1).numpy()
    np.testing.assert_allclose(found.projection[:, 0] ** 2 + found.residual_norm[:, 0] ** 2, distance**2, rtol=1e-12)
    assert found.projection[-1, 0] == pytest.approx(found.length[0]) and found.residual_norm[2, 0] > 0
    line = ls.measure(plain.net, run.line, (plain.x, plain.y), CE, alphas=2, dtype="float64")
    np.testing.assert_allclose(line.objective[:, 0], found.objective[[0, -1], 0], rtol=1e-14)


def test_points_of_several_precisions(plain: Trained) -> None:
    rough = {n: v.float() for n, v in plain.before.items()}
    found = ls.measure(
        plain.net, ls.trajectory([rough, *plain.kept]), (plain.x, plain.y), CE, dtype="float64"
    ).objective
    assert found is not None
    np.testing.assert_allclose(found[1:, 0], loop(plain.net, plain.x, plain.y, plain.kept), rtol=1e-12)


def test_a_folder_is_read_in_natural_order(plain: Trained, tmp_path: Path) -> None:
    for k, state in enumerate(plain.kept):
        torch.save(state, tmp_path / f"epoch_{5 * k}.pt")
    (tmp_path / "notes.txt").write_text("none")
    torch.save(plain.before, tmp_path / "best.pt")
    assert [Path(p).name for p in ls.trajectory(tmp_path, "epoch_*.pt").points] == [
        f"epoch_{5 * k}.pt" for k in range(7)
    ]
    with pytest.raises(ls.InputError, match="names of several kinds"):
        ls.trajectory(str(tmp_path))
    found = ls.measure(plain.net, ls.trajectory(tmp_path, "epoch_*.pt"), (plain.x, plain.y), CE, dtype="float64")
    listed = ls.measure(plain.net, ls.trajectory(plain.kept), (plain.x, plain.y), CE, dtype="float64")
    np.testing.assert_array_equal(found.objective, listed.objective)
    assert found.epochs.tolist() == [0, 5, 10, 15, 20, 25, 30] and listed.epochs.tolist() == list(range(7))


def test_dropout_is_heard_in_stochastic_mode() -> None:
    net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 3))
    x, y = torch.randn(50, 4), torch.arange(50) % 3
    line = ls.line(torch.zeros(67), net)
    calm, wild, same, other = (
        ls.measure(net, line, (x, y), CE, alphas=3, **how).objective[2, 0]
        for how in ({}, {"mode": "stochastic"}, {"mode": "stochastic"}, {"mode": "stochastic", "seeds": [1]})
    )
    assert len({calm, wild, other}) == 3 and wild == same


def test_a_point_of_a_run_that_is_not_finite_is_left_out_and_the_others_stay(
    plain: Trained, caplog: pytest.LogCaptureFixture
) -> None:
    broken = [*plain.kept]
    broken[3] = {name: value * np.nan for name, value in broken[3].items()}
    whole, known = (plain.x, plain.y), [0, 1, 2, 4, 5, 6]
    run = ls.trajectory(broken)
    track = ls.measure(plain.net, run, whole, CE, dtype="float64")
    expected = loop(plain.net, plain.x, plain.y, [broken[k] for k in known])
    np.testing.assert_allclose(track.objective[known, 0], expected, rtol=1e-12)
    assert np.isnan(track.objective[3]).all() and np.isnan(track.projection[3]).all()
    assert "numbers that are not finite in 3;" in caplog.text
    surface = ls.measure(plain.net, ls.plane(run), whole, CE, alphas=2, dtype="float64")
    np.testing.assert_array_equal(surface.path["objective"], track.objective)
    fewer = ls.principal(plain.net, ls.trajectory([broken[k] for k in known]))
    np.testing.assert_allclose(ls.principal(plain.net, run).first[known], fewer.first, rtol=1e-9)
    bent = ls.curvature(plain.net, run, whole, CE, num=1, num_lowest=0, trace=0, noise=False)
    np.testing.assert_array_equal(np.isnan(bent.metrics["lambda_max"][:, 0]), np.isnan(track.objective[:, 0]))
    for place in (ls.trajectory(broken[:4]), ls.plane(ls.trajectory(broken[1:4]))):
        with pytest.raises(ls.InputError, match="must be finite: give a checkpoint from before"):
            ls.measure(plain.net, place, whole, CE)
