"""Interleaved timings, and the machine and versions that they were taken on."""

from __future__ import annotations

import cProfile
import importlib.util
import os
import platform
import time
from collections import Counter
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

ROUNDS = 2
PACKAGES = ("landscape-walk", "torch", "numpy", "numba", "scipy", "sympy", "loss-landscapes")
TRACED = "operators of a traced graph"


def interleaved(
    methods: Mapping[str, Callable[[], Any]], rounds: int = ROUNDS, warm: Callable[[str], bool] = lambda name: True
) -> dict[str, float]:
    """Least seconds of each method; one call of each per round, so that a busy moment hits all alike.

    The least, not the middle: other work on the machine only ever adds.

    Args:
        methods: name -> what to run. rounds: timed calls of each.
        warm: whether a method gets an untimed call first, which loads kernels and fills caches.
    """
    for name, run in methods.items():
        if warm(name):
            run()
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(rounds):
        for name, run in methods.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return {name: min(values) for name, values in seconds.items()}


def profiled(run: Callable[[], Any], parts: int = 6) -> list[list[Any]]:
    """Where the time of one call goes: ``[share of the time, calls, function]``, the largest first.

    Time inside a function, not inside what it calls; a compiled kernel counts for the function that calls it. The
    operators of a traced graph have one name in common for Python's profiler: torch's own tells them apart.
    """
    profiler = cProfile.Profile()
    profiler.runcall(run)
    seconds: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    for entry in profiler.getstats():  # not pstats, which keeps one of those that have the same name
        name = _name(entry.code)
        seconds[name] += entry.inlinetime
        calls[name] += entry.callcount
    total = seconds.total() or 1.0
    apart = f"{TRACED} (of all operators: {_operators(run)})" if seconds[TRACED] > 0.1 * total else TRACED
    return [
        [round(value / total, 4), calls[name], apart if name == TRACED else name]
        for name, value in seconds.most_common(parts)
    ]


def _operators(run: Callable[[], Any]) -> str:
    """``conv 30%, lerp 12%``: the operators that take the most of a call, by torch's own profiler."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        run()
    events = sorted(profile.key_averages(), key=lambda event: -event.self_cpu_time_total)
    total = sum(event.self_cpu_time_total for event in events) or 1.0
    return ", ".join(f"{e.key.removeprefix('aten::')} {e.self_cpu_time_total / total:.0%}" for e in events[:3])


def _name(code: Any) -> str:
    """``engine/events.py: add``; of a method of C only its name."""
    if isinstance(code, str):
        name = code.strip("<>").removeprefix("built-in method ").removeprefix("method ")
        return TRACED if name.startswith("torch._ops.") else name
    return f"{'/'.join(Path(code.co_filename).parts[-2:])}: {code.co_name}"


def have(package: str) -> bool:
    """Whether a module can be imported."""
    return importlib.util.find_spec(package) is not None


def machine() -> dict[str, Any]:
    """Processor, cores and threads of this run."""
    names = [line.split(":", 1)[1].strip() for line in _cpuinfo() if line.startswith("model name")]
    threads = os.environ.get("OMP_NUM_THREADS", "default")
    return {
        "processor": names[0] if names else platform.machine(),
        "cores": os.cpu_count(),
        "threads": threads,
        "load": round(os.getloadavg()[0], 2),
    }


def versions() -> dict[str, str]:
    """Of Python and of the packages whose speed is compared."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _cpuinfo() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []
