"""Modules as people have them, trained: the weights and buffers of a plain torch loop over the same batches."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch

from landscape.cost import CrossEntropy
from landscape.parameters import ParameterLayout
from landscape.store.store import load, save
from landscape.training import GroupRun, Training, build, groups_of
from tests.training.conftest import by_hand
from tests.twin import dataset
from tests.zoo import WORKS
from tests.zoo_training import RunningMean

NETS = {name: WORKS[name] for name in ("recurrent", "complex", "whole parameter", "in place, module", "DataParallel")}
NETS["running mean"] = RunningMean


@pytest.mark.parametrize("name", NETS)
def test_trained_as_by_a_plain_loop(name: str, tmp_path: Path) -> None:
    make, data, cost = NETS[name], dataset(), CrossEntropy()
    before = data.train.x.clone()
    training = Training(batch_size=5, max_epochs=2, num_seeds=2, select="last", dtype="float64")
    few = data.train.first(8)
    for seeds in groups_of([0, 1], build(make, 0).double(), cost, (few.x, few.y), None):
        folder = tmp_path / str(seeds[0])
        folder.mkdir()
        optimizer = partial(torch.optim.SGD, lr=0.1, momentum=0.9)
        found = GroupRun(make, cost, data, optimizer, training, seeds, folder, torch.device("cpu")).run()
        save(found, folder, {})
        assert load(folder).layout == found.layout
        for s, seed in enumerate(seeds):
            net = by_hand(make, optimizer, seed, 2)
            theta = ParameterLayout.of(net).theta(net)
            torch.testing.assert_close(found.theta_f[s], theta, rtol=1e-9, atol=1e-12)
            assert (found.theta_f[s] - found.theta_i[s]).abs().max() > 0.01
            for key, buffer in net.named_buffers():
                torch.testing.assert_close(found.buffers[s][key], buffer)
    assert torch.equal(data.train.x, before)
