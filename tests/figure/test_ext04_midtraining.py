"""Extension 4: whether a line that starts in the middle of training climbs before it falls."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from landscape.figure import ext04_midtraining as ext04
from landscape.result.curve import Array
from landscape.result.saved import Result

from . import conftest as make
from .conftest import labels, titles

ALPHAS = np.linspace(0, 1, 51)


def job(epoch: float, bumps: list[float], error: float = 0.0, norm: bool = False, *more: str) -> Result:
    """Straight falls from 2 / (1 + epoch), each under a bump that rises ``bump`` above that start in the middle."""
    top = 2 / (1 + epoch)

    def above(height: float, end: float, bump: float) -> Array:
        values = height + (end - height) * ALPHAS
        return values if bump == 0 else np.where(ALPHAS == 0.5, height + bump, values)

    curve = make.curve(alphas=ALPHAS, seeds=len(bumps), mode="deterministic", dtype="float64")
    objective = np.stack([above(top, 0.01, bump) for bump in bumps], axis=1)
    errors = np.stack([above(0.9 * top / 2, 0.0, error) for _ in bumps], axis=1)
    curves = {"train/deterministic": replace(curve, objective=objective, metrics={"error": errors})}
    config = {
        "model": {"widths": [100, 100], "init_scale": 1.0, "batch_norm": norm},
        "endpoints": {"_target_": "landscape.endpoints.EpochToSolution", "epoch": epoch},
    }
    made: Result = make.result("digits", curves=curves, config=config, seeds=len(bumps), overrides=list(more))
    return make.choose(made, endpoints="epoch_to_solution")  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("bumps", "holds", "measured"),
    [
        ([[0.0, 0.3], [0.2, 0.0]], True, "0.2 nats from epoch 5, a barrier from 1 start of 2"),
        ([[0.0, 0.3], [0.0, 0.0]], False, "none, a barrier from 0 starts of 2"),
        ([[0.0009, 0.3], [0.0, 0.2]], False, "0.0009 nats from epoch 2, a barrier from 0 starts of 2"),
    ],
    ids=["each seed from another start", "one seed from none", "too low"],
)
def test_each_seed_needs_a_barrier_from_one_start(bumps: list[list[float]], holds: bool, measured: str) -> None:
    jobs = [job(0, [0.0, 0.0]), *(job(epoch, b) for epoch, b in zip((2, 5), bumps, strict=True))]
    found = ext04.judge(jobs)
    verdict = make.pick(found, "ext04b", "J")
    assert verdict.holds is holds and verdict.measured.startswith(f"{measured} (worst; in ")
    assert verdict.note == "starts: epochs 2, 5"
    assert make.pick(found, "ext04b", "error").holds is False
    assert make.pick(found, "ext04a", "from epoch 0").holds is True


def test_the_errors_barrier_counts_from_one_example_in_a_hundred() -> None:
    for error, holds in ((0.02, True), (0.005, False)):
        assert make.pick(ext04.judge([job(5, [0.0], error)]), "ext04b", "error").holds is holds


def test_a_bump_from_the_start_breaks_ext04a_alone() -> None:
    found = ext04.judge([job(0, [0.3, 0.0]), job(2, [0.0, 0.0])])
    assert {(v.check, v.holds) for v in found} == {("ext04a", False), ("ext04b", False)}


def test_nets_and_settings_stay_apart_and_a_smoke_run_is_not_judged() -> None:
    jobs = [job(5, [0.3]), job(5, [0.0], 0.0, True), job(5, [0.0], 0.0, False, "optimizer.lr=0.3")]
    found = [v for v in ext04.judge(jobs) if v.subject.endswith("J")]
    assert [(v.subject, v.holds) for v in found] == [
        ("2 hidden layers, init × 1, J", True),
        ("2 hidden layers, init × 1, batch norm, J", False),
        ("2 hidden layers, init × 1, optimizer.lr=0.3, J", False),
    ]
    assert {v.holds for v in ext04.judge([replace(jobs[0], scale="smoke")])} == {None}
    diverged = replace(job(5, [0.3, 0.0]), training_status=["trained", "diverged"])
    assert make.pick(ext04.judge([diverged]), "ext04b", "J").holds is True  # the other seed is left out


def test_a_column_per_net_a_colour_per_start_and_a_dot_per_barrier() -> None:
    jobs = [job(5, [0.3, 0.1]), job(0, [0.0, 0.0]), job(0, [0.0, 0.0], 0.0, True)]
    figure = ext04.draw(jobs)
    assert titles(figure)[:2] == ["2 hidden layers, init × 1", "2 hidden layers, init × 1, batch norm"]
    assert labels(figure)[:2] == ["from epoch 0", "from epoch 5"] and "what counts as a barrier" in labels(figure)
    panel = figure.axes[4]
    assert [tick.get_text() for tick in panel.get_xticklabels()] == ["0", "5"]
    np.testing.assert_allclose(np.asarray(panel.get_lines()[0].get_ydata()), [0, 0, 300, 100], atol=1e-9)
