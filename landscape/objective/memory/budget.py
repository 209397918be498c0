"""How much memory may be used: what is free under every limit on this process, and a stated part of it."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path

import torch

from landscape.errors import InputError

QUARTER = "25%"
UNKNOWN = 4 << 30
"""Taken as free where the system does not tell."""
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


def free_in(proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> int:
    """Free memory of this machine, or of the tightest control group (a container's limit) if that leaves less."""
    try:
        fields = dict(line.split(":", 1) for line in (proc / "meminfo").read_text().splitlines() if ":" in line)
        free = int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):  # not Linux
        try:
            free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
        except (AttributeError, ValueError, OSError):
            free = UNKNOWN
    return max(0, min([free, *_left_in_groups(proc, groups)]))


def _left_in_groups(proc: Path, groups: Path) -> list[int]:
    """What each limit leaves on the way from this process's control group to the root, by version 2 or 1."""
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return []
    left = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            top, limit, used, idle = groups, "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            top, limit, used = groups / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            idle = "total_inactive_file"
        else:
            continue
        folder = top / path.lstrip("/")
        # Inside a container its own path may not be visible; its limits then stand at the top.
        for place in [folder, *folder.parents][: len(folder.parts) - len(top.parts) + 1]:
            try:
                most, now = int((place / limit).read_text()), int((place / used).read_text())
            except (OSError, ValueError):  # no such group here, or "max"
                continue
            left.append(most - now + _idle(place / "memory.stat", idle))
    return left


def _idle(file: Path, name: str) -> int:
    """Bytes of files in memory that the system gives back when somebody needs them."""
    try:
        return next((int(v) for k, v in (line.split() for line in file.read_text().splitlines()) if k == name), 0)
    except (OSError, ValueError):
        return 0
