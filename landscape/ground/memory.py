"""How much memory this process may still take, under every limit on it."""

from __future__ import annotations

import os
from pathlib import Path

UNKNOWN = 4 << 30
"""Taken as free where the system does not tell."""


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
