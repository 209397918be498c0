"""Whatever holds a point becomes the same theta and buffers, and nobody's module is touched."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from landscape.endpoints import point_of, trajectory_of
from landscape.errors import InputError
from landscape.parameters import ParameterLayout

from .test_fit import net, tied


def saved(module: nn.Module, file: Path, wrap: Callable[[Any], Any] = dict) -> Path:
    torch.save(wrap(module.state_dict()), file)
    return file


SOURCES: dict[str, Callable[[nn.Module, Path], Any]] = {
    "module": lambda module, folder: module,
    "compiled module": lambda module, folder: torch.compile(module),
    "parallel module": lambda module, folder: nn.DataParallel(module),
    "state dict": lambda module, folder: module.state_dict(),
    "what was loaded": lambda module, folder: {"epoch": 3, "model": module.state_dict()},
    "file": lambda module, folder: saved(module, folder / "a.pt"),
    "name of a file": lambda module, folder: str(saved(module, folder / "a.bin")),
    "safetensors": lambda module, folder: (
        save_file(module.state_dict(), folder / "a.safetensors"),
        folder / "a.safetensors",
    )[1],
    "folder": lambda module, folder: saved(module, folder / "pytorch_model.bin").parent,
}


def touched(module: nn.Module) -> Any:
    """All that a caller would miss: values, their places, flags and gradients."""
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {
        name: (t.data_ptr(), t.requires_grad, t.grad, t.detach().clone().double().tolist())
        for name, t in tensors.items()
    } | {"training": [part.training for part in module.modules()]}


@pytest.mark.parametrize("form", SOURCES)
def test_every_source_is_the_same_point(tmp_path: Path, form: str) -> None:
    here, other = net(7), net(1)
    before = touched(here), touched(other)
    theta, buffers = point_of(SOURCES[form](other, tmp_path), here)
    assert torch.equal(theta, ParameterLayout.of(other).theta(other)) and not theta.requires_grad
    assert set(buffers) == {name for name, _ in here.named_buffers()}
    assert torch.equal(buffers["1.running_var"], other[1].running_var)
    theta.zero_()
    for buffer in buffers.values():
        buffer.zero_()
    assert (touched(here), touched(other)) == before


@pytest.mark.parametrize("form", [torch.tensor, np.array, lambda v: nn.Parameter(torch.tensor(v))])
def test_a_flat_point_comes_with_the_modules_own_buffers(form: Callable[[Any], Any]) -> None:
    module = net()
    num = ParameterLayout.of(module).num_parameters
    given = form([float(k) for k in range(num)])
    theta, buffers = point_of(given, module)
    assert theta.tolist() == list(range(num)) and torch.equal(buffers["1.running_mean"], module[1].running_mean)
    theta.zero_(), buffers["1.running_mean"].zero_()
    assert given[3].item() == 3 and module[1].running_mean.any()


WRONG: dict[str, tuple[Any, str]] = {
    "number": (3, "end is a int; give a module, a state dict, the path"),
    "other module": (nn.Linear(2, 2), "end (a Linear) has nothing for parameter 0.weight"),
    "more": ({**net().state_dict(), "head.bias": torch.ones(1)}, "'ignore=[head.bias]'"),
    "two": ({"model": net(1).state_dict(), "ema": net(2).state_dict()}, "choose one: entry=ema"),
    "fewer": ({n: v for n, v in net().state_dict().items() if n != "0.bias"}, "lack it, missing=model to take"),
    "no file": ("no.pt", "end=no.pt is no file"),
    "flat, too short": (torch.ones(3), "end has shape (3,), but model=Sequential has 47 parameters"),
    "a row": (torch.ones(1, 47), "a flat tensor of shape (47,)"),
    "complex": (torch.ones(47) + 0j, "must be a plain tensor of 47 real numbers"),
    "words": (np.array(["a"] * 47), "end is an array of <U1"),
    "nan": (torch.full((47,), torch.nan), "end holds nan in theta (47 of 47 numbers)"),
    "diverged": ({n: v / 0 if v.is_floating_point() else v for n, v in net().state_dict().items()}, "must be finite"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_point_is_refused_in_the_words_of_python(case: str) -> None:
    source, text = WRONG[case]
    with pytest.raises(InputError, match=re.escape(text)) as caught:
        point_of(source, net(), name="end")
    assert "endpoints." not in str(caught.value)


def test_arguments_choose_ignore_and_fill_up() -> None:
    both = {"model": net(1).state_dict(), "ema": {**net(2).state_dict(), "head.bias": torch.ones(1)}}
    assert torch.equal(point_of(both, net(), entry="ema", ignore="head.*")[0], ParameterLayout.of(net()).theta(net(2)))
    part = {"0.weight": torch.zeros(4, 5)}
    theta, _ = point_of(part, net(3), missing="model")
    assert not theta[:20].any() and torch.equal(theta[20:], ParameterLayout.of(net()).theta(net(3))[20:])
    with pytest.raises(InputError, match="missing=yes must be model"):
        point_of(part, net(), missing="yes")
    lazy = nn.Sequential(nn.LazyLinear(4))
    for source, module in ((lazy, net()), (net(), lazy)):
        with pytest.raises(InputError, match="has lazy layers"):
            point_of(source, module)


def test_a_trajectory_is_a_folder_in_natural_order_or_a_list_of_anything(tmp_path: Path) -> None:
    layout, seeds = ParameterLayout.of(net()), (0, 2, 10)
    paths = [saved(net(k), tmp_path / f"epoch_{k}.pt") for k in seeds]
    sources = [paths[0], net(2).state_dict(), layout.theta(net(10))]
    for found, epochs in (
        (trajectory_of(tmp_path, net()), [0, 2, 10]),
        (trajectory_of(str(tmp_path), net(), "epoch_*.pt"), [0, 2, 10]),
        (trajectory_of(list(map(str, paths)), net()), [0, 2, 10]),
        (trajectory_of((s for s in sources), net()), [0, 1, 2]),
    ):
        assert found.epochs.tolist() == found.steps.tolist() == epochs and len(found) == 3
        for k, (theta, seed) in enumerate(zip(found, seeds, strict=True)):
            assert theta.dtype == np.float64 and torch.equal(found.theta(k)[0], layout.theta(net(seed)))
            assert np.array_equal(theta, layout.theta(net(seed)).double().numpy())
    assert torch.equal(trajectory_of(paths, net()).buffers(1)["1.running_var"], net(2)[1].running_var)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (net(), "trajectory is a Sequential; give a folder of checkpoints, or a list"),
        (net().state_dict(), "trajectory is a OrderedDict; give a folder"),
        (3, "trajectory is a int; give a folder"),
        ([net()], "trajectory has 1 points; a trajectory needs two"),
        ([net(), nn.Linear(1, 1)], "trajectory[1] (a Linear) has nothing for parameter 0.weight"),
        ("no", "trajectory=no is no folder"),
    ],
)
def test_what_is_no_trajectory_is_refused(source: Any, text: str) -> None:
    with pytest.raises(InputError, match=re.escape(text)):
        trajectory_of(source, net())
    with pytest.raises(InputError):
        trajectory_of([net(0), net(1)], net(), "*.pt")


def test_tied_and_half_precision_modules_are_points() -> None:
    assert torch.equal(point_of(tied(1), tied(0))[0], ParameterLayout.of(tied(1)).theta(tied(1)))
    theta, buffers = point_of(net(1).half(), net(0))
    assert theta.dtype == torch.float32 and set(buffers) == {name for name, _ in net().named_buffers()}
