"""The plane in which a training went round its line, in three dimensions: J on the line, and at every saved point."""

from __future__ import annotations

from typing import Any

import numpy as np

from landscape.figure import panel, style
from landscape.figure.track import is_found_run, rows_of
from landscape.result.curve import Array, Curve
from landscape.result.saved import Result


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
) -> list[str]:
    """The line's curve in the plane z = 0 and the points of training at their own J; returns what to say of it.

    Args:
        axes: in three dimensions.
        zlabel: J and its unit.
        words: what the legend calls the two.
        color: of the first seed's points.
    """
    notes, is_found = [], is_found_run(result)
    names = result.seed_names(curve.objective.shape[1])
    columns, _ = result.usable(curve.objective)
    for s in columns:
        found = points(result, s)
        if found is None:
            why = "training found no better point than its start, or kept to the line"
            notes.append("no plane: the run kept to its line" if is_found else f"seed {names[s]}: no plane, {why}")
            continue
        x, z, v, length = found
        rows = rows_of(result.projections["trajectory"], s)
        own, first = panel.job_look(s)["color"], s == columns[0]
        flat, label = np.zeros_like(curve.alphas), words if first else (None, None)
        axes.plot(curve.alphas, flat, curve.objective[:, s], color=own, linewidth=1.4, label=label[0])
        dots = {"color": color if first else own, "markersize": 2.5, "linewidth": 0.8}
        axes.plot(x[rows], z[rows], v[rows], "o-", label=label[1], **dots)
        off = np.atleast_1d(np.asarray(result.numbers.get("max_plane_distance", np.nan)))[s] / length
        who = "the saved points" if is_found else f"seed {names[s]}: points of training"
        notes.append(f"{who} lie up to {off:.2f} L beside the drawn plane")
    axes.set(xlabel="x / L (along the line)", ylabel="z / L", zlabel=zlabel)
    axes.set_title(f"{'the run' if is_found else 'training'} beside the line", loc="left")
    axes.tick_params(labelsize=6.5)
    axes.view_init(elev=24, azim=-62)
    axes.set_box_aspect(None, zoom=0.86)
    return notes
