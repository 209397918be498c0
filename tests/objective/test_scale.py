"""How much memory a large network and a long stream take: peaks of processes of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.scale import measured

pytestmark = pytest.mark.slow
MIB = 2**20
STREAM = """
import sys, torch
from torch import nn
import landscape as ls
from benchmarks.scale import peak

NUM, WIDTH, SIZE = int(sys.argv[1]), 64, 250

def batches():
    draw = torch.Generator().manual_seed(0)
    for _ in range(NUM // SIZE):
        yield torch.randn(SIZE, WIDTH, generator=draw), torch.randint(5, (SIZE,), generator=draw)

nets = [nn.Linear(WIDTH, 5) for _ in range(2)]
curve = ls.measure(nets[0], ls.line(*nets), data=batches, cost=nn.CrossEntropyLoss(), alphas=11, progress=False)
assert len(curve.alphas) == 11
print(peak())
"""


def test_a_stream_of_any_length_takes_the_same_memory() -> None:
    """200,000 generated examples, 51 MB of inputs in all, at most a few MiB more than 20,000; noise included."""
    peaks = {}
    for num in (20_000, 200_000):
        done = subprocess.run(
            [sys.executable, "-c", STREAM, str(num)],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        peaks[num] = int(done.stdout)
    assert peaks[200_000] < peaks[20_000] + 8 * MIB, peaks


def test_a_large_network_takes_four_copies_of_its_parameters_beyond_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 9 million parameters more. What is freed goes back at once, else each peak varies by most of a copy."""
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "131072")  # of glibc: fixed, where it grows with what was freed
    small, large = (measured(width, 2, 3, rounds=1) for width in (1024, 2048))

    def more(method: str) -> int:  # what the program itself takes is in both
        return int(large[method]["peak"] - small[method]["peak"])

    copy = 4 * (large["loop"]["num"] - small["loop"]["num"])
    assert abs(more("loop") / copy - 4) < 0.05  # three nets, and the point that is loaded
    for method in ("resident", "stream"):
        beyond = (more(method) - more("loop")) / copy
        assert beyond < 4.05, (method, beyond)  # four copies and the pages of a few activations
