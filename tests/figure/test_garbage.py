"""No verdict of any figure says yes where what it speaks of is absent: garbage for every curve, track and number."""

from __future__ import annotations

import importlib
import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import landscape.figure
from landscape.result.curve import Array, Components, Curve, LearningCurve, Projection, Surface
from landscape.result.saved import Result

# What a kind of garbage puts in place of [A] values at rising positions.
LINES: dict[str, Callable[[Array], Any]] = {
    "zero": lambda a: 0.0 * a,
    "one": lambda a: 1.0 + 0.0 * a,
    "flat": lambda a: math.log(10) + 0.0 * a,
    "rounding": lambda a: math.log(10) + 2.0**-50 * np.random.default_rng(1).integers(-1, 2, len(a)),
    "rising": lambda a: 1.0 + np.arange(len(a)),
    "noise": lambda a: 3.0 + np.random.default_rng(2).standard_normal(len(a)),
    "nan": lambda a: np.nan * a,
    "inf": lambda a: np.inf + 0.0 * a,
}
GRIDS = ("one point", "two points", "no point", "no seed")
KINDS = (*LINES, *GRIDS, "diverged")

HOLDS_OF = {
    # A start at one, or at ln 10, is where 1a, 8a and 9a say; starts at one place are at one place (3b, an identity).
    # Ends of equal J are equal (ext05c, an identity).
    "zero": {"3b", "ext02c", "ext05c", "6f", "7e", "8f"},
    # Where all eigenvalues are one positive number none is negative, and a cosine of one points ahead.
    "one": {"3b", "9a", "ext02c", "ext05c", "8f", "ext07e", "ext07f"},
    "flat": {"1a", "3b", "8a", "ext02c", "ext05c", "8f", "ext07e"},
    "rounding": {"1a", "3b", "8a", "ext05c", "8f", "ext07e"},
    # Of real samples: a barrier of two lines, a range of steps, a level, is there whatever made them.
    "rising": {"3b", "4d", "ext05c", "ext07c", "8f", "9a", "ext07e"},
    "noise": {
        "5b",
        "ext04b",
        "ext05b",
        "ext05c",
        "ext06a",
        "ext06c",
        "3b",
        "8f",
        "6b",
        "6d",
        "7a-total",
        "7a-pixels",
        "7a-label",
        "ext07e",
    },
    "nan": set(),
    "inf": set(),
    "one point": {"1a", "3b", "8a", "8f"},
    "two points": {"1a", "3b", "8a", "ext05c", "8f"},
    "no point": set(),
    "no seed": set(),
    "diverged": set(),
}
"""Checks whose subject a kind of garbage has, so that they may hold."""

FOLDER = Path(landscape.figure.__file__).parent
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem[:3] in ("fig", "thm", "ext"))
ENDS = "init_to_solution between_solutions random_to_solution zero_to_solution same_branch large_start large_random"
RECIPES = ("maxout", "sigmoid", "relu", "lstm_large", "conv_maxout", "mpdbm", "deep_linear")
GRID, NEAR_START, NEAR_END = np.arange(-9, 21) / 9, np.linspace(0, 0.1, 41), np.linspace(0.99, 1.01, 41)


CURVATURE = ("lambda_max", "lambda_min", "trace", "peak_ratio", "noise_scale", "cosine", "line_curvature")
RELU = {"activation": {"_target_": "torch.nn.ReLU"}}
LOST = ["theory_deviation", "proven_decreasing", "proven_num_maxima", "num_pieces", "proven_until", "num_slopes"]


def positions(kind: str, alphas: Array) -> Array:
    keep = {"one point": alphas[alphas <= 0][-1:], "no point": alphas[:0]}
    keep["two points"] = np.array([0.0, 1.0])
    return keep.get(kind, alphas)


def columns(kind: str, alphas: Array) -> Array:
    """[A, S] of garbage, two seeds."""
    if kind == "no seed":
        return np.zeros((len(alphas), 0))
    values = LINES.get(kind, LINES["flat"])(alphas)
    return np.stack([values, values], axis=1)


def curve(kind: str, alphas: Array, split: str, mode: str, source: str, noisy: bool) -> Curve:
    at = positions(kind, alphas)
    values = columns(kind, at)
    seeds = values.shape[1]
    names = ("error", "pixel_objective", "label_objective", *CURVATURE)
    replicates = np.stack([values, values]) if mode == "stochastic" else None
    flat = {"floor": np.full(seeds, 1e-7), "errors": np.full((len(at), len(at), seeds), 1e-3)}
    noise = flat | {"low": -1e-3 + 0 * values, "high": 1e-3 + 0 * values} if noisy else {}
    metrics = {name: np.nan_to_num(values * 0 + 0.5) if kind == "flat" else values for name in names}
    return Curve(at, values, metrics, split, mode, "float64", source, 100, replicates=replicates, noise=noise)


def track(kind: str) -> Projection:
    epochs = positions(kind, np.arange(31.0))
    values = columns(kind, epochs)
    seeds = values.shape[1]
    length = {"zero": 0.0, "nan": np.nan, "inf": np.inf}.get(kind, 2.0)
    best = np.full(seeds, 1.0 if len(epochs) < 3 else 20.0)
    lengths = np.full(seeds, length)
    metrics = dict.fromkeys(CURVATURE, values)
    return Projection(
        epochs, epochs, values, values, values + 0.5, lengths, best, values, objective=values, metrics=metrics
    )


def axes_of(found: Projection) -> Components:
    """The same values for all that is known of a path along its principal axes."""
    return Components(found.epochs, found.epochs, *[found.projection] * 12, found.length + 100)


def surfaces(kind: str) -> dict[str, Surface]:
    """A plane around a point and one through three, two columns; none of no point."""
    axis = positions(kind, np.arange(-2, 3) / 2)
    if not len(axis):
        return {}
    values = columns(kind, np.arange(float(len(axis) ** 2)))
    values = values.reshape(len(axis), len(axis), values.shape[1])
    around = Surface(axis, axis, values, corners=np.zeros((1, 2)), names=["solution"], num_examples=100)
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    return {"train/deterministic": around, "train/stochastic": replace(around, corners=corners, names=["a", "b", "c"])}


def job(kind: str, ends: str, recipe: str, alphas: Array, noisy: bool) -> Result:
    """A full-scale job with everything that any figure reads, all of it garbage."""
    found = track(kind)
    seeds = found.projection.shape[1]
    curves = {
        f"{split}/{mode}": curve(kind, alphas, split, mode, "measured", noisy)
        for split in ("train", "valid", "test")
        for mode in ("stochastic", "deterministic")
    }
    curves["train/theory"] = curve(kind, alphas, "train", "deterministic", "theory", False)
    channels = {name: found.projection for name in ("train/objective", "valid/objective", "valid/error")}
    config: dict[str, Any] = {
        "dimensions": {"classes": 10},
        "measurement": {"dimension": 100_000, "noise": 0.0},
        "optimizer": {"_target_": "landscape.training.Momentum", "lr": 0.1, "momentum": 0.0},
        "model": {"depth": 2, "width": 1, "low": 0.01, "high": 1.0, "widths": [3], "bias": False, **RELU}
        | {"skip": recipe == "maxout"},
        "objective": {"running_statistics": None},
        "training": {"batch_size": 50},
        "path": {"_target_": "landscape.path.Linear"},
        "endpoints": {"scale": 1.0, "start": [2.0, 0.5], "end": [2.0, 0.5], "epoch": 1 if ends == "same_branch" else 0},
    }
    lost = [f"train/{key}" for key in LOST] + ["num_test_errors"]
    numbers = dict.fromkeys(("length", "norm_theta_i"), [1.0] * seeds) | dict.fromkeys(lost, [math.nan] * seeds)
    return Result(
        "garbage",
        "landscape.figure.sweep",
        "full",
        {"recipe": recipe, "endpoints": ends, "cost": "cross_entropy"},
        config,
        [f"recipe={recipe}", f"endpoints={ends}"],
        curves=curves,
        projections={"trajectory": found, "walk": found, "descent": found, "curvature": found},
        components=dict.fromkeys(("mean", "end", "walk_mean", "walk_end"), axes_of(found)),
        surfaces=surfaces(kind) if recipe in RECIPES[:2] and alphas is GRID else {},  # flooding them takes a while
        learning_curve=LearningCurve(found.epochs, channels, found.best_epoch),
        numbers=numbers,
        seeds=[str(s) for s in range(seeds)],
        training_status=[kind if kind == "diverged" else "stopped"] * seeds,
    )


OFTEN = ("zero", "no point")
"""One of values and one of a grid: all others take seconds each, and run where changes land."""


@pytest.mark.parametrize("kind", [pytest.param(k, marks=[] if k in OFTEN else [pytest.mark.slow]) for k in KINDS])
def test_no_claim_holds_of_garbage(kind: str) -> None:
    """Every module judges the same jobs, which are made once."""
    modules = {name: importlib.import_module(f"landscape.figure.{name}") for name in [*MODULES, "sweep", "surface"]}
    allowed, yes, silent = HOLDS_OF[kind], set(), set()
    for noisy, ends in itertools.product((False, True), ENDS.split()):
        jobs = [job(kind, ends, recipe, GRID, noisy) for recipe in RECIPES]
        jobs += [job(kind, ends, recipe, alphas, noisy) for recipe in RECIPES for alphas in (NEAR_START, NEAR_END)]
        if ends == "between_solutions":
            ways = [jobs[0].config["endpoints"] | {"align": how} for how in ("weights", "random")]
            jobs += [replace(jobs[0], config={**jobs[0].config, "endpoints": way}) for way in ways]
        jobs[0] = replace(jobs[0], curves={k: v for k, v in jobs[0].curves.items() if "stochastic" not in k})
        for name, module in modules.items():
            found = [verdict for one in jobs for verdict in module.judge([one])] + module.judge(jobs)
            yes |= {(name, v.check, v.measured) for v in found if v.holds is True and v.check not in allowed}
            silent |= {(name, v.check) for v in found if v.holds is None and not (v.measured or v.note)}
    assert yes == silent == set()
