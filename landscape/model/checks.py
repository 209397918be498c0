"""Numbers that several models check alike."""

from __future__ import annotations

import math
from collections.abc import Sequence

from landscape.errors import InputError


def check_init_ranges(key: str, ranges: float | Sequence[float]) -> None:
    """Raise InputError unless every r of U(-r, r) is finite and not negative; ``key`` is the config's."""
    for r in [ranges] if isinstance(ranges, int | float) else ranges:
        if not 0 <= r < math.inf:
            raise InputError(
                f"{key}={ranges} must hold finite numbers that are not negative: weights start as U(-r, r)"
            )


def check_init_scale(scale: float) -> None:
    """Raise InputError unless the factor on all of these ranges is positive and finite."""
    if not 0 < scale < math.inf:
        raise InputError(f"model.init_scale={scale} must be positive and finite")


def check_max_norms(key: str, bounds: Sequence[float]) -> None:
    """Raise InputError unless every bound on a norm is positive; infinity is no bound."""
    if not all(bound > 0 for bound in bounds):
        raise InputError(f"{key}={list(bounds)} must hold positive numbers: bounds on the norm of incoming weights")


def check_counts(key: str, counts: Sequence[int]) -> None:
    """Raise InputError unless every entry is a whole number of at least 1: a layer of none makes a net of constants."""
    if not all(isinstance(count, int) and count >= 1 for count in counts):
        raise InputError(f"{key}={list(counts)} must hold whole numbers of at least 1: units per layer")


def check_per_layer(widths: Sequence[int], **lists: Sequence[float] | None) -> None:
    """Raise InputError unless each list that is given has an entry for every layer, the last one included."""
    for key, values in lists.items():
        if values is not None and len(values) != len(widths) + 1:
            raise InputError(
                f"model.{key} has {len(values)} entries but model.widths={list(widths)} makes "
                f"{len(widths) + 1} layers; give one entry per layer"
            )
