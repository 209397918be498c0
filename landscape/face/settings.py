"""What ``measure`` takes by name, as editors and type checkers know it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypedDict

import torch
from torch import nn


class Settings(TypedDict, total=False):
    """Every keyword of ``measure``, whose docstring says what each means."""

    alphas: Any
    mode: str
    seeds: Sequence[int] | None
    num_replicates: int
    slopes: int
    noise: bool
    dtype: str | torch.dtype
    device: torch.device | str
    batch_size: int | None
    memory: str | int | None
    running_statistics: str | None
    calibration: Any
    call: Callable[[nn.Module, Any], Any] | None
    num_examples: int | None
    progress: bool | None
    resume: str | Path | None
    tolerance: float | None
