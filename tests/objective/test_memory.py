"""Objectives stay within objective.memory, say what the least is, and give the same values under any budget."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from landscape.cost import CrossEntropy
from landscape.objective import Objective
from landscape.objective.memory.passes import TooLittle
from landscape.objective.slope import slope_passes, slopes
from landscape.parameters import ParameterLayout
from landscape.path import Linear
from tests.twin import C, D, maxout, normal, split
from tests.zoo import Net

GROWTH = """
import ctypes, gc, json, sys
import numpy as np, torch
from torch import nn
from landscape.cost import CrossEntropy
from landscape.data import Split
from landscape.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import Linear, Plane
from landscape.objective.slope import slopes

def status(name):
    return next(1024 * int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name))

def net():
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))

torch.manual_seed(0)
torch.set_num_threads(1)
split = Split(torch.randn(12_000, 64), torch.randint(10, (12_000,)))
ends = [ParameterLayout.of(net()).theta(net())[None] for _ in range(3)]

def growth(kind, memory, points, split):
    engine = {"prefix": "prefix", "events": "events", "plane": "events"}.get(kind, "plain")
    # Taller than wide, so that rows are its short side; 40 is the number of points on one.
    sides = np.linspace(0, 1, max(1, points // 40)), np.linspace(0, 1, 40)
    path = Plane(*ends, *sides) if kind == "plane" else Linear(*ends[:2])
    objective = Objective(net(), CrossEntropy(), split, engine=engine, memory=memory)
    alphas = path.points if kind == "plane" else np.linspace(0, 1, points)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the most so far is forgotten
    before = status("VmRSS")
    if kind == "slopes":
        slopes(objective, path, alphas, 2)
    else:
        objective.along(path, alphas, keep_costs=kind == "costs")
    return status("VmHWM") - before - (status("RssFile") if kind == "costs" else 0)

found = []
for kind, memory, num, points in json.loads(sys.argv[1]):
    growth(kind, memory, 5, split.first(200))  # code that is read at its first use is no part of a budget
    found.append(growth(kind, memory, points, split.first(num)))
print(json.dumps(found))
"""
CASES = [("plain", 4, 12_000, 5), ("prefix", 8, 50, 500), ("events", 16, 150, 1000)]
"""(what, MiB, examples, points); the first and the last would take more than their budget without one."""
MORE = [
    ("plain", 4, 50, 5000),
    ("prefix", 8, 12_000, 5),
    ("prefix", 8, 50, 5000),
    ("slopes", 8, 12_000, 2),
    ("events", 16, 12_000, 5),
    ("events", 16, 300, 500),
    ("events", 16, 60, 5000),
    ("plane", 16, 300, 1640),
    ("plane", 16, 12_000, 200),
]


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="only Linux tells the most memory held")
@pytest.mark.slow
@pytest.mark.parametrize("cases", [CASES, MORE], ids=["few", "many"])
def test_memory_stays_within_the_budget(cases: list[tuple[str, int, int, int]]) -> None:
    """From 5 to 5,000 points and on every engine, as the system counts it."""
    asked = json.dumps([(what, f"{budget}MiB", num, points) for what, budget, num, points in cases])
    env = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "PYTHONPATH": str(Path(__file__).parents[2])}
    ran = subprocess.run([sys.executable, "-c", GROWTH, asked], capture_output=True, text=True, env=env, check=False)
    assert ran.returncode == 0, ran.stderr
    for case, grown in zip(cases, json.loads(ran.stdout), strict=True):
        assert grown <= case[1] << 20, (case, grown / 2**20)


def line(module: nn.Module, num: int = 1) -> Linear:
    size = ParameterLayout.of(module).num_parameters
    return Linear(0.8 * normal(num, size, seed=1), 0.7 * normal(num, size, seed=2))


ALPHAS, NUM = np.linspace(-0.2, 1.3, 4), 37


def masked(memory: str | int | None, **other: Any) -> Objective:
    """A maxout net with dropout, two seeds and two mask replicates."""
    given = {"mode": "stochastic", "seeds": [4, 7], "num_replicates": 2, "dtype": "float64", **other}
    return Objective(maxout(), CrossEntropy(), split(NUM, 1), memory=memory, **given)


def least_of(call: Callable[[], object]) -> str:
    """What the error says that would do."""
    with pytest.raises(TooLittle, match=r"^objective\.memory=1kB is too little for one example at one point") as fault:
        call()
    found = re.search(r"set objective\.memory=(\S+) or more$", str(fault.value))
    assert found is not None
    return found[1]


def test_the_least_that_is_told_does() -> None:
    """It is enough for every point and engine, and gives the values of a large budget."""
    least = least_of(lambda: masked("1kB").passes)
    small, large = masked(least), masked("1GB")
    assert small.batch_size < NUM <= large.batch_size
    for engine in ("plain", "prefix", "events"):
        small.engine = engine
        found, expected = (o.along(line(maxout(), 2), ALPHAS, keep_costs=True) for o in (small, large))
        np.testing.assert_allclose(found.replicates, expected.replicates, rtol=1e-12)
        assert found.costs is not None and expected.costs is not None
        np.testing.assert_allclose(found.costs, expected.costs, rtol=1e-5)


def test_derivatives_take_more_and_say_so() -> None:
    def derived(memory: str) -> Objective:
        return masked(memory, seeds=[4], num_replicates=1)

    least = least_of(lambda: slopes(derived("1kB"), line(maxout()), ALPHAS[:2], 2))
    small, large = (slopes(derived(memory), line(maxout()), ALPHAS[:2], 2) for memory in (least, "1GB"))
    for name, values in large.items():
        np.testing.assert_allclose(small[name], values, rtol=1e-10)
    takes = [masked("1GB").passes.foot.of(NUM), *(slope_passes(masked("1GB"), k).foot.of(NUM) for k in (1, 2))]
    assert takes[0] < takes[1] < takes[2]


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux tells what lies in a file")
def test_kept_costs_have_no_room_in_a_tight_budget() -> None:
    """They go to a file then, and what they take in memory is left to nobody else."""
    tight = masked(least_of(lambda: masked("1kB").passes))
    assert _is_mapped(tight) and not _is_mapped(masked("1GB"))
    passes = masked("1MiB").passes
    assert passes.limit(4, held=1000.0).bytes == passes.limit(4).bytes - 1000


def _is_mapped(objective: Objective) -> bool:
    """Whether the costs lie in a file, which has no name any more."""
    costs = objective.along(line(maxout(), 2), ALPHAS, keep_costs=True).costs
    assert costs is not None
    address = costs.__array_interface__["data"][0]
    for mapped in Path("/proc/self/maps").read_text().splitlines():
        first, last = (int(end, 16) for end in mapped.split()[0].split("-"))
        if first <= address < last:
            return "(deleted)" in mapped
    raise AssertionError("no such memory")


class Waits(TorchDispatchMode):
    """How often somebody looks at a value, for which a GPU would have to finish all before it."""

    num = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.num += func.overloadpacket.__name__ in ("_local_scalar_dense", "nonzero", "equal", "is_nonzero")
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("what", ["values", "slopes", "together"])
def test_nobody_waits_for_a_batch(what: str) -> None:
    """However many batches and points there are, no value is looked at before the end."""
    module = nn.Sequential(nn.Linear(D, 4), nn.Tanh(), nn.Linear(4, C))
    path, looked = line(module), []
    for batch_size in (NUM, 5):
        together = 3 if what == "together" else None
        objective = Objective(
            module,
            CrossEntropy(),
            split(NUM, 1),
            dtype="float64",
            batch_size=batch_size,
            engine="plain",
            alphas_at_once=together,
        )
        _ = objective.passes
        with Waits() as waits:
            slopes(objective, path, ALPHAS, is_compared=True) if what == "slopes" else objective.along(path, ALPHAS)
        looked.append(waits.num)
    assert looked == [0, 0]


def asking(m: Any, x: Tensor) -> Tensor:
    """Notes whether TF32 is on."""
    m.seen += [torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32]
    return m.layer(x)


def test_nothing_is_measured_in_tf32() -> None:
    """Whatever the caller allows; afterwards it is allowed again."""
    path = line(nn.Linear(D, C))
    net = Net(asking, layer=nn.Linear(D, C), seen=[])
    objective = Objective(net, CrossEntropy(), split(23, 1), dtype="float64", engine="plain")
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = True
    try:
        for call in (lambda: objective.along(path, ALPHAS), lambda: slopes(objective, path, ALPHAS)):
            _ = objective.passes
            objective.module.seen.clear()  # type: ignore[union-attr,operator]
            call()
            assert len(objective.module.seen) >= 2 * len(ALPHAS) and not any(objective.module.seen)  # type: ignore[arg-type]
        assert torch.backends.cuda.matmul.allow_tf32
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before
