"""What figures say of values with a stated error, and what they leave open."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from landscape.figure import caption, claims, fig01_maxout, style, sweep
from landscape.figure.checks import judge
from landscape.figure.decided import within_error
from landscape.figure.sweep.rate import are_monotone, say_open
from landscape.result.curve import Curve, Surface, picture
from landscape.result.curve.stated import STATED
from landscape.result.saved import Result

from . import conftest as make
from .conftest import with_noise, words

RISE = 1e-3
"""Nats, of a drop of 2.28: above tau, which is 1e-4 of the drop."""


def stated(job: Result, bound: float, every: int = 3) -> Result:
    """The same with a stated error of J and of the error everywhere but at every third point, and at both ends."""

    def with_bound(curve: Curve) -> Curve:
        bounds = np.full(curve.objective.shape, bound)
        bounds[::every] = bounds[-1] = bounds[np.abs(curve.alphas - 1) < 1e-9] = 0.0
        return replace(curve, noise={**curve.noise, "bound": bounds, "bound/error": bounds})

    return replace(job, curves={name: with_bound(curve) for name, curve in job.curves.items()})


def risen(height: float) -> Result:
    """A descent with one sample that lies higher than the one before it, neither of them in full."""
    before, after = make.descent(np.array([4 / 9, 5 / 9]))
    job = make.result("digits")
    return make.swap(
        job, lambda a: make.descent(a) + (before - after + height) * (np.abs(a - 5 / 9) < 1e-6), "train/deterministic"
    )


@pytest.mark.parametrize(
    ("height", "bound", "holds"),
    [
        (0.0, 1e-5, True),  # no curve within the bound rises by more than tau
        (0.0, 0.2, None),
        (0.02, 1e-5, False),
        (0.02, 0.0098, False),  # the bounds of its two ends leave some of the rise, above tau
        (0.02, 0.0101, None),  # they may have made all of it
        (0.02, 0.2, None),
    ],
)
def test_a_claim_that_needs_more_than_the_bound_gives_is_not_decided(
    height: float, bound: float, holds: bool | None
) -> None:
    monotone = within_error(lambda results: judge([claims.monotone()], results))
    job = stated(risen(height) if height else make.result("digits"), bound)
    found = make.pick(monotone([job]), "1b", "train", "deterministic")
    assert found.holds is holds
    assert found.note.startswith(f"not decided: J is stated to within {bound:.1e}") is (holds is None)
    assert are_monotone(job) == ([] if holds is None else [holds])
    assert ("does not decide" in say_open([job])) is (holds is None or bound > 0.1)


def test_what_was_evaluated_in_full_is_judged_as_ever() -> None:
    job = make.result("digits")
    plain = fig01_maxout.judge([job])
    assert fig01_maxout.judge([stated(job, 0.0)]) == plain
    assert [v.holds for v in fig01_maxout.judge([stated(job, 1e-7)])] == [v.holds for v in plain]
    open_ones = fig01_maxout.judge([stated(job, 10.0)])
    assert {v.check for v in open_ones if v.holds is not None} == {"1a", "1g"}  # at the start, and not of curves


def test_the_rise_is_told_beside_the_bound() -> None:
    job = with_noise(stated(risen(0.02), 0.005), 1e-5)
    job = replace(job, curves={n: replace(c, noise={**c.noise, **_bounds(c)}) for n, c in job.curves.items()})
    found = make.pick(judge([claims.monotone()], [job]), "1b", "train", "deterministic")
    assert "nats larger than the noise" in found.measured and "stated error 0.01)" in found.measured


def _bounds(curve: Curve) -> dict[str, np.ndarray]:
    bound = np.full(curve.objective.shape, 0.005)
    return {"bound": bound, "bound/error": bound}


def test_a_plane_is_not_judged_below_its_bound() -> None:
    axis = np.linspace(-1.0, 1.0, 5)
    values = (axis[:, None] ** 2 + axis**2)[:, :, None]
    values[3, 3] -= 0.52  # 0.02 below the point of the plane
    found = {}
    for bound in (0.009, 0.021, 0.5):
        bounds = np.full(values.shape, bound)
        bounds[2, 2] = 0.0
        surface = Surface(
            axis, axis, values, corners=np.zeros((1, 2)), names=["a"], noise={"bound": bounds, "floor": np.zeros(1)}
        )
        job = replace(make.result("digits"), curves={}, surfaces={"train/deterministic": surface})
        found[bound] = make.pick(sweep.judge([job]), "surface-lowest").holds
        text = sweep.draw([job]).get_supxlabel()
        assert f"J to within {bound:.1e} nats, {STATED} (objective.tolerance); 1 of 25 points in full (dots)" in text
    assert found == {0.009: False, 0.021: None, 0.5: None}


def test_the_error_is_drawn_and_told() -> None:
    """Hatched, beside the band over examples; in the legend, and in the footer of one job and of many."""
    job = with_noise(make.result("maxout"), 0.05)
    exact = fig01_maxout.draw([stated(job, 0.0)])
    figure = fig01_maxout.draw([stated(job, 0.03)])
    hatched = [part for part in figure.axes[0].collections if part.get_gid() == picture.STATED]
    assert len(hatched) == 4 and all(part.get_hatch() for part in hatched)
    assert {"stated error; dots: in full", "band: 95 % over examples"} <= set(words(figure.axes[0]))
    lines = [line for line in figure.axes[0].lines if line.get_label() == "training"]
    assert lines[0].get_markevery() == [0, 3, 6, 9, 12, 15, 18, 19]
    assert (
        "J to within 3.0e-02 nats, stated from a sample, not proven (objective.tolerance); 8 of 20 points in full"
        in figure.get_supxlabel()
    )
    assert "stated error; dots: in full" not in words(exact.axes[0])
    thin = words(fig01_maxout.draw([stated(job, 1e-3)]).axes[0])
    assert "stated error,\nthinner than the line; dots: in full" in thin
    jobs = [replace(stated(make.result("digits", seeds=2), 0.03), overrides=[f"a={n}"]) for n in (1, 2)]
    (legend,) = sweep.draw(jobs).legends
    assert [text.get_text() for text in legend.get_texts()][-1] == "stated error; dots: in full"
    numbers = {"train/deterministic/passes": [7.5, 7.5]}
    text = caption.stated_error([replace(one, numbers=numbers) for one in jobs])
    assert text.endswith("at most 7.5 passes over the data in place of 20")
    assert caption.stated_error([make.result("maxout")]) == ""
    assert caption.stated_error([stated(job, 0.0)]).startswith("J in full at all points")
    figure, axes = style.alone()
    jobs[0].curves["train/deterministic"].plot(axes)
    assert sum(part.get_gid() == picture.STATED for part in axes.collections) == 2


def test_each_job_of_a_sweep_is_told_its_own_error() -> None:
    jobs = [
        replace(stated(make.result("digits"), bound), overrides=[f"objective.tolerance={share}"])
        for bound, share in ((0.2, 1e-3), (0.5, 3e-2))
    ]
    notes = {v.subject: v.note for v in sweep.judge(jobs) if "not decided" in v.note}
    assert {"objective.tolerance=0.001" in subject for subject in notes} == {True, False}
    for subject, note in notes.items():
        assert ("within 2.0e-01," if "objective.tolerance=0.001" in subject else "within 5.0e-01,") in note
    assert "J to within 2.0e-01 to 5.0e-01 nats" in caption.stated_error(jobs)
    assert all("stated" not in v.as_dict() for v in sweep.judge(jobs))
