"""Planes of any jobs, drawn and judged from bowls and double wells made of formulas."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from landscape.errors import InputError
from landscape.figure import ext08_surface, surface, sweep
from landscape.figure.module import drawn
from landscape.figure.sweep.number import headline
from landscape.figure.turnable import write_pages
from landscape.result.curve import Array, Surface
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

from . import conftest as make
from .conftest import nothing_is_cut_off, pick, titles

AXIS = np.linspace(-1, 1, 25)
A, B = np.meshgrid(AXIS, AXIS, indexing="ij")
BOWL = 0.1 + 4 * (A**2 + B**2)
GUESS = np.log(10)
CORNERS = np.array([[-0.75, 0.0], [0.75, 0.0], [0.0, 0.75]])


def plane(*values: Array, names: str = "solution", **changes: Any) -> Surface:
    """A column for each array, around (0, 0); or through three corners where three are named."""
    told = names.split()
    corners = np.zeros((1, 2)) if len(told) == 1 else CORNERS
    noise = {"floor": np.full(len(values), 1e-6)}
    axis = np.linspace(-1, 1, len(values[0]))
    return Surface(axis, axis, np.stack(values, axis=-1), corners=corners, names=told, noise=noise, **changes)


def job(*values: Array, seeds: int = 0, names: str = "solution", model: Any = None, **changes: Any) -> Result:
    """One with a plane of its own, and nothing else."""
    found = make.result("digits", seeds=seeds or len(values), curves={}, learning_curve=None, **changes)
    config = found.config | {"model": model or {}}
    return replace(found, config=config, surfaces={"train/deterministic": plane(*values, names=names)})


def wells(height: float) -> Array:
    """Three at the corners, 0.1 deep, in a plain of this height."""
    far = [np.hypot(A - a, B - b) for a, b in CORNERS]
    return 0.1 + height * np.minimum(1, np.min(far, axis=0) / 0.3)


def holds(verdicts: list[Verdict], check: str) -> bool | None:
    return pick(verdicts, check, "digits").holds


def test_every_plane_has_its_pair_of_panels_until_there_are_too_many() -> None:
    coarse = BOWL[::6, ::6]
    both = replace(job(BOWL, BOWL), surfaces={s: plane(coarse, coarse, split=s) for s in ("train", "valid")})
    figure = sweep.draw([both])
    words = ["training, seed 0", "training, seed 1", "validation, seed 0", "validation, seed 1"]
    assert [title for title in titles(figure) if title] == words
    assert sum(axes.name == "3d" for axes in figure.axes) == 4 and "lowest" in figure._supxlabel.get_text()
    nothing_is_cut_off(surface.draw([job(BOWL)]))
    many = [replace(both, overrides=[f"optimizer.lr={k}"]) for k in range(8)]
    figure = sweep.draw(many)
    assert len(figure.axes) == 24 and "drawn: 12 of 32 planes" in figure._supxlabel.get_text()
    assert sum("training, seed 0" in title for title in titles(figure)) == 8  # each job's first before any other
    with pytest.raises(InputError, match="a map of test_error is not drawn beside surfaces"):
        drawn(sweep, [both], ["test_error"])
    bare = sweep.draw([both, make.result("digits", overrides=["optimizer.lr=9"])])
    assert "1 of 2 jobs have no surface" in bare._supxlabel.get_text()
    lost = job(BOWL, np.full((25, 25), np.nan), training_status=["stopped", "stopped"])
    assert "seed 1 left out: J is nowhere finite" in surface.draw([lost])._supxlabel.get_text()


def test_its_pages_lie_beside_the_figure(tmp_path: Path) -> None:
    jobs = [job(BOWL), job(2 * BOWL, overrides=["optimizer.lr=9"])]
    (page,) = write_pages(sweep.make_pages(jobs), tmp_path)
    text = page.read_text()
    assert page.name == "surface.html"
    assert text.count('"method":"update"') == 2  # a menu shows one at a time
    assert surface.make_pages([job(np.ones((25, 25)))]) == {}


@pytest.mark.parametrize(("below", "expected"), [(1.9e-6, True), (2.1e-6, False)])
def test_lowest_is_judged_by_the_noise(below: float, expected: bool) -> None:
    values = BOWL.copy()
    values[3, 4] = 0.1 - below
    assert holds(surface.judge([job(values)]), "surface-lowest") is expected
    assert holds(surface.judge([job(values, scale="smoke")]), "surface-lowest") is None
    assert holds(sweep.judge([job(values)]), "surface-lowest") is expected
    smoke = pick(surface.judge([job(values, scale="smoke")]), "surface-lowest", "digits")
    assert "limits=smoke" in smoke.note and "learned" not in smoke.note  # it may be somebody's own checkpoint


@pytest.mark.parametrize(("errors", "expected"), [(2.9, False), (3.1, True)])
def test_as_many_standard_errors_count_as_the_claim_says(errors: float, expected: bool) -> None:
    values = BOWL.copy()
    values[3, 4] = 0.1 - 0.3
    one = job(values)
    noise = {"floor": np.array([1e-6]), "errors": np.full((25, 25, 1), 0.3 / errors)}
    found = replace(one, surfaces={"train/deterministic": replace(plane(values), noise=noise)})
    verdict = pick(surface.judge([found]), "surface-lowest", "digits")
    assert verdict.holds is not expected and "3 standard errors" in verdict.expected


def test_the_end_of_a_command_tells_of_the_plane_and_not_of_each_of_three_solutions() -> None:
    numbers = {"train/deterministic/lowest": [0.1], "test_error": [0.3, 0.2, 0.1], "best_epoch": [3.0]}
    found = headline([replace(job(BOWL, names="a b c"), numbers=numbers)])
    assert [number.key for number in found] == ["best_epoch", "train/deterministic/lowest"]


def test_basins_are_told_from_one_valley() -> None:
    for values, expected in ((wells(1.0), True), (wells(0.0) + 0.01 * A, False), (np.ones((25, 25)), None)):
        assert holds(surface.judge([job(values, names="a b c")]), "surface-basins") is expected
    assert surface.judge([replace(job(BOWL), surfaces={"a": plane(BOWL, names="a b c", statistics="c")})]) == []


def test_the_seeds_of_three_solutions_are_said_once() -> None:
    three = job(wells(1.0), names="first second third", caps=["alphas 20 -> 12", "measurement.num 25 -> 12"])
    footer = surface.draw([replace(three, seeds=["4-7-9"])]).get_supxlabel()
    assert "first, second, third: seeds 4, 7, 9" in footer
    assert "measurement.num 25 -> 12" in footer and "alphas" not in footer  # a plane has none
    assert "seeds" not in surface.draw([three]).get_supxlabel()


def test_axes_and_crosses_are_named_in_both_panels() -> None:
    """What a 3-D panel shows is said by itself, and a point of a run keeps the colour of its own J."""
    moving = {"first": A[:1, :1] * 0, "second": B[:1, :1] * 0, "objective": A[:1, :1] + 3, "beside": A[:1, :1] * 0}
    made = replace(plane(BOWL, path=moving), frame={"length": np.ones(1), "along": np.zeros(1), "beside": np.ones(1)})
    for one, units in ((plane(BOWL), ""), (made, " [parameter units]")):
        figure = surface.draw([replace(job(BOWL), surfaces={"train/deterministic": one})])
        flat, raised = figure.axes
        assert raised.get_xlabel() and raised.get_zlabel() and "units" not in raised.get_xlabel()
        assert ("units" in flat.get_xlabel()) is bool(units)
        assert any(text.get_text().startswith("lowest 0.1 at ") for text in raised.texts)
        dot = next(line for line in flat.lines if line.get_marker() == "o")
        assert (dot.get_markerfacecolor() == "none") is bool(units)
        assert next(line for line in flat.lines if line.get_marker() == "x").get_clip_on() is False


def judged(values: Array, names: str = "solution") -> dict[str, bool | None]:
    """Of one net of extension 8."""
    return {v.check: v.holds for v in ext08_surface.judge([job(values, names=names)])}


def test_a_bowl_is_all_that_is_claimed_and_each_claim_ends_at_its_threshold() -> None:
    assert judged(BOWL) == {"ext08a": True, "ext08b": True, "ext08c": True}
    assert judged(BOWL + 2) == {"ext08a": None, "ext08b": None, "ext08c": None}  # not learned
    # A second valley, on whose rim 0.1 ln C must just, or just not, be climbed.
    for climb, expected in ((0.09, True), (0.11, False)):
        values = BOWL.copy()
        values[18:21, 18:21] = 5.0
        values[19, 19] = 5.0 - climb * GUESS
        assert judged(values)["ext08b"] is expected
    for num, expected in ((3, True), (4, False)):  # of 32 rays, of which nine tenths must rise
        values = BOWL.copy()
        for i, j in ((24, 12), (0, 12), (12, 24), (12, 0))[:num]:
            values[i, j] = 0.2
        assert judged(values)["ext08a"] is expected
    ripples = 0.1 + np.hypot(A, B) + 0.1 * np.cos(12 * A) * np.cos(12 * B)
    assert judged(ripples)["ext08c"] is False


def test_corners_are_apart_from_a_tenth_of_a_guess_on() -> None:
    for height, expected in ((0.11, True), (0.09, False)):
        assert judged(wells(height * GUESS), "a b c") == {"ext08d": expected}


def test_nets_are_compared_where_both_have_learned() -> None:
    rough = BOWL + 2 * np.sin(9 * A) ** 2 * np.sin(9 * B) ** 2
    nets = [(skip, norm) for skip in (True, False) for norm in (True, False)]
    models = [{"skip": skip, "batch_norm": norm} for skip, norm in nets]
    jobs = [job(BOWL if model["skip"] else rough, model=model, overrides=[str(model)]) for model in models]
    found = {(v.check, v.subject.split(",")[0]): v.holds for v in ext08_surface.judge(jobs) if "-" in v.check}
    assert found["ext08-skip-bends", "batch norm"] is True and found["ext08-skip-rays", "no batch norm"] is True
    assert found["ext08-norm-bends", "skip connections"] is False  # no difference
    assert len(found) == 12
    unlearned = [
        replace(j, surfaces={"train/deterministic": plane(BOWL + 9)}) if k < 2 else j for k, j in enumerate(jobs)
    ]
    found = {(v.check, v.subject.split(",")[0]): v.holds for v in ext08_surface.judge(unlearned) if "-" in v.check}
    assert found["ext08-skip-bends", "batch norm"] is None
    assert [t.split(", training")[0] for t in titles(ext08_surface.draw(jobs)) if t] == [
        "skip connections, no batch norm",
        "skip connections, batch norm",
        "no skip connections, no batch norm",
        "no skip connections, batch norm",
    ]
