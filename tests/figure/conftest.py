"""Synthetic results: curves from formulas, shaped like the paper's, with no training behind them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from landscape.result.curve import Array, Curve, LearningCurve, Projection
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

LN10 = math.log(10)
NINTHS = np.arange(20) / 9
CROSS_ENTROPY = {"_target_": "landscape.cost.CrossEntropy"}


def descent(alphas: Array, floor: float = 0.02, steep: float = 7.0, power: float = 3.0, bowl: float = 0.11) -> Array:
    """A plateau at ln 10, a fall, and a bowl whose lowest ninth is alpha = 1 [A]."""
    fall = np.exp(-steep * np.abs(alphas) ** power)
    return floor + (LN10 - floor) * fall + bowl * np.maximum(alphas - 0.8, 0) ** 2


def curve(
    shape: Callable[[Array], Array] = descent,
    alphas: Array = NINTHS,
    seeds: int = 1,
    split: str = "train",
    mode: str = "stochastic",
    dtype: str = "float32",
    spread: float = 0.03,
) -> Curve:
    """One column per seed, each the shape stretched a little by its seed; J(0) is the same in all."""
    start = shape(np.zeros(1))[0]
    columns = [start + (1 - spread * s) * (shape(alphas) - start) for s in range(seeds)]
    values = np.stack(columns, axis=1)  # [A, S]
    metrics = {"error": np.clip(values / LN10, 0, 1) * 0.9}
    return Curve(alphas, values, metrics, split, mode, dtype, "measured", 50_000)


def curves(shape: Callable[[Array], Array] = descent, alphas: Array = NINTHS, seeds: int = 1, **look: Any) -> Any:
    """That of both splits in both modes, or in the modes told."""
    modes = look.pop("modes", ("stochastic", "deterministic"))
    pairs = [(split, mode) for split in ("train", "valid") for mode in modes]
    return {f"{split}/{mode}": curve(shape, alphas, seeds, split, mode, **look) for split, mode in pairs}


def history(seeds: int = 1, last: int = 40, best: int = 30) -> LearningCurve:
    """An exponential decay; later seeds stop one epoch earlier each and are NaN from there on."""
    epochs = np.arange(last + 1.0)
    train = np.stack([0.02 + (LN10 - 0.02) * np.exp(-0.8 * epochs) for _ in range(seeds)], axis=1)
    for s in range(seeds):
        train[last + 1 - s :, s] = np.nan
    best_epoch = np.full(seeds, float(best)) - np.arange(seeds)
    channels = {"train/objective": train, "valid/objective": train + 0.05, "valid/error": train / LN10}
    return LearningCurve(epochs, channels, best_epoch)


def track(seeds: int = 1, last: int = 40, best: int = 30, length: float = 34.4, bulge: float = 0.36) -> Projection:
    """An arc from (0, 0) to (L, 0) and a tail straight up, a point per epoch; |theta| grows to L from 3.2."""
    epochs = np.arange(last + 1.0)
    along = np.minimum(1 - np.exp(-epochs / 9), 1) / (1 - np.exp(-best / 9))  # fast first, then slow
    along = np.where(epochs > best, 1 + 0.001 * (epochs - best), along)
    off = np.where(epochs <= best, 4 * bulge * along * (1 - along), 0.05 * np.sqrt(np.maximum(epochs - best, 0)))
    off[best] = 0.0
    lengths = length * (1 + 0.05 * np.arange(seeds))
    x, r = along[:, None] * lengths, off[:, None] * lengths  # [T, S]
    norm = np.sqrt(3.2**2 + x**2 + r**2) * 1.12
    return Projection(epochs * 500, epochs, x, r, norm, lengths, np.full(seeds, float(best)))


def result(recipe: str = "maxout", **changes: Any) -> Result:
    """A finished full-scale job from start to solution, with four curves, a learning curve and a test error."""
    seeds = changes.pop("seeds", 1)
    modes = ("deterministic",) if recipe in ("relu", "digits") else ("stochastic", "deterministic")
    plain = Result(
        name="fig01_maxout",
        figure="landscape.figure.fig01_maxout",
        scale="full",
        choices={"recipe": recipe, "endpoints": "init_to_solution", "alphas": "init_to_solution", "data": "mnist"},
        config={"dimensions": {"classes": 10, "parameters": 1_233_610}, "cost": CROSS_ENTROPY},
        overrides=[f"recipe={recipe}"],
        curves=curves(seeds=seeds, modes=modes),
        learning_curve=history(seeds),
        numbers={"num_test_errors": [100.0 + s for s in range(seeds)], "test_error": [0.01] * seeds},
        seeds=[str(s) for s in range(seeds)],
        training_status=["stopped"] * seeds,
    )
    return replace(plain, **changes)


def with_noise(job: Result, error: float = 5e-10, rounding: float = 1e-9) -> Result:
    """The same as ``measurement.noise=true``, the default, gives it: a standard error of every difference, a floor, and
    a band of two errors; each larger from column to column."""

    def noise_of(one: Curve) -> dict[str, Array]:
        ranks, above = 1.0 + np.arange(one.num_columns), one.objective - one.objective[np.argmin(np.abs(one.alphas))]
        errors = np.tile(error * ranks, (len(one.alphas), len(one.alphas), 1))
        band = {"low": above - 2 * error * ranks, "high": above + 2 * error * ranks}
        return {"floor": rounding * ranks, "errors": errors, **band}

    return replace(job, curves={key: replace(one, noise=noise_of(one)) for key, one in job.curves.items()})


def noisy(recipe: str = "maxout", **changes: Any) -> Result:
    """``result`` with noise far below every rise."""
    return with_noise(result(recipe, **changes))


def choose(job: Result, **choices: str) -> Result:
    """The same job with other group choices, for example ``endpoints="between_solutions"``."""
    return replace(job, choices={**job.choices, **choices})


def swap(job: Result, shape: Callable[[Array], Array], *keys: str, **changes: Any) -> Result:
    """The same job with the curves of these keys replaced by another shape."""
    made = {}
    for key in keys:
        split, mode = key.split("/")
        made[key] = curve(shape, **{"split": split, "mode": mode, **changes})
    return replace(job, curves={**job.curves, **made})


def with_a_lost_seed(job: Result, measured: float = np.nan) -> Result:
    """The same job with one more seed, first in order: no theory, no numbers, and this as its measured J."""
    alone = job.columns([0])
    curves = {
        key: replace(one, objective=0 * one.objective + (np.nan if one.source == "theory" else measured))
        for key, one in alone.curves.items()
    }
    return replace(alone, seeds=["lost"], curves=curves, numbers={}, statements=job.statements).beside(job)


def pick(verdicts: Sequence[Verdict], check: str, *words: str) -> Verdict:
    """The one verdict of this check whose subject holds all the words."""
    found = [v for v in verdicts if v.check == check and all(word in v.subject.split(", ") for word in words)]
    assert len(found) == 1, (check, words, [(v.check, v.subject) for v in verdicts])
    return found[0]


def failing(verdicts: Sequence[Verdict]) -> set[str]:
    """The checks that do not hold."""
    return {v.check for v in verdicts if v.holds is False}


def words(axes: Any) -> list[str]:
    """The labels in the legend of a panel."""
    return list(axes.get_legend_handles_labels()[1])


def labels(figure: Any) -> list[str]:
    """Those in the one legend beside the panels."""
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


def titles(figure: Any) -> list[str]:
    """Of all panels."""
    return [axes.get_title(loc="left") for axes in figure.axes]


def nothing_is_cut_off(figure: Any) -> None:
    """Panels, legends and title lie on the page, and none on another."""
    figure.draw_without_rendering()
    renderer, width, height = figure._get_renderer(), figure.bbox.width, figure.bbox.height
    boxes = [axes.get_tightbbox(renderer) for axes in figure.axes]
    boxes += [legend.get_window_extent(renderer) for legend in figure.legends]
    boxes.append(figure._suptitle.get_window_extent(renderer))
    for k, box in enumerate(boxes):
        assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1
        assert not any(box.overlaps(other) for other in boxes[k + 1 :])


make_noisy = SimpleNamespace(**{**globals(), "result": noisy})
"""The builders above, of results that look like the default's."""
