"""Memory and disk: what calibration really took, and what only the whole data will take."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import torch

from landscape.data.dataset import Split

try:
    import resource
except ImportError:  # not a Unix
    resource = None  # type: ignore[assignment]


def peak_bytes(device: torch.device) -> int | None:
    """The most that this process has held so far: on the GPU, or in memory; None where the system does not tell."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if resource is None:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * unit


def copied_bytes(split: Split, device: torch.device, dtype: torch.dtype) -> int:
    """What ``split.to(device, dtype)`` adds; nothing where the examples are there already."""
    moved = split.x.device.type != device.type
    changed = split.x.is_floating_point() and split.x.dtype != dtype
    itemsize = dtype.itemsize if split.x.is_floating_point() else split.x.element_size()
    return split.x.numel() * itemsize if moved or changed else 0


def free_bytes(folder: Path) -> int:
    """What the disk under a folder has left; the folder need not be there yet."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free
