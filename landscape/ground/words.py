"""Durations, and choices of a config, as messages and pages say them."""

from __future__ import annotations

import re

CHOICES = {
    "BezierConnection": "bezier",
    "PlaneSurface": "surface",
    "PolygonConnection": "polygon",
    "PrincipalAxes": "principal",
    "PrincipalPlane": "trajectory_plane",
    "TrajectoryPlane": "plane",
}
"""Classes that a config does not choose by their own name."""


def chosen_as(kind: type) -> str:
    """By which word a config chooses a class of ours; somebody's own keeps its name.

    >>> from landscape.path import BiasSchedule
    >>> chosen_as(BiasSchedule)
    'bias_schedule'
    """
    if not kind.__module__.startswith("landscape."):
        return kind.__name__
    return CHOICES.get(kind.__name__) or re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


def spoken(seconds: float, exact: bool = False) -> str:
    """A time to read: ``0.4 s``, ``12 s``, ``3 min``, ``2 h 10 min``.

    Args:
        seconds: of it.
        exact: say the seconds of minutes, too: ``0.64 s``, ``4 min 13 s``, ``2 h 5 min``.
    """
    if seconds < (60 if exact else 90):
        digits = ".2g" if exact and seconds < 10 else ".1f" if not exact and seconds < 9.95 else ".0f"
        return f"{seconds:{digits}} s"
    minutes, rest = divmod(round(seconds), 60) if exact else (round(seconds / 60), 0)
    if minutes < (60 if exact else 90):
        return f"{minutes} min {rest} s" if exact else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
