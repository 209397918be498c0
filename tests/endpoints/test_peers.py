"""What goes wrong with checkpoints in the tools of this field, each a row.

The letters are those tools' names in our notes: TG loss-landscape of Goldstein's group, MDB loss-landscapes, ANI
loss-landscape-anim, LVZ landscapeviz, L3D loss-landscape-3d, DMC dnn-mode-connectivity, LIM asymmetric-networks, LSR
Landscaper.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from landscape.cost import CrossEntropy
from landscape.data.split import Split
from landscape.endpoints import Checkpoints, Run, trajectory_of
from landscape.errors import InputError
from landscape.objective.objective import Objective
from landscape.parameters import ParameterLayout
from landscape.path import Linear

from .test_fit import net, under

LAYOUT = ParameterLayout.of(net())


def theta(seed: int) -> Tensor:
    return LAYOUT.theta(net(seed))


def write(folder: Path, name: str, wrap: Callable[[Any, int], Any], epochs: tuple[int, ...] = (1, 2, 10)) -> None:
    for k in epochs:
        torch.save(wrap(net(k).state_dict(), k), folder / name.format(k))


FORMS: dict[str, tuple[str, Callable[[Any, int], Any]]] = {
    "TG, .t7 of a parallel net": ("model_{}.t7", lambda s, k: {"acc": 9.1, "state_dict": under("module.", s)}),
    "DMC, beside the optimizer": (
        "checkpoint-{}.pt",
        lambda s, k: {"epoch": k, "state_dict": s, "optimizer_state": {"state": {0: {"momentum_buffer": s["0.bias"]}}}},
    ),
    "LVZ, sorted by name": ("{}.pt", lambda s, k: s),
    "Lightning": (
        "epoch={}-step=100.ckpt",
        lambda s, k: {
            "state_dict": under("net.", s),
            "hyper_parameters": {"lr": np.float64(0.1)},
            "callbacks": {"best": np.float64(0.3)},
            "optimizer_states": [{"state": {0: {"exp_avg": s["0.bias"]}}}],
        },
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_files_of_other_tools_are_a_run_in_the_order_of_training(tmp_path: Path, form: str) -> None:
    name, wrap = FORMS[form]
    write(tmp_path, name, wrap)
    ends = Run(str(tmp_path), name.format("*")).load(net())
    assert ends.runs is not None
    (run,) = ends.runs.trajectories
    assert run.epochs.tolist() == [1, 2, 10]
    for k, seed in enumerate((1, 2, 10)):
        assert torch.equal(run.theta(k)[0], theta(seed))


REFUSED: dict[str, tuple[bytes | None, str]] = {
    "ANI, a pickled module": (
        None,
        r"holds objects of torch\.nn\.modules\..* no pickle is executed\); save module\.state_dict\(\)",
    ),
    "LVZ, hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(99), "does not begin as a file of torch.save does"),
    "flax bytes": (b"\x83\xa6params\x81", "does not begin as a file of torch.save does"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_other_tools_write_and_torch_does_not_read_is_refused_in_one_line(tmp_path: Path, case: str) -> None:
    content, text = REFUSED[case]
    write(tmp_path, "{}.pt", lambda s, k: s)
    if content is None:
        torch.save(net(), tmp_path / "2.pt")
    else:
        (tmp_path / "2.pt").write_bytes(content)
    with pytest.raises(InputError, match=text) as caught:
        Run(str(tmp_path)).load(net())
    assert "2.pt" in str(caught.value) and str(caught.value).isprintable()


def examples() -> Split:
    generator = torch.Generator().manual_seed(3)
    return Split(torch.randn(20, 5, generator=generator), torch.randint(0, 3, (20,), generator=generator))


def test_mdb_the_ends_of_the_line_are_the_checkpoints_bit_for_bit(tmp_path: Path) -> None:
    write(tmp_path, "{}.pt", lambda s, k: s)
    ends = Checkpoints(str(tmp_path / "1.pt"), str(tmp_path / "10.pt")).load(net())
    path, split = Linear(ends.theta_0, ends.theta_1), examples()
    assert torch.equal(path(0.0)[0], theta(1)) and torch.equal(path(1.0)[0], theta(10))
    objective = Objective(
        net(), CrossEntropy(), split, running_statistics="interpolate", buffers=ends.buffers, buffers_0=ends.buffers_0
    )
    found = objective.along(path, np.array([0.0, 1.0])).channels["objective"][:, 0]
    plain = [F.cross_entropy(net(k).eval()(split.x), split.y).item() for k in (1, 10)]
    np.testing.assert_allclose(found, plain, rtol=1e-6)


def test_lim_counters_are_not_mixed(tmp_path: Path) -> None:
    write(tmp_path, "{}.pt", lambda s, k: {**s, "1.num_batches_tracked": torch.tensor(100 * k)})
    ends = Checkpoints(str(tmp_path / "1.pt"), str(tmp_path / "10.pt")).load(net())
    objective = Objective(net(), CrossEntropy(), examples(), running_statistics="interpolate", buffers=ends.buffers).on(
        buffers_0=ends.buffers_0
    )
    path, alphas = Linear(ends.theta_0, ends.theta_1), np.array([0.0, 0.25, 1.0])
    (middle,) = objective.statistics.along(path, alphas, ends.buffers_0, ends.buffers, 1)[1]
    assert int(middle["1.num_batches_tracked"]) == 1000 and not middle["1.num_batches_tracked"].is_floating_point()
    mixed = 0.75 * ends.buffers_0[0]["1.running_var"] + 0.25 * ends.buffers[0]["1.running_var"]
    torch.testing.assert_close(middle["1.running_var"], mixed)


def test_ani_a_state_of_parameters_alone_is_refused_for_a_net_with_statistics(tmp_path: Path) -> None:
    parameters = {name for name, _ in net().named_parameters()}
    write(tmp_path, "{}.pt", lambda s, k: {n: v for n, v in s.items() if n in parameters})
    with pytest.raises(InputError, match=r"has nothing for buffer 1\.running_mean"):
        Run(str(tmp_path)).load(net())


def test_lsr_what_is_not_a_number_stays_so(tmp_path: Path) -> None:
    write(tmp_path, "{}.pt", lambda s, k: {**s, "2.bias": s["2.bias"] / 0} if k == 2 else s)
    rows = list(trajectory_of(tmp_path, net()))
    assert [bool(np.isnan(row).all()) for row in rows] == [False, True, False]
