"""Extension 8: surfaces around and between solutions of deep nets, with and without skip connections and batch norm."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from landscape.figure import caption, naming, style, surface
from landscape.figure.checks import Claim, judge_job
from landscape.figure.decided import within_error
from landscape.figure.planes import PlaneOf, is_around, is_through, passes, planes
from landscape.figure.reading import Reading, above, counted, short_of
from landscape.result.curve import terrain
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

__all__ = ["draw", "judge", "make_pages"]

PAPER, LI, GARIPOV = "section 1, of a plane", "Li et al. 2018", "Fig. 5 left, of a plane; Garipov et al. 2018"
LEARNED = 0.5  # of ln C: a net whose J at the solution is above it has not learned, and its planes are not judged
BARRIER = 0.1  # of ln C: what is a barrier, as in check 5b
RISING = 0.9  # of the rays: our reading of "in every direction"
DIP = 0.01  # of how far J rises along a ray: a fall by less is none
BENT = 0.1  # of the valley: our reading of "convex"
FEWEST = 9  # points of a valley, below which it has no shape
MORE = 0.1  # by which one share must exceed another to be larger


@dataclass(frozen=True)
class Shape:
    """The numbers of one plane around a solution.

    Args:
        rising: share of the rays along which J never falls by more than a hundredth of its rise.
        num_rays: of how many.
        valleys: minima inside the plane that are left only over a barrier, the lowest one included.
        bent: share of the valley, the points below a guess's J, at which J bends down: its matrix of second differences
            has a negative eigenvalue, beyond rounding. NaN of a valley that has no shape.
        open: share of the plane's area that the valley has.
    """

    rising: float
    num_rays: int
    valleys: int
    bent: float
    open: float


def guess(plane: PlaneOf) -> float:
    """J of a uniform guess, ln C."""
    return math.log(naming.num_classes(plane.result))


def shape_of(plane: PlaneOf) -> Shape:
    """Read off one plane."""
    first, second, values = plane.surface.first, plane.surface.second, plane.values
    rays = plane.rays
    rising = [float((np.maximum.accumulate(ray) - ray).max()) <= DIP * float(ray.max() - ray[0]) for ray in rays]
    rising = [is_so and ray.max() > ray[0] + plane.noise for is_so, ray in zip(rising, rays, strict=True)]
    deep = [one for one in terrain.minima(values) if one.is_inside and one.climb >= BARRIER * guess(plane)]
    with np.errstate(invalid="ignore"):
        valley = (values <= guess(plane))[1:-1, 1:-1]
        least = [float(np.diff(axis).min()) for axis in (first, second)]
        is_bent = terrain.bends(first, second, values) < -4 * plane.noise / min(least) ** 2
    bent = float(is_bent[valley].mean()) if valley.sum() >= FEWEST else math.nan
    share = float(np.mean(rising)) if rays else math.nan
    return Shape(share, len(rays), len(deep), bent, terrain.share_below(first, second, values, guess(plane)))


def unfit(plane: PlaneOf, places: Sequence[tuple[int, int] | None]) -> Reading | None:
    """A reading that cannot tell, of a net that has not learned or a plane that is flat; else None."""
    known = [plane.values[place] for place in places if place is not None]
    if len(known) < len(places) or not np.isfinite(known).all():
        return Reading("J at the solution is not known", None, note="it is no point of the grid, or not finite")
    if max(known) > LEARNED * guess(plane):
        return Reading(f"J is {max(known):.3g} at the solution", None, note=f"not learned: above {LEARNED:g} ln C")
    if plane.is_flat:
        return Reading("J is the same all over the plane", None, note="a plane that is flat has no shape")
    return None


def around(read: Callable[[Shape], Reading]) -> Callable[[PlaneOf], Reading]:
    """A reading of the shape of a plane around a solution that was learned."""

    def told(plane: PlaneOf) -> Reading:
        return unfit(plane, [plane.centre]) or read(shape_of(plane))

    return told


def read_rays(shape: Shape) -> Reading:
    """Along how many rays J rises all the way."""
    if not shape.num_rays:
        return Reading("no ray", None, note="rays need an even grid with the solution on it")
    text = f"J rises along {shape.rising * shape.num_rays:.0f} of {shape.num_rays} rays"
    return Reading(text, shape.rising >= RISING, -shape.rising, miss=short_of(shape.rising, RISING))


def read_valleys(shape: Shape) -> Reading:
    """How many valleys there are."""
    return Reading(counted(shape.valleys, "valley"), shape.valleys == 1, abs(shape.valleys - 1))


def read_bends(shape: Shape) -> Reading:
    """How much of the valley bends down."""
    if math.isnan(shape.bent):
        text = f"the valley has {100 * shape.open:.1f} % of the plane"
        return Reading(text, None, note=f"fewer than {FEWEST} points of the grid lie in it")
    text = f"{100 * shape.bent:.0f} % of the valley bends down"
    return Reading(text, shape.bent <= BENT, shape.bent, miss=above(shape.bent, BENT))


def read_corners(plane: PlaneOf) -> Reading:
    """The lowest pass between any two of the solutions."""
    surface, limit = plane.surface, BARRIER * guess(plane)
    places = [surface.on_grid(k, plane.s) for k in range(len(surface.names))]
    if (failed := unfit(plane, places)) is not None:
        return failed
    found = passes(plane)
    text = ", ".join(f"{height:.3f}" for height in found.values())
    return Reading(
        f"lowest passes {text} nats above the higher end", min(found.values()) >= limit, -min(found.values())
    )


RAYS = Claim(
    "ext08a",
    "From the solution J rises in every direction: nothing stands in the way to it",
    PAPER,
    f"rises along >= {100 * RISING:.0f} % of the rays; a fall below {100 * DIP:.0f} % of a ray's rise is none",
    needs_training=True,
).by(around(read_rays), planes(is_around, "train"))
VALLEYS = Claim(
    "ext08b",
    "The plane around a solution has one valley",
    PAPER,
    f"1 minimum inside; another counts if >= {BARRIER:g} ln C must be climbed to leave it",
    needs_training=True,
).by(around(read_valleys), planes(is_around, "train"))
CONVEX = Claim(
    "ext08c",
    "J is convex in the valley around a solution",
    LI,
    f"<= {100 * BENT:.0f} % of the points below ln C bend down",
    needs_training=True,
).by(around(read_bends), planes(is_around, "train"))
CORNERS = Claim(
    "ext08d",
    "Three solutions lie in basins of their own",
    GARIPOV,
    f"every way on their plane climbs >= {BARRIER:g} ln C",
    needs_training=True,
).by(read_corners, planes(is_through, "train"))
OF_ONE = (RAYS, VALLEYS, CONVEX, CORNERS)


def skips(result: Result) -> bool:
    """Whether its net has skip connections."""
    return bool((result.config.get("model") or {}).get("skip"))


def normed(result: Result) -> bool:
    """Whether its net has batch norm."""
    return bool((result.config.get("model") or {}).get("batch_norm"))


def net(result: Result) -> str:
    """``skip connections, no batch norm``."""
    return ", ".join([skip_word(result), norm_word(result)])


def names(results: Sequence[Result]) -> list[str]:
    """The nets, and what else tells one job from another where these do not."""
    found = [", ".join([net(r), *(["three solutions"] * any(map(is_through, r.surfaces.values())))]) for r in results]
    plain = naming.names(results, brief=True)
    return [name if found.count(name) == 1 else f"{name}, {own}" for name, own in zip(found, plain, strict=True)]


def skip_word(result: Result) -> str:
    """Of its skip connections."""
    return "skip connections" if skips(result) else "no skip connections"


def norm_word(result: Result) -> str:
    """Of its batch norm."""
    return "batch norm" if normed(result) else "no batch norm"


Number = Callable[[Shape], float]
COMPARED: dict[str, tuple[str, Number, str]] = {
    "rays": ("J rises along more rays", lambda shape: shape.rising, "of the rays"),
    "bends": ("less of the valley bends down", lambda shape: -shape.bent, "of the valley"),
    "wide": ("the valley is wider", lambda shape: shape.open, "of the plane"),
}
FACTORS = {
    "skip": ("skip connections", LI, skips, normed, norm_word),
    "norm": ("batch norm", "Santurkar et al. 2018", normed, skips, skip_word),
}


def comparisons(results: Sequence[Result]) -> list[Verdict]:
    """Each number of the planes around solutions, with and without a part of the net, the other part alike."""
    found = []
    for factor, (word, source, has, other, alike_word) in FACTORS.items():
        for alike in (False, True):
            jobs = [r for r in results if other(r) is alike and any(map(is_around, r.surfaces.values()))]
            two = [[r for r in jobs if has(r) is is_so] for is_so in (True, False)]
            if not all(two):
                continue
            shapes = [[shape for job in part for shape in learned(job)] for part in two]
            for key, (sentence, number, unit) in COMPARED.items():
                claim = Claim(
                    f"ext08-{factor}-{key}",
                    f"With {word} {sentence} than without",
                    source,
                    f"mean share larger by >= {MORE:g}" if key != "bends" else f"mean share smaller by >= {MORE:g}",
                    needs_training=True,
                )
                found.append(
                    claim.said(two[0][0], f"{alike_word(two[0][0])}, train", [_compared(shapes, number, unit)])
                )
    return found


def learned(result: Result) -> list[Shape]:
    """Of every plane around a solution that was learned."""
    seen = [plane for evidence in RAYS.look(result, "") for plane in evidence.seeds]
    return [shape_of(plane) for plane in seen if unfit(plane, [plane.centre]) is None]


def _compared(shapes: Sequence[Sequence[Shape]], number: Number, unit: str) -> Reading:
    """Two means over planes."""
    means = [[v for v in map(number, part) if not math.isnan(v)] for part in shapes]
    if not all(means):
        return Reading("no plane to compare", None, note="one of the two has not learned, or its planes have no shape")
    more, less = (float(np.mean(part)) for part in means)
    text = f"{100 * abs(more):.0f} % {unit} with, {100 * abs(less):.0f} % without"
    text += f" (means of {len(means[0])} and {len(means[1])} planes)"
    return Reading(text, more - less >= MORE, less - more, miss=short_of(more - less, MORE))


@within_error
def judge(results: Sequence[Result]) -> list[Verdict]:
    """Each net by itself, then each with and without skip connections and batch norm."""
    pairs = zip(results, names(results), strict=True)
    found = [verdict for result, name in pairs for verdict in judge_job(OF_ONE, result, name)]
    return found + (comparisons(results) if len(results) > 1 else [])


@style.themed
def draw(results: Sequence[Result]) -> Figure:
    """A row per net: around its solution, and through three of them."""
    heading = f"Ext. 8: surfaces of deep ReLU nets{caption.on_data(results)}"
    rows = sorted(range(len(results)), key=lambda k: (not skips(results[k]), normed(results[k])))
    jobs = [results[k] for k in rows]
    return surface.draw_planes(jobs, heading, judge(results), names=names(jobs), most=max(len(jobs), surface.WIDE))


def make_pages(results: Sequence[Result]) -> dict[str, Any]:
    """``{"surface": plotly figure}``, as of any planes."""
    return surface.make_pages(results)
