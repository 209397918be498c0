"""Every derivation: steps are proven or say that they are not, checks hold off the defaults, drawings are labelled."""

from __future__ import annotations

import importlib
import json
from typing import Any

import numpy as np
import pytest
import sympy
from matplotlib.figure import Figure

from theory.__main__ import NAMES, main

NOT_PROVEN = {
    "balanced": ["the weights themselves"],
    "conjectures": ["large start: only half"],
    "dynamics": ["FALSE at depth 2 without alignment"],
    "noise": ["the mean is not typical"],
    "pca_null": ["shares in D dimensions, centred", "cosine content"],
    "random_walk": ["maximal residual"],
    "statistics": ["wide limit"],
    "taylor": ["slope at the start"],
    "walk_variants": ["concentration"],
}
SAYS_NOT_PROVEN = {"balanced": "numerically", "dynamics": "not proven"}
NUM_CHECKS = {"quadratic": 5, "statistics": 2, "walk_variants": 4}
ELSEWHERE: list[tuple[str, dict[str, Any]]] = [
    ("balanced", {"width": 4, "imbalance": -1.0, "seed": 3}),
    *(("deep_linear", {"depth": depth, "width": 5, "seed": 2}) for depth in (1, 3, 7)),
    *(("dynamics", {"depth": depth, "strength": -1.5, "a": 0.4, "b": 0.3}) for depth in (2, 5)),
    *(("hessian", {"depth": depth, "weight": -0.8}) for depth in (2, 5)),
    *(("homogeneous", {"depth": depth}) for depth in (1, 6)),
    *(("logits", {"depth": depth, "power": p, "width": w}) for depth, p, w in ((1, 2, 6), (2, 4, 1), (3, 1, 6))),
    *(("noise", changed) for changed in ({"dimension": 1, "lr": 0.3}, {"batch_size": 1, "lr": 0.05, "num_steps": 5})),
    *(("pca_null", {"num_points": n, "dimension": d}) for n, d in ((4, 100), (40, 10**6))),
    *(("plane", {"depth": d, "width": w, "seed": s}) for d, w, s in ((1, 2, 0), (6, 3, 4))),
    *(
        ("quadratic", {"lr": lr, "momentum": m, "dimension": 50, "condition": 30})
        for lr, m in ((0.5, 0.9), (1.9, 0.0), (3.0, 0.6))
    ),
    *(
        (name, {"dimension": d, "num_steps": n, "solution_step": end})
        for name in ("random_walk", "thales")
        for d, n, end in ((2, 1000, 900), (3, 1, 1), (10**9, 1000, 1000))
    ),
    *(("relu_exact", {"examples": n, "hidden": h, "seed": s}) for n, h, s in ((1, 1, 0), (3, 2, 5), (60, 20, 2))),
    *(("scalar", {"depth": depth}) for depth in (2, 5)),
    *(("statistics", {"depth": d, "width": w, "sigma": s}) for d, w, s in ((1, 1, 1.0), (5, 3, 20.0))),
    *(("taylor", {"order": order}) for order in (2, 8)),
    *(("walk_variants", changed) for changed in ({"solution_step": 2}, {"drift": 0.0, "hurst": 0.3, "momentum": 0.0})),
]
DEPEND_ON_DEPTH = ("dynamics", "hessian", "homogeneous", "scalar")
DRAWN: list[tuple[str, dict[str, Any], str, str, str, list[float]]] = [
    ("balanced", {}, "units of its length R", "units of R", "Thales semicircle", [0.0428, 0.1446, 0.1819, 0.5]),
    ("dynamics", {}, "R", "of R", "Thales semicircle", [0.0142, 0.1457, 0.2345, 0.494, 0.439, 0.5]),
    ("hessian", {}, "equal", "eigenvalue", "across it, 2 of them", [15.936, 0.9449, 0.875]),
    ("logits", {}, "α", "nats", "cross-entropy, logits of degree 7", [2.9674, 0.8]),
    ("noise", {"num_steps": 10}, "mean", "square", "minibatches of 8, σ/R", [0.3259, 0.3286, 0.3767, 0.5]),
    (
        "pca_null",
        {"num_points": 4, "dimension": 10**9},
        "axis",
        "share",
        "law from its end, 4 points",
        [0.6828] * 2 + [0.8415] * 2,
    ),
    ("plane", {"depth": 3}, "u (", "v (", "width 4: degree 6", [1.0]),
    ("quadratic", {}, "R", "R", "random walk, many dimensions", [0.6126, 0.5]),
    ("random_walk", {"dimension": 30}, "projection", "residual", "90 % at each step, d = 30", [0.5, 0.5]),
    ("relu_exact", {}, "α", "squared error", "minimum (exact)", [7.5484, -0.02, 2.9707, 7.5484]),
    ("scalar", {}, "α", "J", "zero start, L = 3 (Figure 9)", [1.0] * 5),
    ("statistics", {}, "α", "E J", "Gaussian start, depth 3", [0.4062, 0.3281, 0.2891, 0.25, 0.5625, 2.9148]),
    ("thales", {"dimension": 2}, "updates", "defect", "median", [0.0]),
    ("thales", {"dimension": 20}, "updates", "defect", "mean", [0.0, 0.0]),
    ("walk_variants", {}, "projection", "residual", "momentum 0.8, 40 steps", [0.5, 0.25, 0.3218, 0.4315]),
]


def derive(name: str, **parameters: Any) -> Any:
    return importlib.import_module(NAMES[name]).derive(**parameters)


@pytest.mark.parametrize("name", NAMES)
def test_every_derivation_proves_its_steps_and_holds(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """By the command, which asks sympy about each proven step and ends with 1 if one or a check fails."""
    assert main([name, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["checks"] and all(check["holds"] for check in found["checks"])
    assert [step["name"] for step in found["steps"] if not step["proven"]] == NOT_PROVEN.get(name, [])
    assert len(found["checks"]) == NUM_CHECKS.get(name, len(found["checks"]))


@pytest.mark.parametrize(("name", "parameters"), [*((name, {}) for name in NAMES), *ELSEWHERE], ids=str)
def test_it_says_what_is_known_and_its_checks_hold_elsewhere(name: str, parameters: dict[str, Any]) -> None:
    derivation = derive(name, **parameters)
    checks = derivation.check() if parameters else []  # at the defaults the command has asked
    assert bool(checks) == bool(parameters) and all(check.holds for check in checks), checks
    assert len(checks) in (0, NUM_CHECKS.get(name, len(checks)))
    for said, step in derivation.steps.items():
        assert not (parameters and step.proven and name in DEPEND_ON_DEPTH) or step.holds(), said
        assert step.proven or SAYS_NOT_PROVEN.get(name, "") in step.reason, said
        assert name == "conjectures" or step.statement not in (sympy.true, sympy.false)  # it compares two numbers
    several = [v if isinstance(v, list) else [v] for v in derivation.values.values()]
    assert np.all(np.isfinite([v for values in several for v in values if isinstance(v, int | float)]))
    if name == "deep_linear":
        assert derivation.values["degree"] == 2 * parameters.get("depth", 3)
    if name == "thales":
        assert derivation.values["low_05"] < 0 < derivation.values["high_95"] < 0.25
    if name == "quadratic":
        assert all(isinstance(step.statement, sympy.Equality) for step in derivation.steps.values())
    if name == "relu_exact" and not parameters:
        assert len(derivation.values["extrema"]) == 5
    if name == "balanced" and not parameters:
        singular = derivation.values["singular_values_of_the_product_at_1000"]
        np.testing.assert_allclose(singular, derivation.values["singular_values_of_the_target"][:2], rtol=1e-10)


@pytest.mark.parametrize("name", ["deep_linear", "relu_exact"])
@pytest.mark.parametrize("value", [0, 2.5, float("nan"), -1])
def test_a_bad_parameter_is_named(name: str, value: float) -> None:
    first = {"deep_linear": "depth", "relu_exact": "examples"}[name]
    for parameter in (first, "seed") if value else (first,):
        with pytest.raises(ValueError, match=f"{parameter}=.* is not allowed; use a whole number"):
            derive(name, **{parameter: value})


@pytest.mark.parametrize(("name", "parameters", "x", "y", "entry", "tops"), DRAWN)
def test_a_drawing_says_what_it_shows(
    name: str, parameters: dict[str, Any], x: str, y: str, entry: str, tops: list[float]
) -> None:
    axes = Figure().add_subplot()
    importlib.import_module(NAMES[name]).draw(axes, **parameters)
    assert x in axes.get_xlabel() and y in axes.get_ylabel() and axes.get_legend() is not None
    assert any(entry in text for text in (axes.get_title(), *axes.get_legend_handles_labels()[1]))
    assert [np.max(line.get_ydata()) for line in axes.get_lines()] == pytest.approx(tops, abs=1e-4)
