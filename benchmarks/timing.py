"""Interleaved timings, their ratios, and the machine they were taken on."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROUNDS = 3


def interleaved(methods: Mapping[str, Callable[[], Any]], rounds: int = ROUNDS) -> dict[str, float]:
    """Median seconds of each method; one call of each per round, so that a busy moment hits all alike.

    Args:
        methods: name -> what to run; one untimed call of each comes first.
    """
    for run in methods.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(rounds):
        for name, run in methods.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def machine() -> dict[str, Any]:
    """Processor, cores and threads of this run."""
    names = [line.split(":", 1)[1].strip() for line in _cpuinfo() if line.startswith("model name")]
    threads = os.environ.get("OMP_NUM_THREADS", "default")
    return {"processor": names[0] if names else platform.machine(), "cores": os.cpu_count(), "threads": threads,
            "load": round(os.getloadavg()[0], 2), "python": platform.python_version()}  # fmt: skip


def _cpuinfo() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []


def show(title: str, columns: list[str], rows: list[list[Any]], name: str) -> None:
    """Print a table and write ``benchmarks/out/NAME.json``."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(f"{v:.3g}" if isinstance(v, float) else str(v) for v in row))
    screen = Console(width=None if Console().is_terminal else 120)
    screen.print(table)
    screen.print(", ".join(f"{k} {v}" for k, v in machine().items()))
    out = Path(__file__).parent / "out"
    out.mkdir(exist_ok=True)
    content = {"title": title, "machine": machine(), "columns": columns, "rows": rows}
    temporary = out / f".{name}.json"
    temporary.write_text(json.dumps(content, indent=1) + "\n")
    os.replace(temporary, out / f"{name}.json")
