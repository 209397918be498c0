"""Times of a few calls, within a budget."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch

GROWTH = 8
"""Samples grow by this factor, or by 2 where that would take too long."""
PATIENCE = 5.0
"""Seconds of a first call from which on there is no second. A first call may load half of torch, so that it says
little; but one this long may well be the work itself."""


def seconds_of(call: Callable[[], object], device: torch.device, budget: float, most: int = 3) -> float:
    """The median of one to ``most`` calls that fit the budget, after a first one to warm up."""
    first = _once(call, device)
    if first > PATIENCE:
        return first
    times = [_once(call, device)]
    while len(times) < most and sum(times) + times[-1] <= budget:
        times.append(_once(call, device))
    return statistics.median(times)


def _once(call: Callable[[], object], device: torch.device) -> float:
    start = time.perf_counter()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def seconds_at(
    size: int,
    first: int,
    sample: Callable[[int], Callable[[], object]],
    device: torch.device,
    budget: float,
    enough: float = 0.0,
    warms_up: bool = True,
) -> float:
    """What a call of ``size`` takes.

    Smaller sizes are tried first, as far as the budget goes; from there on the time is a straight line through the
    two largest.

    Args:
        size: wanted. first: to begin with. sample: (size) -> call of that size. budget: seconds after the first size.
        enough: a call shorter than this need not be known any better.
        warms_up: whether a call of each new size comes first that does not count; of the first size one always does.
    """
    now = min(first, size)
    tried = [(now, seconds_of(sample(now), device, budget / 4, most=3 if now == size else 1))]
    end = time.perf_counter() + budget
    while now < size and _line(tried, size) > enough:
        left = end - time.perf_counter()
        most = left / 2 if warms_up else left
        steps = [num for num in (GROWTH * now, 2 * now) if _line(tried, min(num, size)) <= most]
        if not steps:
            break
        now = min(steps[0], size)
        call, repeats = sample(now), 3 if now == size else 1
        tried.append((now, seconds_of(call, device, left, repeats) if warms_up else _once(call, device)))
    return _line(tried, size)


def _line(tried: list[tuple[int, float]], size: int) -> float:
    """The time of ``size`` on the straight line through the last two (size, time), or through the origin and one."""
    (before, earlier), (now, last) = [(0, 0.0), *tried][-2:]
    slope = max(0.0, (last - earlier) / (now - before))
    return last + min(slope, last / now) * (size - now)
