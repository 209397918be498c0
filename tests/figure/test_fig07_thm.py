"""Figure 7 and the theorems, drawn and judged from results made of formulas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from landscape.figure import fig07_mpdbm, second_minimum, thm01_certificate, thm02_relu_exact
from landscape.figure.turnable import write_pages
from landscape.result.curve import Array, Curve, LearningCurve, Projection
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

from . import conftest as make
from .conftest import with_a_lost_seed, words

ALPHAS = np.linspace(0, 1.2, 61)


def machine(shape: Callable[[Array], Array], bulge: float = 0.2, scale: str = "full", error: float = 0.008) -> Result:
    """One run of a machine whose line has this shape, and whose training goes round it at half its height."""
    v = shape(ALPHAS)
    parts = {"pixel_objective": (0.9 * v)[:, None], "label_objective": (0.1 * v)[:, None]}
    line = Curve(ALPHAS, v[:, None], parts, "train", "stochastic", "float32", "measured", 100)
    x = np.linspace(0, 1, 11)
    off = 4 * bulge * x * (1 - x)
    epochs = np.arange(11.0)
    along = 0.5 * np.interp(x, ALPHAS, v) + 0.5 * v.min()
    columns = [c[:, None] for c in (2 * x, 2 * off, np.full(11, 200.0))]
    track = Projection(epochs, epochs, *columns, np.array([2.0]), np.array([10.0]), 2 * off[:, None], along[:, None])
    history = LearningCurve(epochs, {"valid/error": np.linspace(0.5, error, 11)[:, None]}, np.array([10.0]))
    return replace(
        make.result("mpdbm", scale=scale, name="fig07_mpdbm", numbers={"max_plane_distance": [0.3]}),
        curves={"train/stochastic": line},
        projections={"trajectory": track},
        learning_curve=history,
    )


def valley(a: Array) -> Array:
    return 0.06 + 0.08 * (a - 1) ** 2


def two_valleys(a: Array) -> Array:
    return valley(a) + 0.05 * np.exp(-(((a - 0.35) / 0.1) ** 2)) - 0.03 * np.exp(-(((a - 0.15) / 0.06) ** 2))


def holds(verdicts: list[Verdict]) -> dict[str, bool | None]:
    return {v.check: v.holds for v in verdicts}


def test_a_plain_valley_has_no_second_minimum_and_nothing_to_go_round() -> None:
    found = holds(fig07_mpdbm.judge([machine(valley)]))
    assert {check for check in found if found[check] is None} == {"7a-total", "7a-pixels", "7a-label", "7c"}
    assert {check for check in found if found[check]} == {"7b", "7d", "7e"}
    total = fig07_mpdbm.judge([machine(valley)])[0]
    assert "a finding" in total.note and total.measured.startswith("0 minima")  # said, and not a failure
    reduced = holds(fig07_mpdbm.judge([machine(valley, scale="reduced")]))
    assert reduced["7a-total"] is None and reduced["7e"] is None and reduced["7b"] is True


def test_a_second_valley_is_found_and_judged_where_it_is() -> None:
    verdicts = fig07_mpdbm.judge([machine(two_valleys)])
    assert holds(verdicts)["7a-total"] is True
    (seven_c,) = [v for v in verdicts if v.check == "7c"]
    fine = np.linspace(0, 1, 100_001)
    low = fine[:25_000][np.argmin(two_valleys(fine[:25_000]))]
    back = fine[(fine > low + 0.01) & (two_valleys(fine) <= two_valleys(low))][0]
    first, last = (float(part) for part in seven_c.measured.split("[")[1].split("]")[0].split(", "))
    assert abs(first - low) <= 0.02 and abs(last - back) <= 0.01  # the grid's step is 0.02
    assert seven_c.holds is True and "nats per pixel" in seven_c.measured


def test_where_a_walker_on_the_line_would_climb() -> None:
    a = np.array([0.0, 0.2, 0.3, 0.5, 0.6, 1.0, 1.2])
    v = np.array([9.0, 4.0, 6.0, 7.0, 2.0, 1.0, 3.0])
    assert second_minimum.anomaly(a, v, [0.2]) == pytest.approx((0.2, 0.5 + 0.1 * 3 / 5))
    deep = np.array([9.0, 0.5, 6.0, 7.0, 2.0, 1.0, 3.0])  # J never comes back to this depth
    assert second_minimum.anomaly(a, deep, [0.2]) == (0.2, 1.0)
    two = np.array([9.0, 5.0, 6.0, 4.0, 5.0, 1.0, 3.0])
    assert second_minimum.anomaly(a, two, [0.2, 0.5]) == pytest.approx((0.2, 0.6 + 0.4 * 1 / 4))
    assert second_minimum.anomaly(a, v, []) == (0.1, 0.5)


def test_training_on_the_line_or_above_it_refutes_the_way_round() -> None:
    assert holds(fig07_mpdbm.judge([machine(two_valleys, bulge=0.01)]))["7c"] is False
    result = machine(two_valleys)
    track = result.projections["trajectory"]
    assert track.objective is not None
    high = replace(result, projections={"trajectory": replace(track, objective=track.objective + 0.2)})
    assert holds(fig07_mpdbm.judge([high]))["7c"] is False
    assert holds(fig07_mpdbm.judge([machine(valley, error=0.02)]))["7e"] is False
    small = replace(machine(valley, error=0.02), choices={"recipe": "mpdbm_small"})
    assert holds(fig07_mpdbm.judge([small]))["7e"] is None


def test_figure_7_draws_line_parts_and_plane_and_says_what_the_plane_leaves_out(tmp_path: Path) -> None:
    figure = fig07_mpdbm.draw([machine(two_valleys)])
    assert [getattr(axes, "name", "") for axes in figure.axes] == ["rectilinear", "rectilinear", "3d"]
    assert "0.15 L beside the drawn plane" in figure.get_supxlabel()
    assert figure.axes[2].get_zlabel() == "J [nats per pixel]"  # type: ignore[attr-defined]
    (page,) = write_pages(fig07_mpdbm.make_pages([machine(two_valleys)]), tmp_path)
    text = page.read_text()
    assert figure.axes[0].get_ylabel() == "J(θ(α)) [nats per pixel]" and "nats per pixel" in text
    assert "epoch 10" in text and 'src="http' not in text and len(text) > 1_000_000


def test_either_start_is_a_row_of_its_own_with_ends_and_epochs_marked() -> None:
    inside = replace(machine(valley), overrides=["training.enforce_at_init=true"])
    settings = {**inside.config, "training": {"enforce_at_init": False}}
    raw = machine(lambda a: valley(a) + 0.05 * (1 - a) ** 4)
    raw = replace(raw, overrides=["training.enforce_at_init=false"], config=settings)
    subjects = {v.subject.split(", train")[0].split(", valid")[0] for v in fig07_mpdbm.judge([inside, raw])}
    assert subjects == {f"mpdbm, {second_minimum.PROJECTED}", f"mpdbm, {second_minimum.RAW}"}
    assert "start" not in fig07_mpdbm.judge([inside])[0].subject  # with one start there is nothing to tell apart
    figure = fig07_mpdbm.draw([inside, raw])
    first, second = figure.axes[0], figure.axes[2]
    assert first.get_ylim() == second.get_ylim()  # they are to be compared
    beside = next(axes for axes in figure.axes if getattr(axes, "name", "") == "3d")
    assert {"start θ_i", "solution θ_f"} <= set(words(beside)) and {"1", "2", "10"} & {
        t.get_text().strip() for t in beside.texts
    }
    assert max(line.get_data_3d()[0].max() for line in beside.lines) <= fig07_mpdbm.UNTIL  # type: ignore[attr-defined]


def test_the_paper_s_coarse_points_are_marked_among_finer_ones() -> None:
    grid = np.unique(np.concatenate([np.linspace(0, 1.2, 41).round(12), np.arange(20) / 9]))
    job = machine(valley)
    v = valley(grid)[:, None]
    curve = replace(
        job.curves["train/stochastic"], alphas=grid, objective=v, metrics={k: v for k in second_minimum.PARTS}
    )
    figure = fig07_mpdbm.draw([replace(job, curves={"train/stochastic": curve})])
    (marks,) = [one for one in figure.axes[0].lines if one.get_label() == "at α = k/9"]
    np.testing.assert_allclose(marks.get_xdata(), np.arange(20) / 9)
    np.testing.assert_allclose(marks.get_ydata(), valley(np.arange(20) / 9))
    plain = fig07_mpdbm.draw([job])
    assert "at α = k/9" in words(plain.axes[0])  # 0, 1/3, ... of a grid of fiftieths: 0 and 1


def test_smoke_is_not_judged_and_a_run_that_learned_nothing_has_no_rise() -> None:
    flat = machine(lambda a: 0.1 + 0.0 * a, scale="smoke")
    verdicts = fig07_mpdbm.judge([flat])
    assert {v.holds for v in verdicts} == {None} and not any("inf" in v.measured for v in verdicts)
    (seven_d,) = [v for v in fig07_mpdbm.judge([replace(flat, scale="full")]) if v.check == "7d"]
    assert (seven_d.holds, seven_d.measured) == (False, "no drop during training")


def test_a_diverged_seed_is_left_out_and_called_by_its_name() -> None:
    one = machine(valley)
    two = replace(machine(two_valleys, error=0.5), training_status=["diverged"]).beside(one)
    two = replace(two, seeds=["4", "5"], numbers={"max_plane_distance": [9, 0.3]})
    assert holds(fig07_mpdbm.judge([two])) == holds(fig07_mpdbm.judge([one]))
    assert all("seed 4 left out" in v.note for v in fig07_mpdbm.judge([two]))
    text = fig07_mpdbm.draw([two]).get_supxlabel()
    assert "seed 5: points of training lie up to 0.15 L" in text.replace("\n", " ") and "seed 0" not in text
    assert "seed 4 left out" in text.replace("\n", " ")


def exact(numbers: dict[str, Any], kind: str = "init_to_solution", cost: str = "squared_error") -> Result:
    """A closed-form result of one line, 1e-13 off its theory."""
    v = valley(ALPHAS)[:, None]
    seen = Curve(ALPHAS, v, {}, "train", "deterministic", "float64", "measured", 100)
    return make.result(
        "deep_linear",
        choices={"recipe": "deep_linear", "endpoints": kind, "cost": cost},
        curves={"train/deterministic": seen, "train/theory": replace(seen, source="theory")},
        numbers={"train/theory_deviation": [1e-13], **numbers},
        statements=["train, line 0: Proven: so it is."],
    )


@pytest.mark.parametrize(
    ("kind", "number", "check", "proven", "refuted"),
    [
        ("init_to_solution", "train/proven_decreasing", "thm01-monotone", 1.0, 0.0),
        ("large_random", "train/proven_decreasing", "thm01-monotone", 1.0, 0.0),
        ("between_solutions", "train/proven_num_maxima", "thm01-barrier", 1.0, 2.0),
    ],
)
def test_theorem_1_is_what_was_proven(kind: str, number: str, check: str, proven: float, refuted: float) -> None:
    for value in (proven, refuted):
        found = thm01_certificate.judge([exact({number: [value]}, kind)])
        assert holds(found) == {"thm01-theory": True, check: value == proven}
        assert "so it is" in found[1].note and found[1].source == ("Fig. 1" if kind == "init_to_solution" else "Fig. 5")
    off = thm01_certificate.judge([exact({number: [proven], "train/theory_deviation": [1e-9]}, kind)])
    assert holds(off)["thm01-theory"] is False


MINIMUM = {
    "train/extremum_0_alpha": [1.0],
    "train/extremum_0_objective": [0.06],
    "train/extremum_0_is_minimum": [1.0],
}
PROOF = {
    "train/num_pieces": [812.0],
    "train/proven_decreasing": [1.0],
    "train/proven_until": [1.0],
    "train/num_slopes": [25.0],
}


def test_theorem_1_draws_every_extremum_and_scales_with_what_it_holds() -> None:
    (axes,) = thm01_certificate.draw([exact(PROOF | MINIMUM, "large_random")]).axes
    marks = [line for line in axes.lines if line.get_label() == "exact minimum"]
    assert [tuple(np.ravel(line.get_data())) for line in marks] == [(1.0, 0.06)]
    assert axes.get_yscale() == "linear"
    assert axes.get_title(loc="left") == "from a large random point to the solution"


def test_theorem_2_counts_extrema_inside_and_reads_the_proof() -> None:
    none = {"train/num_minima": [0.0], "train/num_maxima": [0.0]}
    found = holds(thm02_relu_exact.judge([exact(PROOF | none)]))
    assert found == {"thm02-theory": True, "thm02-extrema": True, "thm02-proof": True}
    inside = MINIMUM | none | {"train/extremum_0_alpha": [0.4]}
    assert holds(thm02_relu_exact.judge([exact(PROOF | inside)]))["thm02-extrema"] is False
    stopped = {**PROOF, "train/proven_decreasing": [0.0], "train/proven_until": [0.7]}
    assert holds(thm02_relu_exact.judge([exact(stopped)]))["thm02-proof"] is None  # not proven is not refuted
    (axes,) = thm02_relu_exact.draw([exact(PROOF)]).axes
    assert {"exact", "proven to fall"} <= set(words(axes))
    assert axes.lines[0].get_xdata()[-1] == exact(PROOF).curves["train/deterministic"].alphas[-1]


@pytest.mark.parametrize("module", [thm01_certificate, thm02_relu_exact])
def test_a_seed_without_a_line_is_left_out_of_the_theorems(module: Any) -> None:
    """Its training ended at its start."""
    alone = exact(PROOF | MINIMUM)
    both = with_a_lost_seed(alone, measured=0.3)
    assert holds(module.judge([both])) == holds(module.judge([alone]))
    assert all("seed lost left out" in v.note for v in module.judge([both]))
    drawn, wanted = (figure.axes[0].lines for figure in (module.draw([both]), module.draw([alone])))
    assert [np.asarray(one.get_data()).tolist() for one in drawn] == [np.asarray(o.get_data()).tolist() for o in wanted]
    module.draw([both.columns([0])])
