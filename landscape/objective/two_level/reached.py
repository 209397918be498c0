"""Whether what was stated of J is what a tolerance asked for: no tolerance goes below the precision of J."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from landscape.objective.sums import Evaluation

log = logging.getLogger(__name__)


def say_reached(found: Evaluation, request: Any) -> None:
    """Log a warning where J is stated to within more than the tolerance, because its precision tells no more apart.

    Args:
        found: the answer to the request.
        request: whose objective has a tolerance.
    """
    of, values, bound = request.objective, found.channels["objective"], found.bounds["objective"]
    inside = np.isfinite(values)
    if len(request.axes) == 1:
        (at,) = request.axes
        between = (at >= -1e-12) & (at <= 1 + 1e-12)
        inside = inside & (between[:, None] | (between.sum() < 2))
    precision = str(of.dtype).removeprefix("torch.")
    for row, off, known in zip(values.T, bound.T, inside.T, strict=True):
        if not known.any():
            continue
        asked = of.tolerance * float(np.ptp(row[known]))
        spacing = float(np.finfo(precision).eps * np.abs(row[known]).max())
        if asked < spacing and (stated := float(np.nanmax(off, initial=0.0))) > asked:
            more = "" if precision == "float64" else "; objective.dtype=float64 tells more"
            log.warning(
                "objective.tolerance=%g is not reached: it asks for J to within %.2g, and numbers of %s at J lie %.2g "
                "apart; J is stated to within %.2g%s",
                of.tolerance,
                asked,
                precision,
                spacing,
                stated,
                more,
            )
            return
