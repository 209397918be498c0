"""What is known of J between its samples, for a figure's footer: by slopes, and by points that were placed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from landscape.figure import unit
from landscape.result.curve.between import noise_of
from landscape.result.saved import Result


def notes(results: Sequence[Result]) -> list[str]:
    """At most two sentences: whether slopes tell of a rise between samples, and how well placed points fit the curve.

    Both are of the worst line of all curves; those that are not finite have no say.
    """
    return [note for note in (_hidden(results), _placed(results)) if note]


def _hidden(results: Sequence[Result]) -> str:
    """By how much J rises more than its samples, where neither noise nor a misfit of placed points explains it."""
    worst, name, more, num, nats = 0.0, "", "", 0, unit.after(unit.of(results))
    for result in results:
        for key, curve in result.curves.items():
            for column, rise in enumerate(_values(result, f"{key}/hidden_rise")):
                num += bool(np.isfinite(rise))
                error = np.nan_to_num(_values(result, f"{key}/local_error") or [0.0])
                if rise > max(worst, noise_of(curve, column), float(error.max())):
                    worst, name = rise, key
                    if f"{key}/num_points" in result.numbers:  # they were placed already
                        more = "a smaller alphas.tolerance or alphas.min_width decides"
                    else:
                        more = "more points there, as by alphas=adaptive, decide"
    if name:
        return f"slopes tell of a rise between samples: up to {worst:.2g}{nats} more than they show ({name}); {more}"
    return f"slopes tell of no rise between samples above the noise, on {num} line{'s' * (num != 1)}" if num else ""


def _placed(results: Sequence[Result]) -> str:
    """Points of adaptive grids, the largest misfit of a cubic through them, and what they cannot see."""
    found = {
        name: [v for r in results for key in r.numbers if key.endswith(f"/{name}") for v in _values(r, key)]
        for name in ("num_points", "local_error", "widest_gap")
    }
    if not found["num_points"]:
        return ""
    low, high = min(found["num_points"]), max(found["num_points"])
    points = f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"
    finite = [v for v in found["local_error"] if np.isfinite(v)]
    misfit = (
        f"a cubic misses the middles by at most {max(finite):.2g}{unit.after(unit.of(results))}; " if finite else ""
    )
    return (
        f"{points} points placed by alphas=adaptive; {misfit}a bump narrower than {max(found['widest_gap']):.2g} "
        "that touches no point is not seen"
    )


def _values(result: Result, key: str) -> list[float]:
    """One number per line, none where there is none."""
    return [float(v) for v in np.atleast_1d(result.numbers.get(key, []))]
