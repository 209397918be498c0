"""J on the plane through three points, as contours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from landscape.figure import line, style, unit
from landscape.result.saved import Result

NUM_LEVELS = 16


def has_plane(result: Result) -> bool:
    """Whether a result holds J on a grid that is more than a line."""
    plane = result.projections.get("plane")
    return plane is not None and plane.objective is not None and len(plane.steps) >= 4


def draw_plane(axes: Axes, result: Result, title: str) -> line.Drawn:
    """Contours of J in true lengths, the three corners marked; returns what to say below."""
    plane = result.projections["plane"]
    assert plane.objective is not None and plane.second_projection is not None
    side = round(len(plane.steps) ** 0.5)
    x, y, values = (v[:, 0].reshape(side, side) for v in (plane.projection, plane.second_projection, plane.objective))
    shown = np.ma.masked_invalid(values)
    low, high = float(shown.min()), float(shown.max())
    axes.set(
        title=style.wrapped(title, 38),
        xlabel="along start to end [parameter units]",
        ylabel="beside it [parameter units]",
    )
    if shown.mask.all() or not low < high:
        return line.Drawn((), ("J is the same, or not finite, all over the plane",))
    is_log = low > 0 and high > 100 * low
    levels = np.geomspace(low, high, NUM_LEVELS) if is_log else np.linspace(low, high, NUM_LEVELS)
    drawn = axes.contourf(x, y, shown, levels=levels, cmap="viridis", norm=LogNorm(low, high) if is_log else None)
    axes.contour(x, y, shown, levels=levels, colors="white", linewidths=0.4)
    if axes.figure is not None:
        bar = axes.figure.colorbar(drawn, ax=axes, label=f"J{unit.bracketed([unit.cost_of(result)])}")
        ticks = levels[::3].tolist()
        bar.set_ticks(ticks, labels=plainly(ticks))
        bar.ax.minorticks_off()
    inside = [(float(v.min()), float(v.max())) for v in (x, y)]
    for name, place in corners_of(result).items():
        if all(least <= at <= most for at, (least, most) in zip(place, inside, strict=True)):
            axes.plot(*place, "o", color="white", markeredgecolor=style.BLACK, markersize=4.5)
            axes.annotate(
                name,
                place,
                xytext=(4, 4),
                textcoords="offset points",
                fontsize=7,
                color=style.BLACK,
                bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 1},
            )
    axes.set_aspect("equal", adjustable="datalim")
    return line.Drawn()


def plainly(values: Sequence[float]) -> list[str]:
    """Each value in as few digits, three or more, as keep them all apart."""
    told = [[f"{value:.{digits}g}" for value in values] for digits in range(3, 18)]
    return next((words for words in told if len(set(words)) == len(words)), told[-1])


def corners_of(result: Result) -> dict[str, tuple[float, float]]:
    """The three points in the coordinates of the plane."""
    third = [float(np.ravel(result.numbers[f"plane/third_{axis}"])[0]) for axis in ("along", "beside")]
    return {
        "start": (0.0, 0.0),
        "end": (float(result.projections["plane"].length[0]), 0.0),
        "third": (third[0], third[1]),
    }
