"""How much memory may be used: what is free under every limit on this process, and a stated part of it."""

from __future__ import annotations

import math
import re

import torch

from landscape.errors import InputError
from landscape.ground.memory import free_in as free_in

QUARTER = "25%"
UNITS = {
    "": 1,
    "B": 1,
    **{f"{p}B": 1000**n for n, p in enumerate("KMGT", 1)},
    **{f"{p}IB": 1024**n for n, p in enumerate("KMGT", 1)},
}


def budget_of(memory: str | int | None, device: torch.device) -> int:
    """``"25%"`` of what is free now, ``"2GiB"``, ``"500MB"`` or a number of bytes -> bytes; None is a quarter.

    Raises:
        InputError: anything else.
    """
    text = str(QUARTER if memory is None else memory).strip()
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]*)?)\s*([%A-Za-z]*)", text)
    unit = found[2].upper() if found else "?"
    number = float(found[1]) if found else 0.0
    if isinstance(memory, bool) or unit not in {"%", *UNITS} or number <= 0 or (unit == "%" and number > 100):
        raise InputError(
            f"objective.memory={memory} is no size; give a part of what is free (25%), a size (2GiB, "
            "500MB) or a number of bytes; null is 25%"
        )
    if unit == "%":
        return int(number / 100 * free_bytes(device))
    return int(number * UNITS[unit])


def size(num_bytes: float) -> str:
    """Bytes as ``objective.memory`` takes them, rounded up: ``"3KiB"``, ``"12.4MiB"``, ``"1.3GiB"``."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB")):
        if num_bytes >= unit:
            return f"{math.ceil(num_bytes * 10 / unit) / 10:g}{name}"
    return f"{max(1, math.ceil(num_bytes / 1024))}KiB"


def free_bytes(device: torch.device) -> int:
    """What this process may still take on a device: on a GPU also what torch keeps there without using it."""
    if device.type == "cuda":
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + kept
    return free_in()
