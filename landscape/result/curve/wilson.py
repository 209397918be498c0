"""The interval of a rate."""

from __future__ import annotations

import math
from statistics import NormalDist


def wilson(holds: int, judged: int, level: float = 0.95) -> tuple[float, float]:
    """The rates p with |holds/judged - p| <= z sqrt(p (1 - p) / judged), as (lowest, highest).

    Unlike the mean plus or minus two standard errors it stays inside [0, 1], and has a width at 0 and at 1.

    Raises:
        ValueError: not 0 <= holds <= judged with judged >= 1, or a level outside (0, 1).
    Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    if not 0 <= holds <= judged or judged < 1 or not 0 < level < 1:
        raise ValueError(f"no interval for {holds} of {judged} at level {level}")
    z2 = NormalDist().inv_cdf(0.5 + level / 2) ** 2
    rate = holds / judged
    centre = rate + z2 / (2 * judged)
    reach = math.sqrt(z2 * (rate * (1 - rate) / judged + z2 / (4 * judged**2)))
    scale = 1 + z2 / judged
    # At none and at all an end is exactly 0 or 1; rounding must not move it.
    low = 0.0 if holds == 0 else (centre - reach) / scale
    return low, 1.0 if holds == judged else (centre + reach) / scale
