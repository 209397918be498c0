"""One number of a config: a sentence that names its key, what it must be and what it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from landscape.errors import InputError


def shown(value: Any) -> str:
    """The value as a config has it: null for nothing, quotes around a text that cannot be seen."""
    return "null" if value is None else str(value) if str(value).strip() else repr(value)


def check_number(
    key: str,
    value: Any,
    least: float | None = None,
    above: float | None = None,
    below: float | None = None,
    most: float | None = None,
    whole: bool = False,
    instead: str = "",
) -> None:
    """Refuse what is not a finite number in its range.

    Args:
        key: of the config, ``"training.batch_size"``.
        least, most: bounds that may be met.
        above, below: bounds that may not be met.
        whole: it counts something.
        instead: what else may stand there, ``", or null for none"``.

    Raises:
        InputError: naming key and value.
    """
    kind = Integral if whole else Real
    if isinstance(value, bool) or not isinstance(value, kind):
        what = "a whole number" if whole else "a number"
        raise InputError(f"{key}={shown(value)} must be {what}{instead}, not {_kind(value)}")
    try:
        number = float(value)
    except OverflowError:  # a whole number of 400 digits
        number = math.inf
    if not math.isfinite(number):
        raise InputError(f"{key}={value} must be finite{instead}")
    if least is not None and number < least:
        words = "not be negative" if least == 0 else f"be at least {least:g}"
        raise InputError(f"{key}={value} must {words}{instead}")
    if above is not None and number <= above:
        raise InputError(f"{key}={value} must be {'positive' if above == 0 else f'above {above:g}'}{instead}")
    if below is not None and number >= below:
        raise InputError(f"{key}={value} must be below {below:g}{instead}")
    if most is not None and number > most:
        raise InputError(f"{key}={value} must be at most {most:g}{instead}")


def check_flag(key: str, value: Any, instead: str = "") -> None:
    """Refuse what is neither true nor false."""
    if not isinstance(value, bool):
        raise InputError(f"{key}={shown(value)} must be true or false{instead}, not {_kind(value)}")


def _kind(value: Any) -> str:
    kinds = {bool: "a truth value", Real: "a fraction", str: "a text", Sequence: "a list", Mapping: "a mapping"}
    if value is None:
        return "null"
    return next((word for kind, word in kinds.items() if isinstance(value, kind)), f"a {type(value).__name__}")
