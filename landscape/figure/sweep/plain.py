"""One job drawn alone, or a few that no key tells apart: lines, learning, tracks, axes, curvature, J on a plane."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from landscape.figure import caption, components, naming, panel, style
from landscape.figure.beside import draw_beside, points
from landscape.figure.curvature import Course, course_of, draw_density, draw_eigenvalues, draw_noise_scale, note_of
from landscape.figure.reading import primary
from landscape.figure.sweep.verdicts import judge
from landscape.figure.track import draw_tracks, is_found_run
from landscape.result.curve import Curve, relief
from landscape.result.curve.scene import UNITS, Scene, is_tall
from landscape.result.saved import Result

MAX_NAMED = 4
"""Nets that a title names one by one."""
Panel = Callable[[Axes], panel.Drawn]


def draw(results: Sequence[Result], shown: Sequence[Result] = (), said: Sequence[str] = ()) -> Figure:
    """J along each line, J during training and the track off the line: whatever these jobs hold.

    One job is coloured by split; several share each panel, a colour per job.

    Args:
        shown: the curves, where they are not those of ``results`` one by one. said: sentences for the footer.
    """
    shown = shown or results
    panels = _panels(shown, naming.names(shown, brief=True))
    if not panels:
        return nothing(results, title(results), said)
    columns = min(len(panels), 2)
    figure, flat = style.panels(len(panels), columns, width=3.7 * columns + 2.6)
    drawn = panel.Drawn()
    for draw_one, axes in zip(panels, flat, strict=True):
        drawn += draw_one(axes)
    style.legend_outside(figure, drawn.legend_title)
    return caption.finish(figure, results, title(results), [*said, *drawn.notes], verdicts=judge(results))


def nothing(results: Sequence[Result], heading: str, said: Sequence[str]) -> Figure:
    """A panel that says so."""
    figure, axes = style.alone()
    panel.close(axes, panel.Drawn())
    return caption.finish(figure, results, heading, said, verdicts=judge(results))


def title(results: Sequence[Result]) -> str:
    """The recipes or models, and the data where they do not say it."""
    nets = list(dict.fromkeys(naming.net(result) for result in results))
    words = ", ".join(nets) if len(nets) <= MAX_NAMED else f"{len(nets)} nets"
    return f"{words}{caption.on_data(results) if words != results[0].choices.get('data') else ''}"


def _panels(results: Sequence[Result], labels: Sequence[str]) -> list[Panel]:
    """What there is to draw, in reading order."""
    alone = len(results) == 1
    panels: list[Panel] = []
    splits = [split for split in ("train", "valid") if any(primary(result, split) for result in results)]
    groups = [tuple(splits)] if alone and splits else [(split,) for split in splits]
    for group in groups:

        def along(axes: Axes, group: tuple[str, ...] = group) -> panel.Drawn:
            if alone:
                drawn = panel.draw_splits(axes, results[0], group, panel.differ(results[0]))
            else:
                drawn = panel.draw_jobs(axes, results, labels, group)
            if _spans_decades(results, group):
                axes.set_yscale("log")
            if alone and is_found_run(results[0]):
                _say_examples(axes, group)
            ends = ", ".join(dict.fromkeys(r.choices.get("endpoints", "a line").replace("_", " ") for r in results))
            title = ends if alone else f"{ends}, {style.SPLIT_WORD[group[0]]}"
            panel.label_line(axes, title, drawn, legend=False)
            return drawn

        panels.append(along)
    if any(result.learning_curve is not None for result in results):

        def learning(axes: Axes) -> panel.Drawn:
            drawn = panel.draw_learning(axes, results[0]) if alone else panel.draw_histories(axes, results, labels)
            panel.label_learning(axes, f"during training{', validation' * (not alone)}", drawn, legend=False)
            return drawn

        panels.append(learning)
    if any("trajectory" in result.projections for result in results):

        def off_line(axes: Axes) -> panel.Drawn:
            notes = draw_tracks(axes, results, labels, equal=False)
            if (inner := axes.get_legend()) is not None:
                inner.remove()  # its entries are in the legend beside the panels
            axes.set_title("off the line")
            return panel.Drawn((), tuple(notes))

        panels.append(off_line)
    if any(result.components for result in results):
        panels += [partial(_axes, results=results, labels=labels, kind=kind) for kind in ("shares", "paths")]
    for result, label in zip(results, labels, strict=True):
        if (course := course_of(result)) is not None:
            density = (draw_density,) if course.spectrum else ()
            for draw_one in (draw_eigenvalues, draw_noise_scale, *density):
                panels.append(partial(_curvature, draw_one=draw_one, course=course, label="" if alone else label))
    for result, label in zip(results, labels, strict=True):
        curve = primary(result, "train")
        if curve is not None and any(points(result, s) for s in range(curve.objective.shape[1])):
            panels.append(partial(_beside, result=result, curve=curve, label="" if alone else label))
    for result, label in zip(results, labels, strict=True):
        if has_plane(result):
            name = f"J on the plane, {style.SPLIT_WORD['train']}"
            panels.append(partial(draw_plane, result=result, title=name if alone else f"{name}: {label}"))
    return panels


def _axes(axes: Axes, results: Sequence[Result], labels: Sequence[str], kind: str) -> panel.Drawn:
    """What the principal axes explain, or the runs in the plane of the first two."""
    draw, label = {
        "shares": (components.draw_shares, components.label_shares),
        "paths": (components.draw_paths, components.label_paths),
    }[kind]
    drawn, words = panel.Drawn(), ""
    for k, (result, name) in enumerate(zip(results, labels, strict=True)):
        if (found := components.first_of(result)) is not None:
            look = panel.job_look(k) if len(results) > 1 else {"color": style.PURPLE}  # no other line of one job has it
            drawn += draw(axes, result, found, {**look, "label": name}, has_law=not words)
            words = words or components.about(found)
    label(
        axes, {"shares": f"principal axes {words}", "paths": "in the plane of the first two"}[kind], drawn, legend=False
    )
    return drawn


def _curvature(axes: Axes, draw_one: Callable[[Axes, Course], panel.Drawn], course: Course, label: str) -> panel.Drawn:
    """Eigenvalues or the noise of the gradient of one job, and how sure they are."""
    drawn = draw_one(axes, course)
    if label:
        axes.set_title(style.wrapped(f"{axes.get_title(loc='left')}: {label}", 38))
    return drawn + panel.Drawn((), (note_of(course),))


def _beside(axes: Axes, result: Result, curve: Curve, label: str) -> panel.Drawn:
    """J at the saved points of training in their plane, where the measurement has it."""
    figure, place = axes.figure, axes.get_subplotspec()
    axes.remove()
    assert figure is not None and place is not None
    beside = figure.add_subplot(place, projection="3d")
    unit = naming.bracketed_unit([naming.cost_of(result)])
    notes = draw_beside(beside, result, curve, f"J{unit}", ("J on the line", "J at the saved points"), style.GREEN)
    if label:
        beside.set_title(f"{beside.get_title(loc='left')}: {label}", loc="left")
    return panel.Drawn((), tuple(notes))


def _say_examples(axes: Axes, splits: Sequence[str]) -> None:
    """Of a line that nobody trained here, call the curves by their examples, and the band by the one split's colour."""
    for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
        if label in style.SPLIT_WORD.values():
            handle.set_label(f"J on {label} examples")
        elif len(splits) == 1 and isinstance(handle, PolyCollection):
            handle.set_facecolor(style.SPLIT_COLOR[splits[0]])


def _spans_decades(results: Sequence[Result], splits: Sequence[str]) -> bool:
    """Whether J is positive everywhere and its largest value exceeds its smallest a thousandfold."""
    curves = [primary(result, split) for result in results for split in splits]
    finite = [curve.objective[np.isfinite(curve.objective)] for curve in curves if curve is not None]
    values = np.concatenate(finite) if finite else np.zeros(0)
    return bool(values.size and values.min() > 0 and values.max() > 1000 * values.min())


def has_plane(result: Result) -> bool:
    """Whether a result holds J on a grid that is more than a line."""
    plane = result.projections.get("plane")
    return plane is not None and plane.objective is not None and len(plane.steps) >= 4


def draw_plane(axes: Axes, result: Result, title: str) -> panel.Drawn:
    """Contours of J in true lengths, the three corners marked; returns what to say below."""
    plane = result.projections["plane"]
    assert plane.objective is not None and plane.second_projection is not None
    side = round(len(plane.steps) ** 0.5)
    x, y, values = (v[:, 0].reshape(side, side) for v in (plane.projection, plane.second_projection, plane.objective))
    inside = [(float(v.min()), float(v.max())) for v in (x, y)]
    scene = Scene(
        x,
        y,
        values,
        is_tall(values),
        f"J{naming.bracketed_unit([naming.cost_of(result)])}",
        (f"along start to end {UNITS}", f"beside it {UNITS}"),
        in_units=True,
        points=[
            (*place, math.nan, name)
            for name, place in corners_of(result).items()
            if all(least <= at <= most for at, (least, most) in zip(place, inside, strict=True))
        ],
    )
    relief.contours(axes, scene)
    axes.set_title(style.wrapped(title, 38))
    return panel.Drawn((), tuple(scene.notes()))


def corners_of(result: Result) -> dict[str, tuple[float, float]]:
    """The three points in the coordinates of the plane."""
    along, beside = (float(np.ravel(result.numbers[f"plane/third_{axis}"])[0]) for axis in ("along", "beside"))
    return {"start": (0.0, 0.0), "end": (float(result.projections["plane"].length[0]), 0.0), "third": (along, beside)}
