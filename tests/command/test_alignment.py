"""``endpoints.align``: one job from its keys to its folder, what is refused before work, and keys of old results."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from torch import nn

import landscape as ls
from landscape.command.alignment import aligned
from landscape.command.config import composed, job_key
from landscape.command.forecast.job import job_of
from landscape.command.forecast.timing import Timing
from landscape.command.recipe import Recipe
from landscape.endpoints import Ends
from landscape.errors import InputError
from landscape.model import MLP
from landscape.parameters import ParameterLayout
from landscape.symmetry import permuted
from landscape.symmetry.find import axes_of
from landscape.symmetry.saved import read

LINE = ["endpoints=checkpoints", "endpoints.start=a.pt", "endpoints.end=b.pt", "alphas=standard"]
NET = ["model.widths=[12,9]", "limits.examples=90", "limits.measured_examples=80"]


def recipe(*overrides: str) -> Recipe:
    config: Any = OmegaConf.to_container(composed([*LINE, *NET, *overrides]), resolve=True)
    return Recipe(config, torch.device("cpu"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], dict[str, Any]]:
    """A folder with two checkpoints that have running statistics, and these."""
    monkeypatch.chdir(tmp_path)
    found = []
    for k, name in enumerate("abc"):
        torch.manual_seed(k)
        net = MLP(64, 10, [12, 9], nn.ReLU(), batch_norm=True, torch_init=True)
        net(torch.rand(20, 64))
        torch.save(net.state_dict(), f"{name}.pt")
        found.append(net.state_dict())
    return found[0], found[1]


NORM = ["model=fully_connected", "model.batch_norm=true", "objective.running_statistics=keep"]


@pytest.mark.parametrize(
    "way", ["weights", *(pytest.param(way, marks=pytest.mark.slow) for way in ("activations", "random"))]
)
def test_the_second_end_is_permuted_with_its_statistics_and_told(
    here: tuple[dict[str, Any], dict[str, Any]], way: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = recipe(*NORM, f"endpoints.align={way}", "endpoints.starts=2")
    made.folder = tmp_path
    with caplog.at_level(logging.INFO):
        made.check()
        subject: Any = made.subject(None)
    ends, module = subject.ends, made.network.module
    kept = read(tmp_path / "alignment.npz")["0"]
    expected = permuted(here[1], axes_of(module, torch.rand(3, 64)), kept)
    layout = ParameterLayout.of(module)
    assert torch.equal(ends.theta_0[0], layout.flatten(here[0]))
    assert torch.equal(ends.theta_1[0], layout.flatten(expected))
    assert all(torch.equal(ends.buffers[0][name], expected[name]) for name in ends.buffers[0])
    numbers = {name.removeprefix("align/"): value for name, [value] in ends.numbers.items()}
    assert numbers["distance_after"] == pytest.approx((ends.theta_1 - ends.theta_0).norm().item(), rel=1e-5)
    assert numbers["difference"] <= 1e-12 and numbers["share_moved"] > 0.5
    assert (numbers["num_sweeps"] > 0) == (way == "weights")
    assert f"aligned by {way}" in caplog.text
    assert ("num_nearest" in numbers) == (" of 2 starts), " in caplog.text) == (way == "weights")
    before = recipe(*NORM).subject(None)
    assert torch.equal(before.ends.theta_1[0], layout.flatten(here[1])) and before.ends.numbers == {}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (["endpoints.align=weight"], "endpoints.align=weight must be one of weights, activations, random, or null"),
        (["endpoints.align=weights", "endpoints.starts=0"], "endpoints.starts=0 must be a whole number of at least 1"),
        (["endpoints.align=weights", "endpoints.align_seed=-1"], "endpoints.align_seed=-1"),
        (["endpoints.axes=lost.yaml"], "endpoints.axes=lost.yaml is no file"),
        (["endpoints.align=weights", "endpoints.axes=wrong.yaml"], "gives something else when its units change places"),
        pytest.param(
            ["endpoints.align=weights", "endpoints.rescale=true"], "leave rescale out", marks=pytest.mark.slow
        ),
        (["endpoints.align=weights", "endpoints.third=c.pt", "measurement=plane"], "endpoints.third is a third point"),
        (["endpoints.align=weights", "model.widths=[]"], "no hidden units that could change places"),
    ],
)
def test_what_cannot_be_aligned_is_refused_before_work(here: object, changes: list[str], text: str) -> None:
    Path("wrong.yaml").write_text("layers.0.weight: [h, null]\nlayers.1.weight: [null, h]\n")
    with pytest.raises(InputError, match=text):
        recipe(*NORM, *changes).check()


@pytest.mark.parametrize("way", ["random", pytest.param("weights", marks=pytest.mark.slow)])
def test_a_line_alone_is_a_line_among_others(here: object, way: str) -> None:
    made = recipe(*NORM, f"endpoints.align={way}", "endpoints.starts=2")
    own = made.ends
    shift = torch.randn(own.theta_1.shape, generator=torch.Generator().manual_seed(0))
    both = Ends(
        torch.cat([own.theta_0, own.theta_1]),
        torch.cat([own.theta_1, own.theta_1 + shift]),
        ["0-1", "2-3"],
        [0, 2],
        own.buffers * 2,
        [False] * 2,
        own.buffers_0 * 2,
    )
    alone = Ends(both.theta_0[1:], both.theta_1[1:], ["2-3"], [2], own.buffers, [False], own.buffers_0)
    found, one = (aligned(made.network, made.endpoints, ends, None) for ends in (both, alone))
    assert torch.equal(found.theta_1[1:], one.theta_1) and not torch.equal(found.theta_1, both.theta_1)
    assert {name: values[1:] for name, values in found.numbers.items()} == one.numbers
    assert all(torch.equal(found.buffers[1][name], value) for name, value in one.buffers[0].items())


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (["rescale=true", "axes=right.yaml"], "endpoints.axes and endpoints.rescale: nothing changes"),
        (["align=random", "starts=3", "align_seed=1"], "endpoints.starts: nothing changes by it where .*=random"),
    ],
)
def test_a_key_that_changes_nothing_is_told(
    here: object, keys: list[str], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    Path("right.yaml").write_text("layers.0.weight: [h, null]\nlayers.1.weight: [null, h]\n")
    with caplog.at_level(logging.INFO):
        recipe(*NORM, *(f"endpoints.{key}" for key in keys)).subject(None)
    assert re.search(told, caplog.text)


def test_a_forecast_aligns_nothing(here: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its solutions stand in for those to come, and a matching may take a while."""
    monkeypatch.setattr("landscape.command.recipe.aligned", lambda *_: pytest.fail("aligned"))
    config: Any = OmegaConf.to_container(composed([*LINE, *NET, *NORM, "endpoints.align=weights"]), resolve=True)
    assert job_of(config, 0, [], Timing(torch.device("cpu"), False), set()).passes


def test_a_seed_draws_the_same_here_and_in_python(here: tuple[dict[str, Any], dict[str, Any]]) -> None:
    made = recipe(*NORM, "endpoints.align=random", "endpoints.align_seed=3")
    found = aligned(made.network, made.endpoints, made.ends, None)
    state = ls.align(made.network.module, *here, by="random", seed=3, data=(torch.rand(64, 64), torch.zeros(64)))
    layout = ParameterLayout.of(made.network.module)
    assert torch.equal(found.theta_1[0], layout.flatten({name: state[name] for name in layout.names}))


def test_an_end_that_is_not_finite_stays(here: object, caplog: pytest.LogCaptureFixture) -> None:
    made = recipe(*NORM, "endpoints.align=weights")
    ends = made.ends
    ends.theta_1[0, 3] = float("nan")
    with caplog.at_level(logging.WARNING):
        found = aligned(made.network, made.endpoints, ends, None)
    assert torch.equal(found.theta_1.nan_to_num(), ends.theta_1.nan_to_num())
    assert np.isnan(found.numbers["align/distance_after"]).all() and "is not finite" in caplog.text


def test_results_of_before_keep_their_keys() -> None:
    """As they were when align was no key; any other value makes another job."""
    plain = ["endpoints=points", "endpoints.start=[1,2]", "endpoints.end=[2,3]"]
    assert job_key(_root_=composed(plain)) == "f03bc413f8e9"
    assert job_key(_root_=composed([*plain, "endpoints.align=weights"])) != "f03bc413f8e9"
    assert job_key(_root_=composed([*plain, "objective.tolerance=1e-3"])) != "f03bc413f8e9"
