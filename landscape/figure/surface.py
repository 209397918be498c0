"""J on planes: each as filled contours and in three dimensions, with a page to turn them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from landscape.figure import caption, naming, panel, style
from landscape.figure.checks import judge as judge_checks
from landscape.figure.decided import within_error
from landscape.figure.planes import OF_ANY_PLANE, PlaneOf, usable
from landscape.figure.turnable import plotly
from landscape.result.curve import relief, turnable
from landscape.result.curve.scene import Scene
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

__all__ = ["draw", "judge", "make_pages"]

MOST = 12
"""Planes in one drawing; of more the first seed of each surface, then the first splits, then the first jobs."""
WIDE = 3
"""Planes up to which each has a row of its own."""


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """What may be asked of any plane: whether the solution is its lowest point, its points in basins of their own."""
    return judge_checks(OF_ANY_PLANE, results)


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """A pair of panels for each job, split and seed."""
    return draw_planes(results, title(results), judge(results))


def title(results: Sequence[Result]) -> str:
    """What was trained, and on which data."""
    words = " and ".join(dict.fromkeys(map(naming.net, results)))
    return f"J on planes: {words}{caption.on_data(results) if words != results[0].choices.get('data') else ''}"


def draw_planes(
    results: Sequence[Result],
    heading: str,
    verdicts: Sequence[Verdict],
    said: Sequence[str] = (),
    names: Sequence[str] | None = None,
    most: int = MOST,
) -> Figure:
    """Contours and a surface of each plane, side by side.

    Args:
        heading: above all. said: sentences for the footer. names: of the jobs. most: planes.
    """
    named, notes = seen(results, names, most)
    if not named:
        figure, axes = style.alone()
        panel.close(axes, panel.Drawn())
        return caption.finish(figure, results, heading, [*said, *notes], verdicts)
    pairs = 1 if len(named) <= WIDE else 2
    rows = -(-len(named) // pairs)
    figure, flat = style.panels(2 * pairs * rows, 2 * pairs, width=7.6 * pairs + 0.4, height=3.5 * rows + 0.8)
    scenes = {name: plane.scene() for name, plane in named.items()}
    for k, (name, scene) in enumerate(scenes.items()):
        flat_one, raised = flat[2 * k], in_space(flat[2 * k + 1])
        relief.contours(flat_one, scene)
        flat_one.set_title(style.wrapped(name, 54))
        relief.raised(raised, scene, is_beside=True)
        if scene.cross:
            raised.text2D(0.0, 1.0, f"lowest {scene.cross}", transform=raised.transAxes, fontsize=7, va="top")
    for axes in flat[2 * len(named) :]:
        axes.remove()
    if isinstance(engine := figure.get_layout_engine(), ConstrainedLayoutEngine):
        # The height is written to the right of a panel in space, where the layout knows of nothing.
        engine.set(wspace=0.1 if pairs > 1 else None, rect=(0.0, 0.0, 0.97, 1.0))
    notes += order_of_seeds(list(named.values()))
    return caption.finish(figure, results, heading, [*said, *notes, *explained(scenes)], verdicts)


def in_space(axes: Any) -> Any:
    """Axes of three dimensions in place of flat ones."""
    figure, place = axes.figure, axes.get_subplotspec()
    axes.remove()
    return figure.add_subplot(place, projection="3d")


def order_of_seeds(planes: Sequence[PlaneOf]) -> list[str]:
    """Which seeds the points of planes through several solutions are, where a job names them."""
    several = [(plane.surface.names, together(plane)) for plane in planes if together(plane)]
    return list(dict.fromkeys(f"{', '.join(names)}: seed{'s' * (len(s) > 1)} {', '.join(s)}" for names, s in several))


def together(plane: PlaneOf) -> list[str]:
    """The seeds of the solutions that a plane goes through, in their order; empty of a plane of one seed."""
    seeds = plane.result.seed_names(plane.surface.num_columns)[plane.s].split("-")
    return seeds if len(seeds) > 1 and len(seeds) == len(plane.surface.names) else []


def explained(scenes: dict[str, Scene]) -> list[str]:
    """What a reader must know of the drawings: once what is true of all, else by their names."""
    found = {"each plane has a scale of its own": list(scenes)} if len(scenes) > 1 else dict[str, list[str]]()
    for name, scene in scenes.items():
        for note in scene.notes(has_cross=False)[1:]:
            found.setdefault(note, []).append(name)
    return [note if len(names) == len(scenes) else f"{'; '.join(names)}: {note}" for note, names in found.items()]


def seen(
    results: Sequence[Result], names: Sequence[str] | None = None, most: int = MOST
) -> tuple[dict[str, PlaneOf], list[str]]:
    """The planes that are drawn, by a name that tells them apart, and sentences on those that are not."""
    found, notes = list[tuple[tuple[int, int, int], str, PlaneOf]](), list[str]()
    names = names or naming.names(results, brief=True)
    for j, (result, job) in enumerate(zip(results, names, strict=True)):
        modes = {surface.mode for surface in result.surfaces.values()}
        for k, surface in enumerate(result.surfaces.values()):
            columns, note = usable(result, surface)
            split = style.SPLIT_WORD.get(surface.split, surface.split)
            words = [job] * (len(results) > 1) + [split] + [surface.mode] * (len(modes) > 1)
            notes += [f"{', '.join(words)}: {note}"] if note else []
            seeds = result.seed_names(surface.num_columns)
            for rank, s in enumerate(columns):
                name = ", ".join([*words, f"seed {seeds[s]}"] if surface.num_columns > 1 else words)
                found.append(((rank, k, j), name, PlaneOf(result, surface, s)))
    kept = {order for order, _, _ in sorted(found, key=lambda item: item[0])[:most]}
    if len(found) > most:
        notes.append(f"drawn: {most} of {len(found)} planes")
    return {name: plane for order, name, plane in found if order in kept}, notes


def make_pages(results: Sequence[Result]) -> dict[str, Any]:
    """``{"surface": plotly figure}`` with every plane that is drawn; empty without plotly or without one."""
    scenes = {name: plane.scene() for name, plane in seen(results)[0].items()}
    if not any(not scene.lack for scene in scenes.values()) or (graph := plotly()) is None:
        return {}
    return {"surface": turnable.turned(graph, scenes)}
