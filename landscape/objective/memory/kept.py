"""Memory that a pass gives back and the next one needs again stays with the process meanwhile."""

from __future__ import annotations

from contextlib import suppress

import torch

LARGEST = (32 << 20) - (64 << 10)
"""Bytes up to which the C library lets what is freed raise its two bounds: on what it asks of the system piece by
piece, and, twice as much, on what it keeps at the end of its memory; see mallopt(3), M_MMAP_THRESHOLD."""
PIECES = 4
"""So many at once, since the first of them may lie where others were."""


def keep_freed() -> None:
    """Let freed memory up to 64 MiB be used again, where the C library is GNU's; elsewhere nothing is changed.

    By default it gives the values of a pass back to the system and asks for them anew, and the system clears every page
    of them again: of a network of convolutions that took half of the time.
    """
    with suppress(RuntimeError):  # too little left: then nothing is kept
        _ = [torch.empty(LARGEST, dtype=torch.uint8) for _ in range(PIECES)]  # never touched, so that it costs nothing
