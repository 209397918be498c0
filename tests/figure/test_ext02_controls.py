"""Extension 2: what is said of lines from starts that training never saw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from landscape.figure import ext02_controls
from landscape.result.curve import Array
from landscape.result.saved import Result

from . import conftest as make
from .conftest import CROSS_ENTROPY, labels, titles

ALPHAS = np.linspace(0, 1.2, 25)
RELU = {"_target_": "landscape.model.MLP", "activation": {"_target_": "torch.nn.ReLU"}}


def fall(a: Array) -> Array:
    return 0.9 * np.exp(-8 * np.maximum(a, 0) ** 2)


def job(ends: str, error: Any = fall, bias: bool = True, seeds: int = 2, **path: Any) -> Result:
    """A line whose J falls, with an error of this shape."""
    curves = make.curves(alphas=ALPHAS, seeds=seeds, modes=["deterministic"], dtype="float64")
    for curve in curves.values():
        curve.metrics["error"] = np.tile(error(ALPHAS)[:, None], seeds)
    config = {
        "dimensions": {"classes": 10},
        "cost": CROSS_ENTROPY,
        "model": {**RELU, "bias": bias},
        "path": path or {"_target_": "landscape.path.Linear"},
    }
    made = make.result("digits", curves=curves, config=config, seeds=seeds)
    return make.choose(made, endpoints=ends)


def test_a_column_per_net_and_one_legend_entry_per_start() -> None:
    starts = ("init_to_solution", "noise_to_solution", "zero_to_solution")
    figure = ext02_controls.draw([job(ends, bias=bias) for bias in (True, False) for ends in starts])
    assert titles(figure)[:2] == ["digits, with biases", "digits, without biases"]
    assert [axes.get_ylabel() for axes in figure.axes] == ["J(θ(α)) [nats]"] * 2 + ["training error"] * 2
    assert labels(figure) == ["from its own start", "from noise of the start's norms", "from zero"]
    drawn = figure.axes[3].get_lines()[0].get_ydata()
    np.testing.assert_allclose(drawn, fall(ALPHAS))


@pytest.mark.parametrize(("bump", "holds", "relaxed"), [(0.009, True, True), (0.02, False, True)])
def test_a_rise_as_high_as_a_guess_breaks_only_the_first_threshold(bump: float, holds: bool, relaxed: bool) -> None:
    def wandering(a: Array) -> Array:
        return fall(a) + bump * (np.abs(a - 0.05) < 1e-9) + (fall(np.zeros(1)) - fall(a)) * (np.abs(a - 0.05) < 1e-9)

    verdict = make.pick(ext02_controls.judge([job("noise_to_solution", wandering)]), "ext02a", "train")
    assert verdict.holds is holds and verdict.calibrated_holds is relaxed
    assert f"rise {bump:.4f}, 0.0000 from" in verdict.measured


def test_a_rise_of_a_net_that_has_learned_breaks_both() -> None:
    late = job("zero_to_solution", lambda a: fall(a) + 0.2 * np.exp(-(((a - 0.7) / 0.05) ** 2)))
    verdict = make.pick(ext02_controls.judge([late]), "ext02a", "valid")
    assert verdict.holds is False and verdict.calibrated_holds is False
    never = job("zero_to_solution", lambda a: 0.9 - 0 * a)
    verdict = make.pick(ext02_controls.judge([never]), "ext02a", "valid")
    assert verdict.holds is None and verdict.calibrated_holds is None  # it never learned: nothing falls


def test_one_error_is_asked_of_homogeneous_nets_alone() -> None:
    def flat(a: Array) -> Array:
        return np.where(a > 0, 0.01, 0.9)

    homogeneous = {"_target_": "landscape.path.BiasSchedule", "power": None}
    for changes in ({"bias": False}, {"bias": False, **homogeneous}, homogeneous):
        verdict = make.pick(ext02_controls.judge([job("zero_to_solution", flat, **changes)]), "ext02c")
        assert verdict.holds is True and "error 0.0100 to 0.0100 over 24 samples" in verdict.measured
        broken = job("zero_to_solution", fall, **changes)
        assert make.pick(ext02_controls.judge([broken]), "ext02c").holds is False
    for ends, changes in (
        ("zero_to_solution", {}),
        ("noise_to_solution", {"bias": False}),
        ("zero_to_solution", {**homogeneous, "power": 2}),
        ("zero_to_solution", {"bias": False, "_target_": "landscape.path.Geometric"}),
    ):
        assert "ext02c" not in {v.check for v in ext02_controls.judge([job(ends, flat, **changes)])}


def test_a_rise_of_j_breaks_ext02b() -> None:
    good = job("noise_to_solution")
    assert make.pick(ext02_controls.judge([good]), "ext02b").holds is True
    bumpy = make.swap(
        good,
        lambda a: make.descent(a) + 0.6 * np.exp(-(((a - 0.5) / 0.05) ** 2)),
        "train/deterministic",
        alphas=ALPHAS,
        mode="deterministic",
        seeds=2,
    )
    assert make.pick(ext02_controls.judge([bumpy]), "ext02b").holds is False
