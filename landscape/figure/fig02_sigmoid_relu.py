"""Figure 2: a sigmoid and a ReLU network, J along the line from start to solution."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from landscape.curve import Curve, plateau_length
from landscape.figure import claims, line, style, subject
from landscape.figure.reading import Claim, Reading, verdict
from landscape.result import Result
from landscape.verdict import Verdict

PANELS = {"sigmoid": "sigmoid", "relu_dropout": "ReLU with dropout", "relu": "ReLU without dropout"}
# Both output layers start at exactly zero, so J(0) is ln C but for rounding.
START_LIMIT = 1e-5


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """One panel per job, the sigmoid network on the left."""
    order = list(PANELS)
    pairs = sorted(
        zip(results, subject.names(results), strict=True),
        key=lambda pair: order.index(subject.recipe(pair[0])) if subject.recipe(pair[0]) in order else len(order),
    )
    figure, grid = style.new(1, len(pairs), width=4.8 if len(pairs) == 1 else 0, height=3.6)
    notes: list[str] = []
    for (result, name), axes in zip(pairs, grid[0], strict=True):
        recipe = subject.recipe(result)
        drawn = line.draw_splits(axes, result)
        line.label_line(axes, name.replace(recipe, PANELS.get(recipe, recipe)), drawn)
        notes += drawn.notes
    return style.finish(
        figure, results, f"Fig. 2: sigmoid and ReLU{style.on_data(results)}", notes, verdicts=judge(results)
    )


def judge(results: Sequence[Result]) -> list[Verdict]:
    """Checks 1a (sharpened), 1b, 1c and 1d of every job, and which plateau is longer."""
    found: list[Verdict] = []
    for result, name in zip(results, subject.names(results), strict=True):
        found += claims.starts_uniform(result, name, START_LIMIT, "Fig. 2")
        found += claims.monotone(result, name, source="Fig. 2")
        found += claims.one_minimum_at_solution(result, name, source="Fig. 2")
        found += claims.flat_at_start(result, name, source="Fig. 2")
    return found + compare_plateaus(results)


def compare_plateaus(results: Sequence[Result]) -> list[Verdict]:
    """Whether every sigmoid seed loses a tenth of its drop later than every ReLU seed does."""
    claim = Claim(
        "2", "The sigmoid network starts on a longer plateau than the ReLU network", "Fig. 2",
        "α at 10 % of the drop: sigmoid > ReLU, one >= 0.05", "one >= 0.05",
    )  # fmt: skip
    found = []
    for mode in ("stochastic", "deterministic"):
        lengths: dict[str, list[float]] = {"sigmoid": [], "relu": []}
        notes: list[str] = []
        judged: Result | None = None
        for result in results:
            curve = result.curves.get(f"train/{mode}")
            family = subject.recipe(result).removesuffix("_dropout")
            if curve is not None and family in lengths and curve.alphas[0] <= 0 and curve.alphas[-1] >= 1:
                columns, note = subject.usable(result, curve.objective)
                lengths[family] += [_length(curve, s) for s in columns]
                notes, judged = [*notes, note], result
        if judged is None or not all(lengths.values()):
            continue
        # Medians would hide an overlap: the shortest sigmoid plateau must exceed the longest of ReLU.
        low, high = min(lengths["sigmoid"], key=_nan_first), max(lengths["relu"], key=_nan_last)
        text = f"sigmoid {low:.3f}, ReLU {high:.3f}"
        seen = max(low, high) >= 0.05
        about = f"sigmoid against ReLU, train, {mode}"
        found.append(
            verdict(
                claim, judged, about, [Reading(text, low > high and seen, 0.0, seen)], "; ".join(filter(None, notes))
            )
        )
    return found


def _length(curve: Curve, s: int) -> float:
    return plateau_length(curve.alphas, curve.objective[:, s])


def _nan_first(length: float) -> float:
    return -math.inf if math.isnan(length) else length


def _nan_last(length: float) -> float:
    return math.inf if math.isnan(length) else length
