"""The figure of any result: the quick start, and sweeps that no figure of the paper covers."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from landscape.errors import InputError
from landscape.figure import style
from landscape.figure.surface import draw_planes, title
from landscape.figure.surface import make_pages as make_pages
from landscape.figure.sweep import copies, plain
from landscape.figure.sweep.by_keys import draw_one_key, draw_several_keys
from landscape.figure.sweep.keys import Design
from landscape.figure.sweep.number import chosen
from landscape.figure.sweep.verdicts import judge as judge
from landscape.result.saved import Result


@style.themed
def draw(results: Sequence[Result], numbers: Sequence[str] = ()) -> Figure:
    """What was swept decides the drawing.

    One job, or jobs that differ in the seed alone: J along the line and during training, by split. One swept key: a
    colour per value and bands over the seeds, and how often J rises at each value. Two or more: a panel per value of
    the second and a row per value of the third, maps of numbers over the first two, and the rates of each key. Jobs
    with surfaces: each of these.

    Args:
        numbers: what the maps show, names in ``Result.numbers``; the largest rise and the test error without any.
    Raises:
        InputError: no result has such a number, or fewer than two keys were swept.
    """
    notes, results = [copies.note(results)], copies.distinct(results)
    if any(result.surfaces for result in results):
        if numbers:
            raise InputError(f"a map of {numbers[0]} is not drawn beside surfaces; leave --number out")
        bare = sum(not result.surfaces for result in results)
        notes += [f"{bare} of {len(results)} jobs have no surface and are not drawn"] * bool(bare)
        return draw_planes(results, title(results), judge(results), notes)
    design = Design.of(results)
    mapped = chosen(results, numbers)
    if len(design.keys) > 1:
        return draw_several_keys(design, mapped, notes)
    if numbers:
        swept = ", ".join(key.name for key in design.keys) or "nothing"
        raise InputError(f"a map of {numbers[0]} needs two swept keys; these jobs vary {swept}")
    if design.keys:
        return draw_one_key(design, notes)
    # Something was swept, but seeds alone: these jobs are one with more seeds.
    return plain.draw(results, [results[0].beside(*results[1:])] if any(design.told) else (), notes)
