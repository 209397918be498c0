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
    "random_walk": ["maximal residual"],
    "statistics": ["wide limit"],
    "taylor": ["slope at the start"],
    "walk_variants": ["concentration"],
}
SAYS_NOT_PROVEN = {"balanced": "numerically", "dynamics": "not proven"}
NUM_STEPS = {"logits": 5, "plane": 5}
NUM_CHECKS = {"quadratic": 5, "statistics": 2, "walk_variants": 4}
ELSEWHERE: list[tuple[str, dict[str, Any]]] = [
    ("balanced", {"width": 4, "imbalance": -1.0, "seed": 3}),
    *(("deep_linear", {"depth": depth, "width": 5, "seed": 2}) for depth in (1, 3, 7)),
    *(("dynamics", {"depth": depth, "strength": -1.5, "a": 0.4, "b": 0.3}) for depth in (2, 5)),
    *(("homogeneous", {"depth": depth}) for depth in (1, 6)),
    *(("logits", {"depth": depth, "power": p, "width": w}) for depth, p, w in ((1, 2, 6), (2, 4, 1), (3, 1, 6))),
    *(("noise", changed) for changed in ({"dimension": 1, "lr": 0.3}, {"batch_size": 1, "lr": 0.05, "num_steps": 5})),
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
DEPEND_ON_DEPTH = ("dynamics", "homogeneous", "scalar")
DRAWN: list[tuple[str, dict[str, Any], int, str, str, str, str]] = [
    ("balanced", {}, 4, "units of its length R", "units of R", "Thales semicircle", ""),
    ("logits", {}, 2, "α", "nats", "cross-entropy, logits of degree 7", ""),
    ("plane", {"depth": 3}, 1, "u (", "v (", "the three points", "degree 6"),
    ("scalar", {}, 5, "α", "J", "zero start, L = 3 (Figure 9)", ""),
]


def derive(name: str, **parameters: Any) -> Any:
    return importlib.import_module(NAMES[name]).derive(**parameters)


@pytest.mark.parametrize("name", NAMES)
def test_every_derivation_proves_its_steps_and_holds(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """By the command, which asks sympy about each proven step and ends with 1 if one or a check fails."""
    assert main([name, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["checks"] and all(check["holds"] for check in found["checks"])
    names = [step["name"] for step in found["steps"]]
    assert [step["name"] for step in found["steps"] if not step["proven"]] == NOT_PROVEN.get(name, [])
    assert len(found["checks"]) == NUM_CHECKS.get(name, len(found["checks"]))
    assert len(names) == NUM_STEPS.get(name, len(names))


@pytest.mark.parametrize("name", NAMES)
def test_a_step_can_be_read_before_it_is_proven(name: str) -> None:
    allowed = {"conjectures"}  # one of its steps is a comparison of two numbers
    assert name in allowed or all(
        step.statement not in (sympy.true, sympy.false) for step in derive(name).steps.values()
    )


@pytest.mark.parametrize(("name", "parameters"), ELSEWHERE, ids=str)
def test_its_checks_hold_elsewhere(name: str, parameters: dict[str, Any]) -> None:
    derivation = derive(name, **parameters)
    assert name not in DEPEND_ON_DEPTH or all(step.holds() for step in derivation.steps.values() if step.proven)
    checks = derivation.check()
    assert checks and [check.name for check in checks if not check.holds] == []
    assert len(checks) == NUM_CHECKS.get(name, len(checks))
    assert len(derivation.steps) == NUM_STEPS.get(name, len(derivation.steps))
    several = [v if isinstance(v, list) else [v] for v in derivation.values.values()]
    assert np.all(np.isfinite([v for values in several for v in values if isinstance(v, int | float)]))


@pytest.mark.parametrize(("name", "parameters"), [*((name, {}) for name in NAMES), *ELSEWHERE], ids=str)
def test_its_values_and_reasons_say_what_is_known(name: str, parameters: dict[str, Any]) -> None:
    derivation = derive(name, **parameters)
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
    for step in derivation.steps.values():
        assert step.proven or SAYS_NOT_PROVEN.get(name, "") in step.reason


@pytest.mark.parametrize("name", ["deep_linear", "relu_exact"])
@pytest.mark.parametrize("value", [0, 2.5, float("nan"), -1])
def test_a_bad_parameter_is_named(name: str, value: float) -> None:
    first = {"deep_linear": "depth", "relu_exact": "examples"}[name]
    for parameter in (first, "seed") if value else (first,):
        with pytest.raises(ValueError, match=f"{parameter}=.* is not allowed; use a whole number"):
            derive(name, **{parameter: value})


@pytest.mark.parametrize(("name", "parameters", "num_lines", "x", "y", "entry", "title"), DRAWN)
def test_a_drawing_says_what_it_shows(
    name: str, parameters: dict[str, Any], num_lines: int, x: str, y: str, entry: str, title: str
) -> None:
    axes = Figure().add_subplot()
    importlib.import_module(NAMES[name]).draw(axes, **parameters)
    assert x in axes.get_xlabel() and y in axes.get_ylabel() and len(axes.get_lines()) == num_lines
    assert title in axes.get_title() and (name != "logits" or np.asarray(axes.get_lines()[1].get_ydata())[-1] == 0)
    assert entry in axes.get_legend_handles_labels()[1] and axes.get_legend() is not None
