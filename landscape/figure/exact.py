"""What a closed-form measurement left: exact curves, their extrema, and what was proven; drawn and judged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from landscape.figure import panel, style
from landscape.figure.checks import Check, Claim, Evidence, Look
from landscape.figure.reading import Column, Reading, covers
from landscape.result.curve import Array
from landscape.result.curve.stated import bound_of
from landscape.result.saved import Result

SPLITS = ("train", "valid", "test")
SEEN, EXACT = "train/deterministic", "train/theory"
CLOSE = 1e-10  # of the largest J: how far a float64 measurement may be from theory
ZERO = 1e-10  # squared error at and below which a point is a solution
UNKNOWN = Reading("the extrema are not known", None, note="no law gave them")


class Extremum(NamedTuple):
    """One interior extremum of the exact curve."""

    alpha: float
    objective: float
    is_minimum: bool


def values(result: Result, key: str, split: str = "train") -> Array:
    """One of the result's numbers for a split as [S]; empty where it has none."""
    return np.atleast_1d(np.asarray(result.numbers.get(f"{split}/{key}", []), dtype=np.float64))


def usable(result: Result, split: str = "train") -> tuple[list[int], str]:
    """The lines that have an exact curve, or where none has one a measured curve, and a sentence on the others."""
    curve = result.curves.get(f"{split}/theory") or result.curves.get(f"{split}/deterministic")
    return ([], "") if curve is None else result.usable(curve.objective)


def extrema(result: Result, s: int, split: str = "train") -> list[Extremum]:
    """The interior extrema of one line's exact curve, from left to right."""
    found = []
    k = 0
    while len(alphas := values(result, f"extremum_{k}_alpha", split)) > s:
        if np.isfinite(alphas[s]):
            height, low = (values(result, f"extremum_{k}_{key}", split)[s] for key in ("objective", "is_minimum"))
            found.append(Extremum(float(alphas[s]), float(height), bool(low == 1)))
        k += 1
    return found


def knows_extrema(result: Result, s: int, split: str = "train") -> bool:
    """Whether a law listed the extrema of one line, perhaps none."""
    counts = [values(result, f"num_{kind}", split) for kind in ("minima", "maxima")]
    if all(len(found) > s for found in counts):
        return bool(np.isfinite([found[s] for found in counts]).all())
    return len(values(result, "extremum_0_alpha", split)) > s


def draw_measured_and_exact(axes: Axes, result: Result, color: str = style.BLUE) -> panel.Drawn:
    """Measured J as open markers with its band over the seeds, the exact one as a line, its extrema as points."""
    seen, exact = result.curves.get(SEEN), result.curves.get(EXACT)
    drawn = panel.Drawn()
    if seen is not None:
        look = style.HOLLOW | {"color": color, "markersize": 4.5, "markevery": max(1, len(seen.alphas) // 20)}
        drawn = panel.band(axes, result, seen.alphas, seen.objective, label="measured", bound=bound_of(seen), **look)
        panel.mark_ends(axes, seen.alphas)
    if exact is None:
        return drawn
    columns, _ = result.usable(exact.objective)
    if columns:
        median = np.median(exact.objective[:, columns], axis=1)
        axes.plot(exact.alphas, median, color=style.BLACK, linewidth=1.0, label="exact")
    for s in columns:
        mark_extrema(axes, result, s, style.GREEN, zorder=4)
    return drawn


def mark_extrema(axes: Axes, result: Result, s: int, color: str, split: str = "train", **look: Any) -> None:
    """A point at each extremum of one line's exact curve."""
    for point in extrema(result, s, split):
        kind, word = ("v", "exact minimum") if point.is_minimum else ("^", "exact maximum")
        axes.plot([point.alpha], [point.objective], kind, label=word, **{"color": color, "markersize": 6, **look})


def mark_foot(axes: Axes, alpha: float, label: str, **look: Any) -> None:
    """A minimum at the foot of a panel: J = 0 has no place on a logarithmic axis."""
    axes.plot([alpha], [0.02], "v", label=label, clip_on=False, transform=axes.get_xaxis_transform(), **look)


def draw_line(axes: Axes, result: Result, s: int, split: str, most: int, color: str, label: str = "measured") -> None:
    """Some of the measured points of one line, ``most`` or a few more, as open markers."""
    curve = result.curves[f"{split}/deterministic"]
    num = len(curve.alphas)
    rows = np.unique([*range(0, num, max(1, num // most)), num - 1])  # the last too, wherever the steps end
    look = style.HOLLOW | {"markersize": 4, "color": color}
    axes.plot(curve.alphas[rows], curve.objective[rows, s], label=label, **look)


def proven(result: Result) -> list[str]:
    """The certificates of at most two lines, else how many lines are proven to fall all the way."""
    if len(result.statements) <= 2:
        return [statement(text) for text in result.statements]
    decreasing = values(result, "proven_decreasing")
    return [f"proven strictly decreasing on [0, 1]: {int((decreasing == 1).sum())} of {len(decreasing)} lines"]


def statement(text: str) -> str:
    """A proof's sentence without the number of its line."""
    return re.sub(r"^train, line \d+(-\d+)?: ", "", text)


def at_solution(result: Result, s: int) -> Reading | None:
    """A reading that cannot tell, for a smoke run whose training was too short to reach a solution; else None."""
    seen = result.curves.get(SEEN)
    end = Column(result, seen, s).at(1.0) if seen is not None and covers(seen, 1, 1) else 0.0
    if result.scale != "smoke" or end <= ZERO:
        return None
    return Reading(f"J(1) = {end:.3g}", None, note="the short training did not end at a solution")


def numbers(key: str, about: str, split: str = "train") -> Look[float]:
    """The number ``key`` of every usable line, where the result has it."""

    def look(result: Result, name: str) -> Iterator[Evidence[float]]:
        found = values(result, key, split)
        if len(found):
            columns, left_out = usable(result, split)
            yield Evidence(result, f"{name}, {about}", [float(found[s]) for s in columns if s < len(found)], left_out)

    return look


def _known(read: Callable[[float], Reading]) -> Callable[[float], Reading]:
    """A reading that a line without such a number leaves open."""
    unknown = Reading("not known", None, note="this line has no such number")
    return lambda value: read(value) if np.isfinite(value) else unknown


def theory_agrees(id: str, source: str, sentence: str, about: str = "train", split: str = "train") -> Check[float]:
    """The measured curve against the exact one, in units of the largest J."""
    return Claim(id, sentence, source, f"<= {CLOSE:g}", identity=True).by(
        _known(lambda off: Reading(f"{off:.2g} of the largest J", off <= CLOSE, off)),
        numbers("theory_deviation", about, split),
    )


def falls_proven(
    id: str, sentence: str, source: str, expected: str, about: str = "train", split: str = "train"
) -> Check[float]:
    """That J is proven to decrease on all of [0, 1]."""
    words = {True: "proven", False: "proven not to fall all the way"}
    return Claim(id, sentence, source, expected).by(
        _known(lambda value: Reading(words[value == 1], value == 1, 1 - value)),
        numbers("proven_decreasing", about, split),
    )


def one_maximum_proven(id: str, sentence: str, source: str, about: str, split: str = "train") -> Check[float]:
    """That J is proven to have exactly one maximum on (0, 1)."""
    return Claim(id, sentence, source, "1 maximum on (0, 1)").by(
        _known(lambda num: Reading(f"{num:g} {'maximum' if num == 1 else 'maxima'}, proven", num == 1, abs(num - 1))),
        numbers("proven_num_maxima", about, split),
    )
