"""The ways to sum the events without a compiler at run time, against one another on one batch.

    python -m benchmarks.candidates [--examples 64] [--alphas 200] [--rounds 3] [--small]

One ReLU net, its hidden pre-activations at both ends already there; what is timed is all from there to the logits at
every grid point, on one thread, with the events sorted beforehand where a candidate needs them. On so few examples the
weights of a point, made anew for each, count for more in one pass per point than on a whole data set.

- numba, LLVM vectors: what the house ships; numba finds LLVM in its own wheel.
- numba, plain loops: the same sums as loops over array elements, left to LLVM to vectorise.
- torch, products per step: dense (examples x units) products per grid point, of the units that switched since the last.
- torch, one pass per point; torch.compile of it: no events at all.

The vectors win because three sums of 64 output units stay in registers while an example's events go by; plain loops
read and write them at every event. torch alone can leave out units only where no example of the batch switches them,
and what has no events pays for every unit at every point, compiled or not.

The first call of each, which compiles, is a column of its own: numba keeps its result on disk, and so the house's is
measured in fresh processes without and with it, in processor time once torch and numba are there.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numba import njit
from torch import Tensor

from benchmarks.outcome import show
from benchmarks.timing import interleaved
from landscape.objective.engine.events.events import STRETCH, SUMS_BYTES, factors_of
from landscape.objective.engine.events.kernel import EXAMPLES, SPAN, TILE, sweep_on
from landscape.objective.engine.events.packed import Packed, Scratch
from landscape.objective.engine.events.piecewise import RELU
from landscape.objective.engine.events.relu import bucket_relu
from landscape.objective.engine.events.switches import UNITS

LOAD = """
import time
import torch, numba
start = time.process_time()
from benchmarks.candidates import batch, by_vectors
by_vectors(batch(8, 4, 64))()
print(time.process_time() - start)
"""


@dataclass(frozen=True)
class Batch:
    """z0, z1 [N, H]: hidden pre-activations at both ends. w0, w1 [H, M], v0, v1 [C, M]: weights. t [A]."""

    z0: Tensor
    z1: Tensor
    w0: Tensor
    w1: Tensor
    v0: Tensor
    v1: Tensor
    t: Tensor

    def events(self) -> tuple[np.ndarray, ...]:
        """As the kernels read them."""
        (num, units), points = self.z0.shape, len(self.t)
        unit, (first, last) = np.zeros((num, 2 * units), np.int32), np.zeros((2, num, 2 * units), np.float32)
        tiles, start = np.zeros((num, -(-units // UNITS) + 1), np.int64), np.zeros((num, points + 1), np.int64)
        ends = (z.numpy() for z in (self.z0, self.z1))
        gain = np.ones((num, units), np.float32)
        bucket_relu(*ends, gain, self.t.numpy(), 0, num, unit, first, last, tiles, start)
        return unit, first, last, tiles, start


def batch(num: int, points: int, units: int) -> Batch:
    """Random weights of a trained net's size; about a fifth of the units switch."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    z0, w0, v0 = normal(num, units), normal(units, units) / units**0.5, normal(10, units) / units**0.5
    return Batch(
        z0,
        z0 + 0.8 * normal(num, units),
        w0,
        w0 + 0.5 * normal(units, units) / units**0.5,
        v0,
        v0 + 0.5 * normal(10, units) / units**0.5,
        torch.linspace(0, 1, points),
    )


def by_vectors(b: Batch) -> Callable[[], Tensor]:
    """The house's kernel."""
    events, packed = b.events(), Packed(Scratch(), (b.w0, b.w1), None, 1)
    table = packed.table((b.v0, b.v1))
    _, groups, width, _, lanes = table.shape
    num, points = len(b.z0), len(b.t)
    padded = -(-points // TILE) * TILE
    rows = EXAMPLES * max(1, SUMS_BYTES // (EXAMPLES * groups * min(padded, STRETCH) * lanes * 4))
    total = torch.zeros(-(-num // EXAMPLES) * EXAMPLES, groups, padded, lanes)
    scratch, held = np.zeros((EXAMPLES, SPAN, width), np.float32), np.zeros(packed.state.numel() * rows, np.float32)
    gain, grid = np.ones(width + packed.columns, np.float32), np.zeros(padded, np.float32)
    grid[:points] = b.t.numpy()
    factors, ramp = factors_of(b.t.double().numpy(), torch.float32), RELU.ramp(np.float32)

    def run() -> Tensor:
        total.zero_()
        sweep_on(
            packed.weight,
            *events,
            factors,
            packed.state.numpy(),
            held,
            gain,
            0,
            table.numpy(),
            grid,
            total.numpy(),
            scratch,
            0,
            num,
            rows,
            STRETCH,
            ramp,
        )
        return total[:num].permute(2, 0, 1, 3).flatten(2)[:points, :, :10]

    return run


@njit(nogil=True, fastmath=True)
def _loops(
    w0: np.ndarray,
    w1: np.ndarray,
    v0: np.ndarray,
    v1: np.ndarray,
    unit: np.ndarray,
    first: np.ndarray,
    last: np.ndarray,
    tiles: np.ndarray,
    start: np.ndarray,
    factors: np.ndarray,
    grid: np.ndarray,
    out: np.ndarray,
) -> None:
    outputs, classes = w0.shape[1], v0.shape[1]
    units, tops, ends = unit.reshape(-1), first.reshape(-1), last.reshape(-1)
    for n in range(out.shape[1]):
        p0, p1, both = np.zeros(outputs, np.float32), np.zeros(outputs, np.float32), np.zeros(outputs, np.float32)
        for i in range(out.shape[0]):
            for e in range(tiles[n, 0] if i == 0 else start[n, i], start[n, i + 1]):
                j, a, d = units[e], tops[e], ends[e]
                for m in range(outputs):
                    p0[m] += w0[j, m] * a
                    p1[m] += w1[j, m] * d
                    both[m] += (w0[j, m] + w1[j, m]) * (a + d)
            for m in range(outputs):
                bow = both[m] - 2 * (p0[m] + p1[m])
                value = p0[m] + factors[i, 0] * (p1[m] - p0[m]) + factors[i, 1] * bow
                if value > 0:
                    for c in range(classes):
                        out[i, n, c] += value * (v0[m, c] + grid[i] * (v1[m, c] - v0[m, c]))


def by_loops(b: Batch) -> Callable[[], Tensor]:
    """numba without vectors of our own."""
    events, factors = b.events(), factors_of(b.t.double().numpy(), torch.float32)
    weights = [w.contiguous().numpy() for w in (b.w0, b.w1, b.v0.t(), b.v1.t())]

    def run() -> Tensor:
        out = np.zeros((len(b.t), len(b.z0), 10), np.float32)
        _loops(*weights, *events, factors, b.t.numpy(), out)
        return torch.from_numpy(out)

    return run


def by_steps(b: Batch) -> Callable[[], Tensor]:
    """Sums by torch: at every grid point a product over the units that switched on any example since the last."""
    factors = torch.from_numpy(factors_of(b.t.double().numpy(), torch.float32))
    whole, change = b.w0 + b.w1, b.v1 - b.v0

    def run() -> Tensor:
        on, sums, found = torch.zeros_like(b.z0), [torch.zeros(len(b.z0), b.w0.shape[1]) for _ in range(3)], []
        for t, bow in factors.tolist():
            now = (torch.lerp(b.z0, b.z1, t) > 0).float()
            differs = now - on
            j = differs.abs().amax(0).nonzero()[:, 0]
            if len(j):
                h0, h1 = (differs * b.z0)[:, j], (differs * b.z1)[:, j]
                for total, h, w in zip(sums, (h0, h1, h0 + h1), (b.w0, b.w1, whole), strict=True):
                    total.addmm_(h, w[j])
            on = now
            p0, p1, both = sums
            value = p0 + t * (p1 - p0) + bow * (both - 2 * (p0 + p1))
            found.append(value.relu_() @ (b.v0 + t * change).t())
        return torch.stack(found)

    return run


def point(z0: Tensor, z1: Tensor, w0: Tensor, w1: Tensor, v0: Tensor, v1: Tensor, t: Tensor) -> Tensor:
    """The logits at one point without events."""
    return (torch.lerp(z0, z1, t).relu() @ torch.lerp(w0, w1, t)).relu() @ torch.lerp(v0, v1, t).t()


def by_points(b: Batch, forward: Callable[..., Tensor] = point) -> Callable[[], Tensor]:
    """One pass per point."""
    return lambda: torch.stack([forward(b.z0, b.z1, b.w0, b.w1, b.v0, b.v1, t) for t in b.t])


def compile_seconds() -> tuple[float, float]:
    """First call of the house's kernels in a fresh process: nothing kept on disk, then everything."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        times = [
            subprocess.run(
                [sys.executable, "-c", LOAD], env=environment, capture_output=True, text=True, check=True
            ).stdout
            for _ in range(2)
        ]
    return float(times[0].split()[-1]), float(times[1].split()[-1])


def main() -> None:
    """Time all and print one table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.candidates", description=__doc__)
    parser.add_argument("--examples", type=int, default=64, help="examples of the batch")
    parser.add_argument("--alphas", type=int, default=200, help="grid points")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds, of which the median is taken")
    parser.add_argument("--small", action="store_true", help="sizes that take seconds, to see that it runs")
    options = parser.parse_args()
    num, points, units = (8, 20, 64) if options.small else (options.examples, options.alphas, 1200)
    torch.set_num_threads(1)
    b = batch(num, points, units)
    exact = by_points(Batch(*(v.double() for v in vars(b).values())))()
    made = {
        "events, numba, LLVM vectors": by_vectors,
        "events, numba, plain loops": by_loops,
        "events, torch, products per step": by_steps,
        "one pass per point, torch": by_points,
        "one pass per point, torch.compile": lambda b: by_points(b, torch.compile(point)),
    }
    methods: dict[str, Callable[[], Tensor]] = {}
    first: dict[str, float] = {}
    for name, make in made.items():
        start = time.perf_counter()
        try:
            run = make(b)
            run()
        except Exception as error:  # what fails is a compiler, of which there are many
            print(f"{name} does not work here: {str(error).splitlines()[0]}")
            continue
        methods[name], first[name] = run, time.perf_counter() - start
    seconds = interleaved(methods, options.rounds)
    base = seconds["one pass per point, torch"]
    rows = [
        [name, took, base / took, first[name], float((methods[name]() - exact).abs().max() / exact.abs().max())]
        for name, took in seconds.items()
    ]
    fresh, kept = compile_seconds()
    rows.append(["the kernels in a fresh process, nothing kept", fresh, "-", "-", "-"])
    rows.append(["the same, compiled code kept on disk", kept, "-", "-", "-"])
    columns = ["candidate", "seconds", "x one pass per point", "first call", "largest error of the largest logit"]
    show(
        f"{units} hidden units twice, {num} examples x {points} grid points, behind the first layer",
        columns,
        rows,
        "candidates",
        small=options.small,
    )


if __name__ == "__main__":
    main()
