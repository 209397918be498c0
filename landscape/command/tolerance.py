"""What a tolerance of J is of use for, told before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from landscape.errors import InputError
from landscape.ground.words import chosen_as
from landscape.measurement import Interpolation


def check_tolerance(measurement: Any, objective: Any) -> None:
    """Raise InputError for a tolerance where nothing is measured on a grid that could be thinned out.

    Args:
        measurement: as it was made; what somebody else's does with it, that says.
        objective: its config.
    """
    tolerance = objective.get("tolerance") if isinstance(objective, Mapping) else None
    on_grid = isinstance(measurement, Interpolation) or hasattr(measurement, "curves")
    if tolerance is not None and not on_grid and type(measurement).__module__.startswith("landscape."):
        raise InputError(
            f"objective.tolerance={tolerance:g} is of J along a line or on a plane, and measurement="
            f"{chosen_as(type(measurement))} looks at neither; leave it out, or use measurement=interpolation"
        )
