"""Figure 7: the multi-prediction machine's line, and the plane in which its training went round that line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landscape.curve import Array, Curve, argmin_alpha, drop, largest_rise, local_minima, tolerance
from landscape.figure import line, pages, style, subject
from landscape.figure.claims import SLACK, column, no_drop
from landscape.figure.reading import Claim, Reading, counted, over_columns, verdict
from landscape.result import Result
from landscape.verdict import Verdict

PARTS = {"pixel_objective": "pixels", "label_objective": "label"}
FULL_NOTE = "the claim is about the full width and length of training"
RAISED, ASIDE = 0.25, 0.05  # of the drop, and of L: what makes a minimum secondary, and a point off the line


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """Per job J along the line, its parts relative to their drop, and the plane of training in three dimensions."""
    figure, grid = style.new(len(results), 3, width=12.6, height=0.8 + 3.6 * len(results))
    notes = []
    for result, name, row in zip(results, subject.names(results), grid, strict=True):
        curve = line.primary(result, "train")
        if curve is None:
            continue
        drawn = line.draw_splits(row[0], result, ("train",))
        line.label_line(row[0], f"{name}: J along the line", drawn)
        _parts(row[1], curve)
        place = row[2].get_subplotspec()
        row[2].remove()
        notes += _plane(figure.add_subplot(place, projection="3d"), result, curve)
    recipes = " and ".join(dict.fromkeys(subject.recipe(result) for result in results))
    title = f"Fig. 7: {recipes}{style.on_data(results)}, line and plane of training"
    return style.finish(figure, results, title, notes, verdicts=judge(results))


def _parts(axes: Axes, curve: Curve) -> None:
    """Pixel and label part of J, each between its values at the two ends."""
    for k, (key, word) in enumerate(PARTS.items()):
        values = curve.metrics.get(key)
        if values is not None:
            v = np.nanmedian(values, axis=1)
            ends = np.interp([0, 1], curve.alphas, v)
            label = f"{word}: {ends[0]:.4g} to {ends[1]:.4g}"
            axes.plot(curve.alphas, (v - ends[1]) / (ends[0] - ends[1]), label=label, **line.job_look(k))
    line.mark_ends(axes, curve.alphas)
    axes.set(title="its two parts, 1 at the start and 0 at the solution", xlabel="α", ylabel="share of the drop left")
    if axes.get_legend_handles_labels()[1]:
        axes.legend(title="part of J [nats / number of pixels]", alignment="left")


def _points(result: Result, s: int) -> tuple[Array, Array, Array, float] | None:
    """x/L, z/L and J of every saved point of one seed, and L."""
    track = result.projections.get("trajectory")
    if track is None or track.second_projection is None or track.objective is None or not track.length[s] > 0:
        return None
    length = float(track.length[s])
    return track.projection[:, s] / length, track.second_projection[:, s] / length, track.objective[:, s], length


def _plane(axes: Any, result: Result, curve: Curve) -> list[str]:
    """The line's curve in the plane z = 0 and the points of training at their own J; returns what to say of it."""
    notes = []
    for s in range(curve.objective.shape[1]):
        found = _points(result, s)
        if found is None:
            notes.append(f"seed {s}: no plane, the run did not leave its start or line")
            continue
        x, z, v, length = found
        look = line.job_look(s)
        axes.plot(curve.alphas, np.zeros_like(curve.alphas), curve.objective[:, s], color=look["color"], linewidth=1.4,
                  label="line" if s == 0 else None)  # fmt: skip
        axes.plot(x, z, v, "o-", color=style.ORANGE if s == 0 else look["color"], markersize=2.5, linewidth=0.8,
                  label="training" if s == 0 else None)  # fmt: skip
        off = np.atleast_1d(np.asarray(result.numbers.get("max_plane_distance", np.nan)))[s] / length
        notes.append(f"seed {s}: points of training lie up to {off:.2f} L beside the drawn plane")
    axes.set(xlabel="x / L (along the line)", ylabel="z / L", zlabel="J [nats]")
    axes.set_title("training beside the line", loc="left")
    axes.tick_params(labelsize=6.5)
    axes.view_init(elev=24, azim=-62)
    axes.set_box_aspect(None, zoom=0.86)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="upper right")
    return notes


def make_pages(results: Sequence[Result]) -> dict[str, Any]:
    """``{"plane": plotly figure}`` to turn with the mouse; empty without plotly or without a plane."""
    graph = pages.plotly()
    if graph is None:
        return {}
    figure = graph.Figure()
    for result, name in zip(results, subject.names(results), strict=True):
        curve = line.primary(result, "train")
        for s in range(0 if curve is None else curve.objective.shape[1]):
            found = _points(result, s)
            if found is None or curve is None:
                continue
            x, z, v, _ = found
            flat = np.zeros_like(curve.alphas)
            figure.add_scatter3d(x=curve.alphas, y=flat, z=curve.objective[:, s], mode="lines", name=f"{name}, line")
            epochs = result.projections["trajectory"].epochs
            figure.add_scatter3d(x=x, y=z, z=v, mode="lines+markers", marker={"size": 3}, name=f"{name}, training",
                                 text=[f"epoch {e:g}" for e in epochs])  # fmt: skip
    if not figure.data:
        return {}
    axes = {"xaxis_title": "x / L", "yaxis_title": "z / L", "zaxis_title": "J [nats]"}
    title = f"Fig. 7: training beside the line ({style.scale_label(results)})"
    figure.update_layout(title=title, scene=axes, legend={"orientation": "h"})
    return {"plane": figure}


def judge(results: Sequence[Result]) -> list[Verdict]:
    """7a to 7e of every job."""
    found: list[Verdict] = []
    for result, name in zip(results, subject.names(results), strict=True):
        curve = line.primary(result, "train")
        if curve is None:
            continue
        found += [second_minimum(result, name, curve, key) for key in ("objective", *PARTS) if _has(curve, key)]
        found.append(lowest_at_solution(result, name, curve))
        found += [goes_round(result, name, curve), falls_along_training(result, name), low_error(result, name)]
    return found


def _is_published(result: Result) -> bool:
    """Whether this is the paper's own machine, trained in full."""
    return result.scale == "full" and subject.recipe(result) == "mpdbm"


def _has(curve: Curve, key: str) -> bool:
    return key == "objective" or key in curve.metrics


def _values(curve: Curve, key: str, s: int) -> Array:
    values: Array = (curve.objective if key == "objective" else curve.metrics[key])[:, s]
    return values


def _secondary(a: Array, v: Array, tau: float) -> list[float]:
    """Where J has a minimum before the solution that lies high above it."""
    fall = drop(a, v)
    if not fall > 0:  # a run that has not learned has no anomaly
        return []
    end = float(np.interp(1, a, v))
    minima = local_minima(a, v, tau * fall)
    return [float(a[k]) for k in minima if SLACK < a[k] < 1 - SLACK and v[k] >= end + RAISED * fall]


def second_minimum(result: Result, name: str, curve: Curve, key: str) -> Verdict:
    """7a: the line has a secondary minimum with a high cost; reported, judged at full scale only."""
    word = PARTS.get(key, "total")
    claim = Claim(
        f"7a-{word}", f"The line has a second minimum of high cost ({word})", "Fig. 7",
        f"a minimum in (0, 1), {RAISED:g} of the drop above J(1)",
    )  # fmt: skip

    def read(s: int) -> Reading:
        a, v = curve.alphas, _values(curve, key, s)
        if not drop(a, v) > 0:
            return Reading("no drop", None)
        places = _secondary(a, v, tolerance(curve, s))
        text = f"{counted(len(places), 'minimum')}{': ' if places else ''}{', '.join(f'{p:.3f}' for p in places)}"
        rise = largest_rise(a, v, first=0.0, last=1.0) / drop(a, v)
        full = _is_published(result)
        return Reading(f"{text}; largest rise on [0, 1] {rise:.2g} of the drop", bool(places) if full else None,
                       rise, note="" if full else FULL_NOTE)  # fmt: skip

    return over_columns(claim, result, curve, name, read)


def lowest_at_solution(result: Result, name: str, curve: Curve) -> Verdict:
    """7b: the lowest point of the line is the solution."""
    claim = Claim("7b", "The line is lowest at the solution", "Fig. 7", "argmin at 1 ± 0.05", "1 ± 0.1")

    def read(s: int) -> Reading:
        if (failed := no_drop(*column(curve, s))) is not None:
            return replace(failed, holds=None)
        low = argmin_alpha(*column(curve, s))
        return Reading(f"argmin at {low:.3f}", abs(low - 1) <= 0.05 + SLACK, abs(low - 1), abs(low - 1) <= 0.1 + SLACK)

    return over_columns(claim, result, curve, name, read)


def goes_round(result: Result, name: str, curve: Curve) -> Verdict:
    """7c: where the line is bad, training passes beside it, at a lower cost."""
    claim = Claim(
        "7c", "Training goes round what the line meets, at lower cost", "Fig. 7",
        f"r/L >= {ASIDE:g} and J below the line's, for x/L in the anomaly, or in [0.1, 0.5]",
    )  # fmt: skip
    track = result.projections.get("trajectory")

    def read(s: int) -> Reading:
        found = _points(result, s)
        if found is None or track is None:
            return Reading("no plane of training", None, note="the run did not leave its start, or its line")
        x, _, v, length = found
        a, line_values = column(curve, s)
        places = _secondary(a, line_values, tolerance(curve, s))
        low, high = (min(places) - 0.05, max(places) + 0.05) if places else (0.1, 0.5)
        rows = np.isfinite(x) & (x >= low) & (x <= high)
        if not rows.any():
            return Reading(f"no saved point with x/L in [{low:.2f}, {high:.2f}]", None, note="save more points early")
        aside = track.residual_norm[rows, s] / length
        below = np.interp(x[rows], a, line_values) - v[rows]
        text = (f"{counted(int(rows.sum()), 'point')} in [{low:.2f}, {high:.2f}]: r/L from {aside.min():.2f} to "
                f"{aside.max():.2f}, J below the line by at least {below.min():.3g} nats")  # fmt: skip
        return Reading(text, bool(aside.min() >= ASIDE and below.min() > 0), -float(below.min()))

    return over_columns(claim, result, curve, name, read)


def falls_along_training(result: Result, name: str) -> Verdict:
    """7d: J falls from epoch to epoch."""
    claim = Claim("7d", "J falls along training", "Fig. 7", "rise <= 0.05 of the drop")
    track = result.projections.get("trajectory")
    readings = []
    for s in range(0 if track is None or track.objective is None else track.objective.shape[1]):
        assert track is not None and track.objective is not None
        kept = np.isfinite(track.objective[:, s]) & (track.epochs == np.round(track.epochs))
        v = track.objective[kept, s]
        fall = float(v[0] - v.min())
        rise = float(np.max(v - np.minimum.accumulate(v))) / fall if fall > 0 else np.inf
        readings.append(Reading(f"rise {rise:.2g} of the drop over {len(v)} epochs", rise <= 0.05, rise))
    return verdict(claim, result, f"{name}, training", readings)


def low_error(result: Result, name: str) -> Verdict:
    """7e: the solution classifies as well as published; judged at full scale only."""
    claim = Claim("7e", "The solution classifies as well as published", "Fig. 7", "validation error <= 1.0 %")
    history = result.learning_curve
    values = None if history is None else history.channels.get("valid/error")
    full = _is_published(result)
    readings = []
    for s in range(0 if values is None else values.shape[1]):
        assert values is not None
        best = float(np.nanmin(values[:, s]))
        note = "" if full else FULL_NOTE
        readings.append(
            Reading(f"{100 * best:.2f} % at the best epoch", best <= 0.01 if full else None, best, note=note)
        )
    return verdict(claim, result, f"{name}, valid", readings)
