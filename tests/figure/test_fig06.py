"""Figure 6: a line whose start climbs over a barrier that was put there by a formula."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from landscape.figure.barrier import joined, step_noise
from landscape.figure.fig06_conv_maxout import draw, judge
from landscape.result.curve import Array
from landscape.result.curve.crossing import climb, replicate_error

from . import conftest as make
from .conftest import labels, words

ZOOM = np.arange(40) / 130
VARY = ["vary={num:20,divisions:9,num_replicates:1}", "vary={num:40,divisions:130,num_replicates:4}"]


def bump(a: Array, height: float = 0.03, at: float = 0.05) -> Array:
    """0 at 0, ``height`` at ``at``, gone soon after."""
    return height * (a / at) * np.exp(1 - a / at)


def jobs(
    height: float = 0.03, spread: float = 1e-3, seeds: int = 1, at: float = 0.05, power: float = 3.0, **changes: Any
) -> list[Any]:
    """The line and its enlarged start, there with four mask replicates tilted by +-spread nats per unit of alpha."""

    def shape(a: Array) -> Array:
        return np.asarray(make.descent(a, power=power) + bump(a, height, at))

    tilts = spread * np.array([-1.5, -0.5, 0.5, 1.5])
    found = []
    for grid, vary in zip((make.NINTHS, ZOOM), VARY, strict=True):
        curves = make.curves(shape, grid, seeds)
        if grid is ZOOM:
            for key in ("train/stochastic", "valid/stochastic"):
                values = curves[key].objective
                curves[key] = replace(curves[key], replicates=values[None] + tilts[:, None, None] * grid[None, :, None])
        job = make.result("conv_maxout", curves=curves, seeds=seeds, **changes)
        job.learning_curve.channels["valid/error"][:] = np.where(np.arange(41) == 30, 0.1201, 0.2)[:, None]
        job.learning_curve.best_epoch[:] = 30.0
        found.append(replace(make.choose(job, data="cifar10"), overrides=[vary]))
    return found


def raised(job: Any, key: str, row: int, height: float) -> Any:
    """The same job with one sample of one curve that much higher."""
    values = job.curves[key].objective.copy()
    values[row] += height
    return replace(job, curves={**job.curves, key: replace(job.curves[key], objective=values)})


def test_the_line_left_its_start_right_whatever_their_order() -> None:
    line, zoom = jobs()
    for results in ([line, zoom], [zoom, line]):
        figure = draw(results)
        left, right = figure.axes
        assert left.get_title(loc="left") == "from start to solution"
        assert (left.get_ylabel(), right.get_ylabel()) == ("J(θ(α)) [nats]", "J(θ(α)) - J(θ(0)) [nats]")
        assert {axes.get_xlabel() for axes in (left, right)} == {"α"}
        told = words(right)
        assert told[:4] == ["training", "validation", "training, no dropout", "validation, no dropout"]
        assert "height of the start" in told and "bands: ± 3 standard errors of 4 masks" in told
        bands = [tuple(part.get_facecolor()[0][:3]) for part in right.collections if len(part.get_paths())]
        assert len(set(bands)) == 2  # of both splits
        assert left.get_yscale() == "linear" and left.get_ylim()[1] < 1.3 * make.LN10
        training = right.lines[told.index("training")]
        values = make.descent(ZOOM) + bump(ZOOM)
        np.testing.assert_allclose(training.get_ydata(), values - values[0], atol=1e-12)
        # The climb ends near 0.15: the panel shows half as much again, and the curve's fall below is cut off.
        over = climb(ZOOM, values).last
        assert right.get_xlim()[1] == pytest.approx(1.02 * 1.5 * over)
        assert labels(figure)[:2] == ["training", "validation"]
        assert figure._suptitle.get_text() == "Fig. 6: conv_maxout on CIFAR-10 (full scale)"


def test_one_job_alone_and_nothing_at_all_are_drawn() -> None:
    line, zoom = jobs()
    assert len(draw([line]).axes) == len(draw([zoom]).axes) == 1
    assert len(draw([replace(line, curves={}, learning_curve=None)]).axes) == 1
    several = draw(jobs(seeds=3)).axes
    titles = [axes.get_title(loc="left") for axes in several]
    assert titles == ["from start to solution", *(f"close to the start, seed {s}" for s in range(3))]
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in several[1:]}) == 1
    assert all("bands: ± 3 standard errors of 4 masks" in words(axes) for axes in several[1:])


def test_all_claims_hold_on_a_line_as_published() -> None:
    for seeds in (1, 2):
        verdicts = judge(jobs(seeds=seeds))
        assert len(verdicts) == 11 and all(v.holds for v in verdicts), [v for v in verdicts if not v.holds]
    measured = make.pick(judge(jobs()), "6b", "stochastic").measured
    assert measured.startswith("height 0.028 nats at α = 0.046, noise 8.9e-05 (3 standard errors)")


def test_a_line_or_a_start_alone_is_judged_by_what_it_shows() -> None:
    line, zoom = jobs()
    assert [v.check for v in judge([line])] == ["6a", "6a", "6f"]
    assert [v.check for v in judge([zoom])] == ["6b", "6d", "6b", "6d", "6f"]
    # The start of another line has no drop to compare with.
    other = replace(zoom, overrides=[*zoom.overrides, "optimizer.lr=0.1"])
    assert "6c" not in [v.check for v in judge([line, other])]
    # What was told beside positions and replicates is told to both.
    both = [replace(job, overrides=[*job.overrides, "training.first_seed=3"]) for job in (line, zoom)]
    assert "6c" in [v.check for v in judge(both)]


def test_without_a_barrier_6b_fails_for_the_full_net_and_is_left_open_for_a_small_one() -> None:
    verdicts = judge(jobs(height=0.0))
    for mode in ("stochastic", "deterministic"):
        told = [make.pick(verdicts, check, mode).holds for check in ("6b", "6d", "6c", "6e")]
        assert told == [False, None, None, False]
    for small in (
        jobs(height=0.0, scale="reduced"),
        [make.choose(job, recipe="conv_maxout_small") for job in jobs(height=0.0)],
    ):
        verdicts = judge(small)
        assert all(v.holds is None and "full net only" in v.note for v in verdicts if v.check == "6b")
        assert [v.holds for v in verdicts if v.check == "6e"] == [None, None]


def test_a_barrier_within_three_standard_errors_is_none() -> None:
    """At alpha = 0.046 a spread of t makes a standard error of t * 1.29 / 2 * 0.046."""
    error = 1.2909944 / 2 * 6 / 130
    for factor, holds in ((0.9, True), (1.1, False)):
        spread = factor * 0.0300 / (3 * error)
        verdict = make.pick(judge(jobs(spread=spread)), "6b", "stochastic")
        assert verdict.holds is holds, verdict
    line, zoom = jobs()
    curves = {**zoom.curves, "train/stochastic": replace(zoom.curves["train/stochastic"], replicates=None)}
    verdict = make.pick(judge([line, replace(zoom, curves=curves)]), "6b", "stochastic")
    assert verdict.holds is None and "num_replicates" in verdict.note


def test_a_tall_barrier_breaks_6c_at_every_scale_but_smoke() -> None:
    for scale, holds in (("full", False), ("reduced", False), ("smoke", None)):
        verdict = make.pick(judge(jobs(height=0.3, scale=scale)), "6c", "stochastic")
        assert verdict.holds is holds
    assert all(v.holds is None for v in judge(jobs(scale="smoke")))


def test_a_barrier_that_outlasts_the_enlarged_start_is_followed_on_the_line() -> None:
    results = jobs(height=0.1, at=0.4, power=8.0, seeds=2)
    line, zoom = (job.curves["train/deterministic"] for job in results)
    right = draw(results).axes[1:]
    for s, axes in enumerate(right):
        over = climb(line.alphas, line.objective[:, s])
        assert climb(zoom.alphas, zoom.objective[:, s]).last < over.at < over.last
        assert over.last < axes.get_xlim()[1] < 1 and "beyond: the line's points, one mask" in words(axes)
    height = climb(line.alphas, line.objective[:, 1]).height / (line.objective[0, 1] - line.objective[9, 1])
    assert make.pick(judge(results), "6c", "deterministic").measured.startswith(f"{height:.2g} of the drop")


def test_a_narrow_barrier_breaks_6d() -> None:
    line, zoom = jobs()
    values = make.descent(ZOOM) - 0.01 * (ZOOM > 0)
    values[3] += 0.02
    narrow = replace(zoom.curves["train/deterministic"], objective=values[:, None])
    zoom = replace(zoom, curves={**zoom.curves, "train/deterministic": narrow})
    verdict = make.pick(judge([line, zoom]), "6d", "deterministic")
    assert verdict.holds is False and verdict.measured == "above J(0) from 0.0193 to 0.0268"


def test_a_maximum_breaks_6e_and_6a_but_for_a_rise_before_0_3() -> None:
    line, zoom = jobs()
    verdicts = judge([raised(line, "train/stochastic", 6, 1.0), zoom])  # alpha = 2/3
    verdict = make.pick(verdicts, "6e", "stochastic")
    assert verdict.holds is False and verdict.measured.startswith("2 maxima at 0.046, 0.667 above")
    assert make.pick(verdicts, "6a", "stochastic").holds is False
    assert make.pick(verdicts, "6e", "deterministic").holds is True
    early = judge([raised(line, "train/stochastic", 2, 0.5)])  # alpha = 2/9
    assert make.pick(early, "6a", "stochastic").holds is True


def test_start_and_line_are_joined_under_the_same_masks() -> None:
    line, zoom = (job.curves["train/stochastic"] for job in jobs(spread=0.5))
    alphas, values = joined(zoom, line, 0)
    assert (np.diff(alphas) > 0).all() and alphas[-1] == 1 and len(alphas) == 40 + 7
    np.testing.assert_array_equal(values[:40], zoom.replicates[0, :, 0])
    np.testing.assert_array_equal(values[40:], line.objective[3:10, 0])


def test_6f_is_judged_for_the_published_schedule_only() -> None:
    for recipe, scale, holds in (
        ("conv_maxout", "full", True),
        ("conv_maxout_short", "full", None),
        ("conv_maxout_small", "full", None),
        ("conv_maxout", "reduced", None),
    ):
        line = make.choose(jobs(scale=scale)[0], recipe=recipe)
        assert make.pick(judge([line]), "6f", "valid").holds is holds
    bad = jobs()[0]
    assert make.pick(judge([bad]), "6f", "valid").measured == "12.01 % errors"
    bad.learning_curve.channels["valid/error"][:] += 0.02
    assert make.pick(judge([bad]), "6f", "valid").holds is False


def test_a_climb_is_read_between_samples() -> None:
    a = np.array([-1.0, 0.0, 1.0, 2.0, 4.0, 5.0])
    found = climb(a, np.array([9.0, 2.0, 1.0, 4.0, 3.0, 0.0]))
    assert (found.height, found.at, found.is_over) == (2.0, 2.0, True)
    assert (found.first, found.last) == pytest.approx((1 + 1 / 3, 4 + 1 / 3))
    rising = climb(a, np.array([0.0, 2.0, 3.0, 4.0, 5.0, 6.0]))
    assert (rising.height, rising.first, rising.last, rising.is_over) == (4.0, 0.0, 5.0, False)
    falling = climb(a[1:], np.array([2.0, 1.0, 0.5, 1.5, 0.0]))
    assert (falling.height, falling.at, falling.last - falling.first) == (-0.5, 4.0, 0.0)
    with pytest.raises(ValueError, match="beyond alpha = 0"):
        climb(np.array([-1.0, 0.0]), np.zeros(2))
    with pytest.raises(ValueError, match="not finite"):
        climb(a, np.array([0.0, 0.0, np.nan, 0.0, 0.0, 0.0]))


def test_the_standard_error_is_of_differences_from_the_start() -> None:
    curve = jobs(spread=0.2)[1].curves["train/stochastic"]
    shifted = replace(curve, replicates=curve.replicates + np.array([5.0, -1.0, 2.0, 0.0])[:, None, None])
    by_hand = [0.2 * a * math.sqrt(sum(t * t for t in (-1.5, -0.5, 0.5, 1.5)) / 3) / 2 for a in ZOOM]
    np.testing.assert_allclose(replicate_error(shifted, 0), by_hand, atol=1e-14)
    with pytest.raises(ValueError, match="two or more"):
        replicate_error(replace(curve, replicates=None), 0)
    assert step_noise(curve, curve, 0) == pytest.approx(3 * by_hand[1])
