"""Extension 9: its claims hold of a run with a direction, not of a walk, and just not where the margin is missed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from landscape.figure import ext09_pca_null as figure
from landscape.figure import sweep
from landscape.measurement.principal import Walk, measured
from landscape.result.curve import Components
from landscape.result.saved import Result

SEEDS, P = [0, 1], 300


class Drift(Walk):
    """A walk with a straight way added: ``far`` of its own length at the end."""

    far = 0.0

    def __iter__(self) -> Any:
        line = np.ones(self.dimension) / np.sqrt(self.dimension)
        for t, theta in zip(self.steps, super().__iter__(), strict=True):
            yield theta + self.far * np.sqrt(self.dimension * self.steps[-1]) * t / self.steps[-1] * line


def result(far: float, num: int = 40, optimizer: str = "torch.optim.Adam", scale: str = "full") -> Result:
    found = dict[str, Components]()
    for prefix, walk in (("", far), ("walk_", 0.0)):
        runs = [Drift(P, 7 * np.arange(num), seed + 10 * bool(prefix), torch.device("cpu")) for seed in SEEDS]
        for run in runs:
            run.far = walk
        made = measured(runs, [run.end() for run in runs], SEEDS, ["mean", "end"])
        found |= {f"{prefix}{name}": part for name, part in made.components.items()}
    config = {"optimizer": {"_target_": optimizer, "momentum": 0.9}}
    more: dict[str, Any] = {"components": found, "seeds": ["0", "1"], "training_status": ["max_epochs"] * 2}
    return Result("ext09", figure.__name__, scale, {"recipe": "none", "optimizer": "adam"}, config, **more)


def held(one: Result) -> dict[tuple[str, str], bool | None]:
    return {(v.check, v.subject.rsplit("about ", 1)[1]): v.holds for v in figure.judge([one])}


def test_a_direction_is_told_from_a_walk() -> None:
    walk, run = held(result(0.0)), held(result(3.0))
    for about in ("its mean", "its end"):
        assert walk["ext09-law", about] is run["ext09-law", about] is True
    for about in ("their mean", "the solution"):
        assert walk["ext09a", about] is walk["ext09b", about] is False and walk["ext09c", about] is True
        assert run["ext09a", about] is run["ext09b", about] is True
    there_and_back = result(3.0).components["mean"]
    there_and_back = replace(there_and_back, first=np.abs(there_and_back.first))
    assert held(replace(result(3.0), components={"mean": there_and_back}))["ext09c", "their mean"] is False


def test_the_margin_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    one = result(1.0)
    found = one.components["mean"]
    excess = min(np.asarray(found.summary()["two_axes"]) - np.asarray(found.summary()["two_axes_walk"]))
    for margin, holds in ((excess - 1e-9, True), (excess + 1e-9, False)):
        monkeypatch.setattr(figure, "MORE", margin)
        assert held(one)["ext09a", "their mean"] is holds


def test_few_points_and_few_epochs_judge_nothing() -> None:
    assert set(held(result(3.0, num=9)).values()) == {None}
    smoke = held(result(3.0, scale="smoke"))
    assert smoke["ext09a", "their mean"] is None and smoke["ext09-law", "its mean"] is True


def test_a_walk_off_its_law_is_told() -> None:
    one = result(0.0)
    part = one.components["walk_mean"]
    moved = replace(part, walk=part.walk + 5 * part.walk_spread)
    assert held(replace(one, components={"walk_mean": moved}))["ext09-law", "its mean"] is False


def test_the_drawing_says_what_it_shows() -> None:
    jobs = [result(3.0), result(1.0, optimizer="landscape.training.Momentum")]
    drawn = figure.draw(jobs)
    titles = [axes.get_title(loc="left").replace("\n", " ") for axes in drawn.axes]
    assert titles[:2] == ["what each axis explains, about their mean", "what each axis explains, about the solution"]
    assert titles[3:] == ["in their plane: Adam, momentum 0.9", "in their plane: SGD, momentum 0.9"]
    first = drawn.axes[0]
    assert first.get_xscale() == first.get_yscale() == "log" and "share" in first.get_ylabel()
    assert len(drawn.axes[3].get_lines()) == 2 * 2 + 2 * 2 + 2 + 2  # walks and runs with their starts, both laws, rules
    assert {"Adam, momentum 0.9", "a random walk, by theory"} <= {t.get_text() for t in drawn.legends[0].get_texts()}


def test_the_figure_of_any_sweep_draws_them() -> None:
    """One job: shares and paths, a gap where a point is not finite; a swept key: a colour per value."""
    one = result(3.0)
    part = one.components["mean"]
    lost = {name: np.where(np.arange(40)[:, None] == 7, np.nan, getattr(part, name)) for name in ("first", "second")}
    holed = replace(part, plane_distance=lost["first"], **lost)  # type: ignore[arg-type]
    drawn = sweep.draw([replace(one, components={"mean": holed})])
    titles = [axes.get_title(loc="left") for axes in drawn.axes]
    assert titles == ["principal axes about their mean", "in the plane of the first two"]
    assert len(drawn.axes[1].get_lines()[0].get_xdata()) == 39  # type: ignore[arg-type]
    jobs = [replace(result(far), overrides=[f"optimizer.lr={far}"]) for far in (1.0, 3.0)]
    [panel] = [axes for axes in sweep.draw(jobs).axes if axes.get_xlabel() == "principal axis"]
    assert panel.get_yscale() == "log" and len(panel.get_lines()) == 2 + 2
