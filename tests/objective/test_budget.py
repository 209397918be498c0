"""What a stated memory budget comes to, and what is chosen by it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from landscape.errors import InputError
from landscape.objective.memory.budget import budget_of, free_bytes, free_in, size
from landscape.objective.memory.footprint import Live
from landscape.objective.memory.passes import MOST_CPU, MOST_CUDA, Footprint, Passes, Wants

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
GIB = 1 << 30


@pytest.mark.parametrize(
    ("given", "expected"), [("1kB", 1000), ("1.5 MiB", 1.5 * (1 << 20)), ("2gib", 2 * GIB), (4096, 4096), ("7", 7)]
)
def test_sizes_are_read(given: str | int, expected: float) -> None:
    assert budget_of(given, CPU) == expected


@pytest.mark.parametrize("given", ["-3", -3, 0, "0%", "101%", "banana", "", "3 apples", True, "1e3", "nan"])
def test_what_is_no_size_is_refused(given: str | int) -> None:
    with pytest.raises(InputError, match=rf"objective\.memory={given} is no size; give a part of what is free"):
        budget_of(given, CPU)


@pytest.mark.parametrize("num", [1, 1024, 1025, 1023.5 * 1024, 1 << 20, (1 << 20) + 1, 1023.7 * (1 << 20), 1.25 * GIB])
def test_a_size_that_is_told_is_never_less(num: float) -> None:
    """Whoever sets what an error message tells has enough, and not much more."""
    told = budget_of(size(num), CPU)
    assert int(num) <= told <= max(1.1 * num, num + 1024)


def test_a_quarter_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("landscape.objective.memory.budget.free_in", lambda: 4 * GIB)
    assert budget_of(None, CPU) == budget_of("25%", CPU) == GIB and budget_of("50%", CPU) == 2 * GIB


def meminfo(folder: Path, kib: int) -> Path:
    (folder / "self").mkdir(parents=True)
    (folder / "meminfo").write_text(f"MemTotal: 99999999 kB\nMemAvailable:    {kib} kB\n")
    return folder


def test_the_tightest_limit_counts(tmp_path: Path) -> None:
    """Version 2: a parent's limit is the tighter one; what files hold in memory is given back when needed."""
    proc, groups = meminfo(tmp_path / "proc", 1 << 20), tmp_path / "cgroup"
    (proc / "self" / "cgroup").write_text("0::/outer/inner\n")
    for place, most, now in (("outer", 500_000, 300_000), ("outer/inner", "max", 200_000)):
        (groups / place).mkdir(parents=True)
        (groups / place / "memory.max").write_text(f"{most}\n")
        (groups / place / "memory.current").write_text(f"{now}\n")
        (groups / place / "memory.stat").write_text("anon 5\ninactive_file 50000\n")
    assert free_in(proc, groups) == 250_000
    (groups / "outer" / "memory.max").write_text("max\n")
    assert free_in(proc, groups) == GIB


def test_limits_of_the_older_kind(tmp_path: Path) -> None:
    """Version 1, inside a container: its own path is not visible there, the limit stands at the top."""
    proc, groups = meminfo(tmp_path / "proc", 1 << 20), tmp_path / "cgroup"
    (proc / "self" / "cgroup").write_text("5:cpu:/docker/ab\n4:memory:/docker/ab\n")
    (groups / "memory").mkdir(parents=True)
    (groups / "memory" / "memory.limit_in_bytes").write_text("800000")
    (groups / "memory" / "memory.usage_in_bytes").write_text("700000")
    (groups / "memory" / "memory.stat").write_text("total_inactive_file 1000\n")
    assert free_in(proc, groups) == 101_000


@pytest.fixture
def fake_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU with 40 of 80 GiB free and 2 more that torch keeps without using them."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (40 * GIB, 80 * GIB))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 3 * GIB)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 1 * GIB)


@pytest.mark.usefixtures("fake_gpu")
def test_a_quarter_of_the_gpu() -> None:
    assert free_bytes(CUDA) == 42 * GIB and budget_of(None, CUDA) == 10.5 * GIB


def passes(foot: Footprint, num: int, memory: str | None, device: torch.device = CUDA, **other: object) -> Passes:
    batch_size, together = other.get("batch_size"), other.get("alphas_at_once")
    wants = Wants(memory, budget_of(memory, device), batch_size, together)  # type: ignore[arg-type]
    return Passes(foot, wants, num, None, device, bool(other.get("draws")))


@pytest.mark.usefixtures("fake_gpu")
def test_a_gpu_takes_all_examples_and_as_many_points_as_fill_it() -> None:
    """Digits: 1,797 examples of 3 kB each; 50 points hold 256 MiB. MNIST, 10 kB each: two blocks, one point."""
    digits = passes(Footprint(1e6, 10.0, 3e3, 1e5, 0.0), 1797, None)
    assert digits.examples == MOST_CUDA and digits.whole == 1797
    assert digits.limit(200).together == math.ceil((256 << 20) / (1797 * 3e3)) == 50
    assert digits.limit(20).together == 20 and digits.limit(200, one_by_one=True).together == 1
    mnist = passes(Footprint(1e7, 10.0, 1e4, 1e7, 0.0), 60_000, None)
    assert mnist.whole == 60_000 and mnist.limit(200).together == 1


@pytest.mark.usefixtures("fake_gpu")
def test_a_tight_budget_means_fewer_points_and_then_fewer_examples() -> None:
    foot = Footprint(1e6, 10.0, 3e3, 1e5, 0.0)
    for memory, examples, together in (("60MB", 1797, 10), ("20MB", 1797, 3), ("7MB", 1797, 1), ("2MB", 250, 1)):
        found = passes(foot, 1797, memory)
        limit = found.limit(200)
        assert (found.whole, limit.together) == (examples, together)
        assert foot.of(found.whole, limit.together) <= found.wants.budget
        assert foot.of(found.whole, limit.together + 1) > found.wants.budget or together == 1


@pytest.mark.usefixtures("fake_gpu")
def test_torch_dropout_has_one_number_of_examples_everywhere() -> None:
    """Its masks depend on that number, so a GPU takes no more than a CPU, and no budget changes it."""
    foot = Footprint(0.0, 0.0, 1e3, 0.0, 0.0)
    assert passes(foot, 60_000, None, draws=True).examples == MOST_CPU == passes(foot, 60_000, "1GB", CPU).examples
    with pytest.raises(InputError, match=r"the 5000 examples of a pass \(their number decides torch's own dropout"):
        passes(foot, 60_000, "1MB", draws=True)


def test_what_points_carry_makes_several_passes() -> None:
    found = passes(Footprint(0.0, 0.0, 1e3, 0.0, 1e5), 100, "1MB", CPU)
    assert found.points(200) == 9 and found.points(5) == 5 and found.points(200, held=5e5) == 4
    assert found.limit(9).bytes == 1e5 and found.limit(4, held=5e5).bytes == 1e5


@pytest.mark.parametrize(
    ("each", "theta", "wanted", "expected"),
    [
        (1e3, 1e6, None, MOST_CPU),
        (2e5, 4e6, None, 160),
        (2e5, 4e6, 1000, 1000),
        (1e9, 4e6, None, 1),
        (1.5e4, 1e7, None, MOST_CPU),
    ],
)
def test_a_pass_on_a_cpu_stays_within_its_cache(each: float, theta: float, wanted: int | None, expected: int) -> None:
    """Unless somebody says how many, or theta, which every pass combines anew, is as large."""
    foot = Footprint(0.0, 0.0, each, 3 * theta, 0.0)
    assert passes(foot, 60_000, "64GiB", CPU, batch_size=wanted).examples == expected
    if each < 1e9:
        assert passes(foot, 60_000, "64GiB", CPU, draws=True).examples == MOST_CPU


def test_products_are_counted() -> None:
    layer, x = torch.nn.Conv2d(3, 4, 3), torch.ones(2, 3, 8, 8)
    with torch.no_grad(), Live() as live:
        torch.relu(layer(x)) @ torch.ones(6, 5)
    assert live.flops == 2 * 2 * 4 * 36 * (3 * 9) + 2 * 2 * 4 * 6 * 6 * 5


def test_products_of_data_and_parameters_are_told_from_those_behind_them() -> None:
    """Also through views, copies and what is made of parameters or of data alone."""
    first, second, x = torch.nn.Linear(3, 4), torch.nn.Linear(4, 2, bias=False), torch.ones(5, 3)
    with torch.no_grad(), Live([*first.parameters(), *second.parameters()]) as live:
        h = (2 * x).flip(1) @ (first.weight / first.weight.norm()).clone().t() + first.bias
        counted = live.first, live.rows
        assert not live.bends
        second(h.relu())
    assert counted == (live.first, live.rows) == (120, 120) and live.flops == 120 + 80 and live.bends
    convolution = torch.nn.Conv1d(1, 4, 3)
    with torch.no_grad(), Live(convolution.parameters()) as live:
        convolution(x[:, None])
    assert live.first == live.flops == 2 * 5 * 4 * 3 and live.rows == 0
