"""``python -m benchmarks.trajectory``: projection and residual of many snapshots on their line, out of a file.

A file of float32 snapshots that wander about a line, as training leaves it, in the system's cache of files. Against the
house's one pass over it: reading it and nothing else, NumPy on the array in memory, and a loop in float64 with torch.
The last two are linear in the snapshots; they get every tenth of them, and their time and NumPy's memory are scaled.
The house's pass over that array in memory tells how much of its time is arithmetic.
The error is the largest difference to the float64 loop, in units of |theta_f - theta_i|; the memory what a process
holds beyond the file's pages and the two ends.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.limit import COLUMNS, beside
from benchmarks.outcome import parser, show, target, told
from benchmarks.timing import interleaved, profiled
from landscape.store.streaming import shadow

BLOCK = 1 << 24
"""Bytes of one read."""
FEWER = 10
"""NumPy and the float64 loop get every tenth snapshot."""
PAGE = 4096
READING, HOUSE = "reading the file, nothing else", "the house, one pass over the file"
NUMPY, LOOP = "NumPy on the array in memory, float32", "float64 loop, torch"


def write(file: Path, num: int, size: int) -> None:
    """``num`` snapshots of ``size`` numbers: along a line, and aside by a tenth of its length at most."""
    rng = np.random.default_rng(0)
    start, end, aside = (rng.standard_normal(size).astype(np.float32) for _ in range(3))
    thetas = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=(num, size))
    for t, alpha in enumerate(np.linspace(0, 1, num)):
        thetas[t] = (1 - alpha) * start + alpha * end + 0.1 * np.sin(np.pi * alpha) * aside
    thetas.flush()


def read(file: Path) -> int:
    """Every byte of the file into one buffer, piece by piece."""
    buffer, total = bytearray(BLOCK), 0
    with file.open("rb", buffering=0) as stream:
        while count := stream.readinto(buffer):
            total += count
    return total


def in_memory(thetas: np.ndarray, start: np.ndarray, line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """NumPy, float32 [T, P]: the differences, a product, the norms of what is left. -> projection, residual [T]."""
    moved = thetas - start
    along = moved @ line
    moved -= along[:, None] * line
    return along, np.linalg.norm(moved, axis=1)


def loop(thetas: np.ndarray, start: torch.Tensor, line: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """torch, one snapshot after the other in float64; start and line [P]."""
    along, aside = [], []
    for row in thetas:
        moved = torch.from_numpy(np.array(row)).double() - start
        p = moved @ line
        along.append(float(p))
        aside.append(float(torch.linalg.vector_norm(moved - p * line)))
    return np.array(along), np.array(aside)


def held(run: Callable[[], Any]) -> float:
    """Most megabytes of its own, files' pages aside, that the process gains while ``run`` works; 0 off Linux."""
    before, most, done = _anonymous(), [0], threading.Event()

    def watch() -> None:
        while not done.is_set():
            most[0] = max(most[0], _anonymous() - before)
            time.sleep(0.002)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        run()
    finally:
        done.set()
        watcher.join()
    return most[0] / 1e6


def _anonymous() -> int:
    """Resident bytes that belong to no file."""
    try:
        _, resident, shared, *_ = map(int, Path("/proc/self/statm").read_text().split())
    except OSError:
        return 0
    return (resident - shared) * PAGE


def main() -> None:
    """Write the file, time, compare, print."""
    options = parser("trajectory", __doc__, rounds=2)
    options.add_argument("--snapshots", type=int, default=200)
    options.add_argument("--parameters", type=int, default=2_100_000)
    given = options.parse_args()
    num, size = (40, 200_000) if given.small else (given.snapshots, given.parameters)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "trajectory.npy"
        write(file, num, size)
        _compare(file, num, size, given)


def _compare(file: Path, num: int, size: int, given: Any) -> None:
    thetas: np.ndarray = np.load(file, mmap_mode="r")
    start = thetas[0].astype(np.float64)
    line = thetas[-1].astype(np.float64) - start
    length = float(np.linalg.norm(line))
    line /= length
    threads = torch.get_num_threads()
    tensors = torch.from_numpy(start), torch.from_numpy(line)
    few = thetas[::FEWER]

    def ours() -> Any:
        return shadow(thetas, start, line, threads)

    ours()  # compiles, which is no part of what a snapshot costs
    loaded = np.array(few)
    scale = num / len(few)
    small = start.astype(np.float32), line.astype(np.float32)
    methods: dict[str, Callable[[], Any]] = {
        READING: lambda: read(file),
        HOUSE: ours,
        f"{HOUSE}, were it in memory": lambda: shadow(loaded, start, line, threads),
        NUMPY: lambda: in_memory(loaded, *small),
        LOOP: lambda: loop(few, *tensors),
    }
    memory = {name: held(methods[name]) for name in (HOUSE, NUMPY, LOOP)}
    memory[NUMPY] = scale * (memory[NUMPY] + loaded.nbytes / 1e6)
    seconds = interleaved(methods, given.rounds)
    for name in methods:
        seconds[name] *= 1 if name in (READING, HOUSE) else scale
    exact = loop(few, *tensors)
    found = {HOUSE: [values[::FEWER] for values in ours()[:2]], NUMPY: in_memory(loaded, *small)}
    error = {
        name: max(float(np.abs(a - b).max()) for a, b in zip(values, exact, strict=True)) / length
        for name, values in found.items()
    }
    size_of = thetas.nbytes / 1e9
    rows = [
        [
            *[name, value, size_of / value, seconds[LOOP] / value],
            *[error.get(name, "-"), memory.get(name, "-"), *beside(seconds[READING], value)],
        ]
        for name, value in seconds.items()
    ]
    parts = profiled(ours)
    arithmetic = seconds[f"{HOUSE}, were it in memory"] / seconds[HOUSE]
    why = f"the same pass over an array in memory takes {arithmetic:.0%} of its time: products in float64, not reading"
    goals = [
        target("times faster than the float64 loop", seconds[LOOP] / seconds[HOUSE], least=15, why=told(parts, 1)),
        target("share of the bandwidth of reading the file", seconds[READING] / seconds[HOUSE], least=0.8, why=why),
        target("error in units of |theta_f - theta_i|", error[HOUSE], most=1e-6),
    ]
    columns = [
        "method",
        "seconds",
        "GB/s of the file",
        "x float64 loop",
        "largest error",
        "peak MB beyond the file",
        *COLUMNS,
    ]
    notes = [f"{num} snapshots of {size:,} parameters, {thetas.nbytes / 1e9:.2f} GB"]
    show("projection of a trajectory", columns, rows, "trajectory", goals, parts, notes, given.small)


if __name__ == "__main__":
    main()
