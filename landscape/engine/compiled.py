"""How the kernels are compiled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit

STAMPED = ("compiled", "lanes", "quadratic", "onward", "bucket", "sweep")
"""Files whose instructions and constants end up in what is kept on disk."""


def compiled(function: Callable[..., Any]) -> Any:
    """The function as machine code without Python's lock, kept on disk where numba finds a place for it.

    numba itself would only look whether the file of the function has changed, not whether those have that it calls.
    """
    try:
        made: Any = njit(nogil=True, cache=True, error_model="numpy")(function)
        made._cache._cache_file._source_stamp = stamp(Path(__file__).parent)
    except (RuntimeError, AttributeError):  # no folder that may be written: compiled anew by every process
        return njit(nogil=True, error_model="numpy")(function)
    return made


def stamp(folder: Path) -> tuple[tuple[int, int], ...]:
    """Time and size of each of the files."""
    found = ((folder / f"{name}.py").stat() for name in STAMPED)
    return tuple((stat.st_mtime_ns, stat.st_size) for stat in found)
