"""Times of a few calls, within a budget."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch

GROWTH = 8
"""Samples grow by this factor: a small one says what the next will cost, and the two largest what one more costs."""


def seconds_of(call: Callable[[], object], device: torch.device, budget: float, most: int = 3) -> float:
    """The median of up to ``most`` calls after a first one to warm up; the first alone if it spent the budget."""
    cold = _once(call, device)
    spent, times = cold, list[float]()
    while len(times) < most and spent + (times[-1] if times else cold) <= budget:
        times.append(_once(call, device))
        spent += times[-1]
    return statistics.median(times) if times else cold


def _once(call: Callable[[], object], device: torch.device) -> float:
    start = time.perf_counter()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def seconds_at(
    size: int, first: int, sample: Callable[[int], Callable[[], object]], device: torch.device, budget: float
) -> tuple[float, int]:
    """What a call of ``size`` takes, and the largest size that was tried.

    Smaller sizes are tried first, as far as the budget goes; from there on the time is a straight line through the
    two largest.

    Args:
        size: wanted. first: to begin with. sample: (size) -> call of that size. budget: seconds.
    """
    end = time.perf_counter() + budget
    now = min(first, size)
    tried = [(now, seconds_of(sample(now), device, budget / 4))]
    while now < size:
        left = end - time.perf_counter()
        longer = min(size, GROWTH * now)
        if tried[-1][1] * longer / now > left / 2:  # half for the call that warms up
            break
        now = longer
        tried.append((now, seconds_of(sample(now), device, left)))
    if now == size:
        return tried[-1][1], now
    slope = tried[-1][1] / now
    if len(tried) > 1:
        slope = min(slope, max(0.0, (tried[-1][1] - tried[-2][1]) / (now - tried[-2][0])))
    return tried[-1][1] + slope * (size - now), now
