"""What a curve owes to a tolerance: the stated error of each value, the work, and the noise that some examples show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape.objective.sums import Evaluation
from landscape.objective.two_level.sample import Sample
from landscape.result.curve.noise import MOST_POINTS

Array = NDArray[np.float64]

BAND = 1.959964
"""Standard errors on either side of a 95 % band."""


def bounds_of(evaluation: Evaluation, channels: Iterable[str]) -> dict[str, Array]:
    """What ``Curve.noise`` holds of an evaluation to a tolerance; nothing of one in full.

    Args:
        evaluation: of A points.
        channels: the metrics beside J that are reported.

    Returns:
        ``bound`` [A, S], how far J may be off, 0 where it was taken over all examples; ``bound/c`` of a metric c; and
        ``passes`` [S], the work of all lines in passes of all examples over one point.
    """
    if not evaluation.bounds:
        return {}
    found = {f"bound/{name}": evaluation.bounds[name] for name in channels if name in evaluation.bounds}
    bound = evaluation.bounds["objective"]
    return {"bound": bound, **found, "passes": np.full(bound.shape[1], evaluation.passes)}


def noise_of_sample(sample: Sample, values: Array, alphas: Array) -> dict[str, Array]:
    """What ``Curve.noise`` holds but for the floor, from some examples: as large as for all of them.

    Args:
        sample: the examples, and how many each stands for.
        values: J [A, S].
        alphas: [A].

    Returns:
        ``errors`` [A, A, S], and ``low`` and ``high`` [A, S], of a normal distribution.
    """
    origin = int(np.argmin(np.abs(alphas)))
    apart, half = values - values[origin], BAND * sample.errors_from(origin)
    found: dict[str, Any] = {"low": apart - half, "high": apart + half}
    return found if len(alphas) > MOST_POINTS else found | {"errors": sample.errors()}
