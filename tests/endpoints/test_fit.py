"""Which tensors of a checkpoint become a module's point."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from landscape.endpoints import Checkpoints
from landscape.errors import InputError
from landscape.parameters import ParameterLayout

State = dict[str, Any]


def net(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    made = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
    made(torch.randn(9, 5))
    return made


def under(prefix: str, state: State) -> State:
    return {prefix + name: value for name, value in state.items()}


def pair(folder: Path, change: Callable[[State], Any], make: Callable[[int], nn.Module] = net) -> tuple[str, str]:
    """Two checkpoints of two networks, both changed alike."""
    for k in (0, 1):
        torch.save(change(dict(make(k).state_dict())), folder / f"{k}.pt")
    return str(folder / "0.pt"), str(folder / "1.pt")


FORMS: dict[str, Callable[[State], Any]] = {
    "plain": lambda state: state,
    "one key": lambda state: {"model_state_dict": state, "epoch": 3, "optimizer": {"state": {0: torch.ones(2)}}},
    "any key": lambda state: {"best": {"weights": state}},
    "one dict under two keys": lambda state: {"model": state, "state_dict": state},
    "lightning": lambda state: {"state_dict": under("net.", state), "hyper_parameters": {"lr": 0.1}},
    "compiled and parallel": lambda state: under("module._orig_mod.", state),
    "one layer compiled": lambda state: {re.sub("^2", "2._orig_mod", name): v for name, v in state.items()},
    "averaged": lambda state: {"n_averaged": torch.tensor(7), **under("module.", state)},
    "no counter": lambda state: {name: v for name, v in state.items() if "num_batches" not in name},
    "double": lambda state: {name: v.double() if v.is_floating_point() else v for name, v in state.items()},
}


@pytest.mark.parametrize("form", FORMS)
def test_the_forms_that_people_save_are_one_point(tmp_path: Path, form: str) -> None:
    ends = Checkpoints(*pair(tmp_path, FORMS[form])).load(net(7))
    for k, theta, buffers in ((0, ends.theta_0, ends.buffers_0), (1, ends.theta_1, ends.buffers)):
        assert torch.equal(theta[0].float(), ParameterLayout.of(net(k)).theta(net(k)))
        assert torch.equal(buffers[0]["1.running_var"].float(), net(k)[1].running_var)
        assert set(buffers[0]) == {name for name, _ in net().named_buffers()}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float8_e4m3fn])
def test_ends_in_half_precision_are_not_mixed_in_it(tmp_path: Path, dtype: torch.dtype) -> None:
    ends = Checkpoints(*pair(tmp_path, lambda s: {n: v.to(dtype) if "weight" in n else v for n, v in s.items()})).load(
        net()
    )
    assert ends.theta_0.dtype == torch.float32
    assert torch.equal(ends.theta_0[0, :20], net(0)[0].weight.detach().flatten().to(dtype).float())


UNFIT: dict[str, tuple[Callable[[State], Any], str]] = {
    "more layers": (lambda s: {**s, "3.weight": torch.ones(2), "3.bias": torch.ones(2)}, "lacks: 3.weight, 3.bias"),
    "beside the prefix": (lambda s: {**under("net.", s), "critic.weight": torch.ones(2)}, "lacks: critic.weight"),
    "fewer": (
        lambda s: {n: v for n, v in s.items() if n not in ("0.weight", "2.bias")},
        "nothing for parameter 0.weight (in all it lacks 0.weight, 2.bias)",
    ),
    "no statistics": (
        lambda s: {n: v for n, v in s.items() if "running_var" not in n},
        "nothing for buffer 1.running_var",
    ),
    "transposed": (lambda s: {**s, "2.weight": s["2.weight"].T}, "has shape (4, 3) for parameter 2.weight"),
    "two": (lambda s: {"model": s, "ema": dict(s)}, "several state dicts that fit (model, ema)"),
    "two prefixes": (lambda s: {**under("student.", s), **under("teacher.", s)}, "fit (student, teacher)"),
    "numbered": (lambda s: dict(enumerate(s.values())), "no tensors under names"),
    "nan": (lambda s: {**s, "2.bias": torch.tensor([0.0, torch.nan, 1.0])}, "holds nan in 2.bias (1 of 3 numbers)"),
    "infinite": (lambda s: {**s, "0.weight": s["0.weight"] / 0}, "in 0.weight"),
    "nan statistics": (lambda s: {**s, "1.running_mean": s["1.running_mean"] * torch.nan}, "nan in 1.running_mean"),
    "sparse": (lambda s: {**s, "0.weight": s["0.weight"].to_sparse()}, "a sparse tensor for 0.weight"),
    "integers": (lambda s: {**s, "0.weight": s["0.weight"].to(torch.int8)}, "whole numbers (int8) for 0.weight"),
    "complex": (lambda s: {**s, "0.weight": s["0.weight"] + 0j}, "complex numbers (complex64) for 0.weight"),
    "no values": (lambda s: {**s, "0.weight": s["0.weight"].to("meta")}, "on meta without values for 0.weight"),
    "expanded": (lambda s: {**s, "0.weight": torch.zeros(1).expand(10**6, 10**6)}, "has shape (1000000, 1000000)"),
    "terminal codes": (lambda s: {**s, "\x1b]0;x\x07": torch.ones(1)}, "lacks: ?]0;x?;"),
}


@pytest.mark.parametrize("case", UNFIT)
def test_what_does_not_fit_whole_is_refused_by_name(tmp_path: Path, case: str) -> None:
    change, text = UNFIT[case]
    files = pair(tmp_path, change)
    with pytest.raises(InputError, match=re.escape(text)) as caught:
        Checkpoints(*files).load(net())
    assert f"endpoints.start={files[0]}" in str(caught.value) and str(caught.value).isprintable()


def test_ignore_passes_over_what_it_names(tmp_path: Path) -> None:
    files = pair(tmp_path, lambda s: {**s, "head.weight": torch.ones(2), "head.bias": torch.ones(2)})
    assert torch.equal(
        Checkpoints(*files, ignore=["head.*"]).load(net()).theta_1[0], ParameterLayout.of(net(1)).theta(net(1))
    )
    with pytest.raises(InputError, match=r"lacks: head\.bias;"):
        Checkpoints(*files, ignore="head.weight").load(net())


def test_entry_chooses_and_may_differ_from_file_to_file(tmp_path: Path) -> None:
    file = tmp_path / "both.pt"
    torch.save({"model": net(0).state_dict(), "state_dict": under("ema.", net(1).state_dict())}, file)
    points = Checkpoints(str(file), str(file), entry=["model", "state_dict.ema"])
    points.check(1)  # one file, two points
    ends = points.load(net())
    assert torch.equal(ends.theta_0[0], ParameterLayout.of(net()).theta(net(0)))
    assert torch.equal(ends.theta_1[0], ParameterLayout.of(net()).theta(net(1)))
    with pytest.raises(InputError, match=r"no entry endpoints\.entry=nope .* it has: model, state_dict\.ema"):
        Checkpoints(str(file), str(file), entry="nope").load(net())


def test_one_name_for_all_passes_over_a_file_that_needs_none(tmp_path: Path) -> None:
    start, end = str(tmp_path / "before.pt"), str(tmp_path / "after.pt")
    torch.save(net(0).state_dict(), start)
    torch.save({"model": net(1).state_dict(), "ema": net(2).state_dict()}, end)
    with pytest.raises(InputError, match=r"after\.pt has several .* choose one: endpoints\.entry=ema"):
        Checkpoints(start, end).load(net())
    for files, k in (((start, end), 1), ((end, start), 0)):
        ends = Checkpoints(*files, entry="ema").load(net())
        theta = (ends.theta_0, ends.theta_1)
        assert torch.equal(theta[k][0], ParameterLayout.of(net()).theta(net(2)))
        assert torch.equal(theta[1 - k][0], ParameterLayout.of(net()).theta(net(0)))
    for wrong in ("emma", ["ema", "ema"]):
        with pytest.raises(InputError, match=r"no entry endpoints\.entry="):
            Checkpoints(start, end, entry=wrong).load(net())
    other = str(tmp_path / "other.pt")
    torch.save(net(3).state_dict(), other)
    with pytest.raises(InputError, match=r"before\.pt has no entry .* it has: the file's own top"):
        Checkpoints(start, other, entry="ema").load(net())


@pytest.mark.parametrize("gone", ["0.weight", "1.running_var"])
def test_missing_is_advised_for_what_all_files_lack(tmp_path: Path, gone: str) -> None:
    start, end = pair(tmp_path, lambda s: s)
    torch.save({n: v for n, v in torch.load(end).items() if n != gone}, end)
    with pytest.raises(InputError, match=r"where all files lack it, endpoints\.missing=model"):
        Checkpoints(start, end).load(net())


class Tied(nn.Module):
    """One tensor under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.head = nn.Embedding(5, 3), nn.Linear(3, 5, bias=False)
        self.head.weight = self.table.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.table(x))


def tied(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return Tied()


@pytest.mark.parametrize("gone", ["table.weight", "head.weight", ""])
def test_a_tied_tensor_is_there_under_either_name(tmp_path: Path, gone: str) -> None:
    files = pair(tmp_path, lambda s: {n: v for n, v in s.items() if n != gone}, tied)
    assert torch.equal(Checkpoints(*files).load(Tied()).theta_1[0], ParameterLayout.of(tied(1)).theta(tied(1)))


def test_names_that_are_tied_in_the_model_must_agree_in_the_file(tmp_path: Path) -> None:
    files = pair(tmp_path, lambda s: {**s, "head.weight": s["head.weight"] + 1}, tied)
    with pytest.raises(InputError, match=r"different values for table\.weight and head\.weight"):
        Checkpoints(*files).load(Tied())


def old_norm(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    with pytest.warns(FutureWarning):
        return nn.utils.weight_norm(nn.Linear(3, 2))


def new_norm(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))


@pytest.mark.parametrize(("saved", "read"), [(old_norm, new_norm), (new_norm, old_norm), (new_norm, new_norm)])
def test_weight_norm_is_read_under_its_old_and_new_names(tmp_path: Path, saved: Any, read: Any) -> None:
    module, files = read(7), pair(tmp_path, lambda s: s, saved)
    ends = Checkpoints(*files).load(module)
    own, x = saved(1), torch.randn(4, 3)
    named = ParameterLayout.of(module).unflatten(ends.theta_1[0])
    assert torch.allclose(torch.func.functional_call(module, named, (x,)), own(x))


class Adapted(nn.Module):
    """A layer that stays and one that is trained."""

    def __init__(self, frozen: bool = True) -> None:
        super().__init__()
        self.base, self.adapter = nn.Linear(3, 2).requires_grad_(not frozen), nn.Linear(3, 2)


def adapter(state: State) -> State:
    return {name: value for name, value in state.items() if "adapter" in name}


@pytest.mark.parametrize(("frozen", "missing"), [(True, None), (False, "model")])
def test_what_both_files_lack_is_the_models_when_it_is_not_trained_or_when_asked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, frozen: bool, missing: str | None
) -> None:
    files, module = pair(tmp_path, adapter, lambda seed: Adapted()), Adapted(frozen)
    with caplog.at_level(logging.WARNING):
        ends = Checkpoints(*files, missing=missing).load(module, again=lambda: module)
    assert "base.weight, base.bias; taken from the model" in caplog.text and "at random" not in caplog.text
    for theta in (ends.theta_0, ends.theta_1):
        assert torch.equal(theta[0, :8], ParameterLayout.of(module).theta(module)[:8])
    with pytest.raises(InputError, match=r"nothing for parameter base\.weight .* endpoints\.missing=model"):
        Checkpoints(*files).load(Adapted(frozen=False))


def test_what_is_taken_from_a_model_that_draws_it_is_refused_or_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = pair(tmp_path, adapter, lambda seed: Adapted())
    with pytest.raises(InputError, match=r"base\.weight.* draws them at random"):
        Checkpoints(*files).load(Adapted(), again=Adapted)
    with caplog.at_level(logging.WARNING):
        Checkpoints(*files, missing="model").load(Adapted(), again=Adapted)
    assert "; drawn at random (training.first_seed): base.weight, base.bias" in caplog.text


def test_what_one_file_alone_lacks_is_refused(tmp_path: Path) -> None:
    start, end = pair(tmp_path, lambda s: s, lambda seed: Adapted())
    torch.save(adapter(torch.load(end)), end)
    with pytest.raises(InputError, match="must be lacking in all files"):
        Checkpoints(start, end, missing="model").load(Adapted())


def test_a_line_needs_two_points(tmp_path: Path) -> None:
    start, end = pair(tmp_path, lambda s: s)
    copy = tmp_path / "copy.pt"
    copy.write_bytes(Path(end).read_bytes())
    for other in (end, str(copy)):
        with pytest.raises(InputError, match="are one file; a line needs two points"):
            Checkpoints(end, other).check(1)
    torch.save({"model": torch.load(end), "epoch": 4}, copy)  # other bytes, the same point
    Checkpoints(end, str(copy)).check(1)
    with pytest.raises(InputError, match="hold the same parameters"):
        Checkpoints(end, str(copy)).load(net())
    with pytest.raises(InputError, match="are one file; a plane needs three"):
        Checkpoints(start, end, str(end)).check(1)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"start": 3}, "endpoints.start=3 must be the name of a file"),
        ({"end": None}, "endpoints.end=None must be the name of a file"),
        ({"start": ["a"]}, "endpoints.start=['a'] must be the name of a file"),
        ({"start": ""}, "endpoints.start= must be the name of a file"),
        ({"third": 1.5}, "endpoints.third=1.5 must be the name of a file"),
        ({"entry": 3}, "endpoints.entry=3 must name"),
        ({"entry": ["a"]}, "or be a list of 2"),
        ({"ignore": [1]}, "endpoints.ignore=[1] must be"),
        ({"ignore": 5}, "endpoints.ignore=5 must be"),
        ({"missing": "yes"}, "endpoints.missing=yes must be model"),
    ],
)
def test_values_of_another_kind_are_refused(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=re.escape(text)):
        Checkpoints(**{"start": "a.pt", "end": "b.pt", **changes})
