"""Verdicts on values with a stated error: what holds of some that the error allows, and of others not, is not decided.

A figure's ``judge`` is asked of the results as they are, and of results whose curves and surfaces were moved within
their stated error in the ways that differ most: up, down, by turns, ends against the rest, rising and falling least and
most. A verdict stands where all of them agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import wraps
from itertools import chain, repeat

import numpy as np
from numpy.typing import NDArray

from landscape.figure.reading import Column, Reading
from landscape.result.curve import Curve, Surface
from landscape.result.curve.column import SAME_ALPHA
from landscape.result.curve.stated import allowed, is_stated, span_of
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

Judge = Callable[[Sequence[Result]], list[Verdict]]
NUM_WAYS = 11
"""Ways in which a curve is moved; a surface has fewer."""


def within_error(judge: Judge) -> Judge:
    """``judge``, which leaves open what the stated error of its results does not decide."""

    @wraps(judge)
    def judged(results: Sequence[Result]) -> list[Verdict]:
        found = judge(results)
        if not any(is_stated(part) for result in results for part in result.grids):
            return found
        moved = zip(*map(_moved, results), strict=True)
        others = [_by_name(judge(list(jobs))) for jobs in moved]
        every = span_of(part for result in results for part in result.grids)
        return [
            _settled(verdict, [other.get(name) for other in others], verdict.stated or every)
            for name, verdict in _by_name(found).items()
        ]

    return judged


def holds(read: Callable[[Column], Reading], seed: Column) -> bool | None:
    """Whether a claim is seen to hold of one seed; None where its stated error does not decide."""
    curves = _curves(seed.curve) if is_stated(seed.curve) else [seed.curve]
    found = {read(replace(seed, curve=curve)).holds is True for curve in curves}
    return found.pop() if len(found) == 1 else None


def _moved(result: Result) -> Iterator[Result]:
    """The same result as often as there are ways, each time moved in another."""
    curves = {name: iter(_curves(curve)) for name, curve in result.curves.items()}
    surfaces = {name: iter(_surfaces(surface)) for name, surface in result.surfaces.items()}
    for _ in range(NUM_WAYS):
        yield replace(
            result,
            curves={name: next(ways) for name, ways in curves.items()},
            surfaces={name: next(ways) for name, ways in surfaces.items()},
        )


def _curves(curve: Curve) -> Iterator[Curve]:
    if not is_stated(curve):
        return repeat(curve, NUM_WAYS)
    return (replace(curve, **way) for way in allowed(curve, _ends))


def _surfaces(surface: Surface) -> Iterator[Surface]:
    if not is_stated(surface):
        return repeat(surface, NUM_WAYS)
    ways = [replace(surface, **way) for way in allowed(surface, _corners)]
    return chain(ways, repeat(ways[0], NUM_WAYS - len(ways)))


def _ends(curve: Curve) -> NDArray[np.bool_]:
    """The samples at 0 and 1, of which numbers of a line speak."""
    return np.asarray((np.abs(curve.alphas) <= SAME_ALPHA) | (np.abs(curve.alphas - 1) <= SAME_ALPHA))


def _corners(surface: Surface) -> NDArray[np.bool_]:
    """The points that a plane was laid through, of any of its columns."""
    found = np.zeros(surface.objective.shape[:2], dtype=bool)
    for k in range(len(surface.names)):
        for s in range(surface.num_columns):
            if (place := surface.on_grid(k, s)) is not None:
                found[place] = True
    return found


def _by_name(verdicts: Sequence[Verdict]) -> dict[tuple[str, str, int], Verdict]:
    """Each by its check and subject, and which of several of these it is."""
    seen, found = Counter[tuple[str, str]](), dict[tuple[str, str, int], Verdict]()
    for verdict in verdicts:
        name = (verdict.check, verdict.subject)
        found[(*name, seen[name])] = verdict
        seen[name] += 1
    return found


def _settled(verdict: Verdict, others: Sequence[Verdict | None], stated: str) -> Verdict:
    """The verdict with what all agree on.

    Args:
        others: of the moved results. stated: how well J is known.
    """
    known = [other for other in others if other is not None]
    holds = {other.holds for other in known} if verdict.holds is not None else {None}
    relaxed = {other.calibrated_holds for other in known} if verdict.calibrated_holds is not None else {None}
    if not known or (verdict.holds is not None and (len(holds) > 1 or None in holds)):
        why = (
            f"not decided: J is stated to within {stated}, and other values within that say otherwise; "
            "a smaller objective.tolerance decides, or null"
        )
        note = "; ".join(filter(None, [why, verdict.note]))
        verdict = replace(verdict, holds=None, note=note)
    elif verdict.holds is not None:
        verdict = replace(verdict, holds=holds.pop())
    agreed = relaxed.pop() if len(relaxed) == 1 else None
    return replace(verdict, calibrated_holds=agreed)
