"""Each example's cost along a line, against one example at a time, by every engine, in memory and in a file."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from landscape.cost import CrossEntropy
from landscape.errors import InputError
from landscape.objective import Objective, sums
from tests.objective.engine.pair import ALPHAS, ends, served
from tests.twin import cross_entropy, logits, maxout, measured_masks, split, unpacked

ENGINES = ("plain", "prefix", "events")
SEEDS = [3, 8]
MODULE = maxout()


def along(engine: str, keep: bool = True, path: Any = None, **numbers: Any) -> sums.Evaluation:
    """Two seeds, two replicates, three batches, the last one short."""
    numbers = {"mode": "stochastic", "dtype": "float64", "seeds": SEEDS, "batch_size": 9, "num_replicates": 2} | numbers
    objective = Objective(MODULE, CrossEntropy(), split(23, 1), engine=engine, **numbers)
    return objective.along(ends(MODULE) if path is None else path, ALPHAS, keep_costs=keep)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of the events come in several pieces too."""
    monkeypatch.setattr("landscape.objective.engine.runners.rows_together", lambda *asked: 4)


@pytest.mark.parametrize("engine", ENGINES)
def test_each_cost_is_that_of_its_example(engine: str, caplog: pytest.LogCaptureFixture) -> None:
    """float32 of a float64 forward pass, in the order of the split, a mean over the replicates' masks."""
    found, data, path = along(engine).costs, split(23, 1), ends(MODULE)
    assert found is not None and found.shape == (2, len(ALPHAS), 23) and found.dtype == np.float32
    assert served(caplog)
    for s, seed in enumerate(SEEDS):
        masks = [measured_masks(seed, 23, replicate=k) for k in range(2)]
        for a in (0, 3, 6):
            layers = unpacked(path(ALPHAS[a])[s])
            for n in (0, 8, 9, 22):
                costs = [cross_entropy(logits(layers, data.x[n], m[n][0]), int(data.y[n])).item() for m in masks]
                assert found[s, a, n] == pytest.approx(np.mean(costs), rel=2e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_means_do_not_change(engine: str) -> None:
    kept, not_kept = along(engine), along(engine, keep=False)
    assert not_kept.costs is None and kept.costs is not None
    assert all((kept.channels[name] == values).all() for name, values in not_kept.channels.items())
    assert (kept.replicates == not_kept.replicates).all()
    np.testing.assert_allclose(kept.costs.mean(axis=2, dtype=np.float64).T, kept.channels["objective"], rtol=1e-6)


def test_what_an_engine_gave_up_is_kept_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine has kept some costs, wrong ones too, when the plain path takes over."""
    path = ends(MODULE)
    path.theta_1[1, 4] = float("nan")
    np.testing.assert_array_equal(along("prefix", path=path).costs, along("plain", path=path).costs)
    monkeypatch.setattr("landscape.objective.engine.prefix.combine", lambda values, weights, out=None: 3 * values[0])
    np.testing.assert_array_equal(along("prefix").costs, along("plain").costs)


def test_large_ones_lie_in_a_file_that_nobody_sees(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    small = along("prefix").costs
    monkeypatch.setattr(sums, "IN_MEMORY", 100)
    monkeypatch.setattr(sums.tempfile, "tempdir", str(tmp_path))
    large = along("prefix").costs
    maps = Path("/proc/self/maps")
    if maps.exists():
        assert str(tmp_path) in maps.read_text()
    assert large is not None and (large == small).all() and not list(tmp_path.iterdir())
    del large
    assert not maps.exists() or str(tmp_path) not in maps.read_text()


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="needs a system that can reserve room")
def test_a_full_disk_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*args: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sums, "IN_MEMORY", 100)
    monkeypatch.setattr(sums.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(InputError, match=r"measurement\.noise=true keeps .* GiB .*TMPDIR.*measurement\.noise=false"):
        along("plain")
    assert not list(tmp_path.iterdir())


def test_float32_costs_are_kept_as_they_are() -> None:
    """Nothing is rounded where the forward pass is float32 and there is one replicate."""
    found = along("plain", dtype="float32", num_replicates=1)
    assert found.costs is not None
    mean = np.stack([found.costs[..., n : n + 9].sum(axis=2, dtype=np.float64) for n in (0, 9, 18)]).sum(axis=0) / 23
    np.testing.assert_allclose(mean.T, found.channels["objective"], rtol=1e-15)
