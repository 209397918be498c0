"""The plane in which a training went round its line, in three dimensions: J on the line, and at every saved point."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from landscape.figure import panel, style
from landscape.figure.track import is_found_run, rows_of
from landscape.result.curve import Array, Curve
from landscape.result.curve.column import SAME_ALPHA
from landscape.result.saved import Result

APART = 0.08
"""Of the box: closer to one another no two numbers are written."""


def points(result: Result, s: int) -> tuple[Array, Array, Array, float] | None:
    """x/L, z/L and J of every saved point of one seed, and L."""
    track = result.projections.get("trajectory")
    if track is None or track.second_projection is None or track.objective is None or not track.length[s] > 0:
        return None
    length = float(track.length[s])
    return track.projection[:, s] / length, track.second_projection[:, s] / length, track.objective[:, s], length


def draw_beside(
    axes: Any,
    result: Result,
    curve: Curve,
    zlabel: str,
    words: tuple[str, str] = ("line", "training"),
    color: str = style.ORANGE,
    until: float = np.inf,
) -> list[str]:
    """The line's curve in the plane z = 0 and the points of training at their own J; returns what to say of it.

    Both ends are marked, epochs of the first seed are numbered, and the way lies as a shadow on the floor.

    Args:
        axes: in three dimensions.
        zlabel: J and its unit.
        words: what the legend calls the two.
        color: of the first seed's points.
        until: of the line no more is drawn than up to this alpha, or as far as the points go.
    """
    notes, is_found = [], is_found_run(result)
    names = result.seed_names(curve.objective.shape[1])
    columns, _ = result.usable(curve.objective)
    ends = ("start", "end") if is_found else ("start θ_i", "solution θ_f")
    shadows = []
    for s in columns:
        found = points(result, s)
        if found is None:
            why = "training found no better point than its start, or kept to the line"
            notes.append("no plane: the run kept to its line" if is_found else f"seed {names[s]}: no plane, {why}")
            continue
        x, z, v, length = found
        track = result.projections["trajectory"]
        rows = rows_of(track, s) & np.isfinite(v)
        own, first = panel.job_look(s)["color"], s == columns[0]
        shown = curve.alphas <= max(until, x[rows].max(initial=1.0)) + SAME_ALPHA
        flat, label = np.zeros(int(shown.sum())), words if first else (None, None)
        axes.plot(curve.alphas[shown], flat, curve.objective[shown, s], color=own, linewidth=1.6, label=label[0])
        dots = {"color": color if first else own, "markersize": 3.0, "linewidth": 1.0}
        axes.plot(x[rows], z[rows], v[rows], "o-", label=label[1], **dots)
        shadows.append((x[rows], z[rows]))
        for place, mark, word in ((0, "s", ends[0]), (1, "*", ends[1])):
            at = float(np.interp(place, curve.alphas, curve.objective[:, s]))
            look: dict[str, Any] = {"markersize": 5 if mark == "s" else 10, "markeredgecolor": "white", "zorder": 9}
            axes.plot([place], [0], [at], mark, color=style.BLACK, label=word if first else None, **look)
        if first:
            _number(axes, track.epochs[rows], x[rows], z[rows], v[rows])
        off = np.atleast_1d(np.asarray(result.numbers.get("max_plane_distance", np.nan)))[s] / length
        who = "the saved points" if is_found else f"seed {names[s]}: points of training"
        notes.append(f"{who} lie up to {off:.2f} L beside the drawn plane")
    low = axes.get_zlim()[0]
    for x, z in shadows:
        axes.plot(x, z, np.full_like(x, low), color=style.FAINT, linewidth=1.2, zorder=0)
    axes.set_zlim(bottom=low)
    axes.set(xlabel="x / L (along the line)", ylabel="z / L", zlabel=zlabel)
    axes.set_title(f"{'the run' if is_found else 'training'} beside the line", loc="left")
    if shadows:
        notes.append(f"small numbers are {'files' if is_found else 'epochs'}, grey is the way's shadow on the floor")
    axes.tick_params(labelsize=6.5)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.view_init(elev=22, azim=-66)
    axes.set_box_aspect((1.5, 1.0, 0.95), zoom=1.2)
    return notes


def _number(axes: Any, epochs: Array, x: Array, z: Array, v: Array) -> None:
    """Write a few whole epochs beside their points, no two of them close to each other."""
    size = np.array([np.ptp(part) or 1.0 for part in (x, z, v)])
    taken = [np.array([x[0], z[0], v[0]]) / size]
    usual = (1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 300, 400, float(epochs[-1]))
    for k in np.flatnonzero(np.isin(epochs, usual)):
        here = np.array([x[k], z[k], v[k]]) / size
        if all(np.abs(here - other).max() > APART for other in taken):
            taken.append(here)
            axes.text(x[k], z[k], v[k], f"  {epochs[k]:g}", fontsize=7, color="#444444", zorder=10)
