"""Training on dicts, on several inputs and by any cost: the same bits as on pairs, and as a loop by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._pytree import tree_map
from torch.utils.data import Dataset as MapStyle

from landscape.cost import CausalLM, CrossEntropy, from_torch
from landscape.data import Dataset, Split
from landscape.errors import InputError
from landscape.training import build, groups_of
from landscape.training.groups import check_training
from tests.training.conftest import PLAIN, Train
from tests.training.test_resume import goes_on
from tests.training.test_seeds import batch_norm
from tests.twin import INIT, ORDER, C, D, dataset, maxout, normal, stream

SEEDS = [6, 2]
SGD = partial(torch.optim.SGD, lr=0.2, momentum=0.8)
NUM, BATCH, VOCABULARY = 23, 4, 7


def entropy(logits: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(logits, y, reduction="none")


class Rows(MapStyle[Any]):
    """Examples one by one, each a dict with a name beside its tensors."""

    def __init__(self, split: Split) -> None:
        self.split = split

    def __len__(self) -> int:
        return len(self.split)

    def __getitem__(self, row: int) -> dict[str, Any]:
        x, y = self.split.rows(row)
        return {"x": x, "labels": y, "name": f"example {row}"}


def reformed(data: Dataset, change: Callable[[Split], Any]) -> Dataset:
    """The same examples in another form."""
    return replace(data, **{name: change(getattr(data, name)) for name in ("train", "valid", "test")})


def as_dict(split: Split, name: str = "x") -> Split:
    return Split.of({name: split.x, "labels": split.y})


def assert_same(found: Any, right: Any) -> None:
    assert torch.equal(found.theta_i, right.theta_i) and torch.equal(found.theta_f, right.theta_f)
    assert not torch.equal(right.theta_f, right.theta_i)
    for name, values in right.learning_curve.channels.items():
        assert found.learning_curve.channels[name].tolist() == values.tolist()
    for one, other in zip(found.buffers, right.buffers, strict=True):
        assert all(torch.equal(one[name], buffer) for name, buffer in other.items())


ON_PAIRS_AND_DICTS: dict[str, tuple[Any, Any]] = {
    "house": (CrossEntropy(), CrossEntropy()),
    "torch": (nn.CrossEntropyLoss(label_smoothing=0.1), nn.CrossEntropyLoss(label_smoothing=0.1)),
    "outputs": (lambda z, batch: entropy(z, batch[1]), lambda z, batch: entropy(z, batch["labels"])),
    "weights": (
        lambda z, batch: (entropy(z, batch[1]), batch[1] + 0.5),
        lambda z, batch: (entropy(z, batch["labels"]), batch["labels"] + 0.5),
    ),
    "net": (
        lambda net, batch: entropy(net(batch[0]), batch[1]),
        lambda net, batch: entropy(net(batch["x"]), batch["labels"]),
    ),
}


@pytest.mark.parametrize("seeds", [pytest.param([6], marks=pytest.mark.slow), SEEDS])
@pytest.mark.parametrize("cost", ON_PAIRS_AND_DICTS)
@pytest.mark.parametrize("form", [as_dict, pytest.param(Rows, marks=pytest.mark.slow)])
def test_dicts_train_as_pairs_do(train: Train, form: Any, cost: str, seeds: list[int]) -> None:
    (pairs, dicts), data = ON_PAIRS_AND_DICTS[cost], dataset()
    numbers: dict[str, Any] = {"monitor": "valid/objective", "max_epochs": 3}
    found = train(seeds, cost=dicts, data=reformed(data, form), **numbers)
    assert_same(found, train(seeds, cost=pairs, data=data, **numbers))


@pytest.mark.parametrize(("model", "name"), [(batch_norm, "input"), (maxout, "x")])
def test_dicts_train_and_are_resumed_with_all_that_a_net_has(
    train: Train, tmp_path: Path, model: Any, name: str
) -> None:
    def half_frozen() -> nn.Module:
        net: nn.Module = model()
        next(net.parameters()).requires_grad_(False)
        return net

    numbers: dict[str, Any] = {"model": half_frozen, "max_epochs": 4, "checkpoint_seconds": 0.0}
    as_dicts = {**numbers, "data": reformed(dataset(), partial(as_dict, name=name))}
    assert_same(train(SEEDS, **as_dicts), train(SEEDS, **numbers))
    assert goes_on(train, tmp_path / "run", SEEDS, (2,), as_dicts) == 2


class Two(nn.Module):
    """Of two inputs, and of a third if there is one."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(D, C), nn.Linear(3, C)

    def forward(self, a: Tensor, b: Tensor, scale: Tensor | None = None) -> dict[str, Any]:
        logits = self.first(a) * torch.tanh(self.second(b))
        return {"logits": logits if scale is None else scale[:, None] * logits, "other": (a, b)}


class Reader(nn.Module):
    """Says of each token what comes next, by the mean of what was before."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.last = nn.Embedding(VOCABULARY, 5), nn.Linear(5, VOCABULARY)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None) -> Any:
        h = (self.table(input_ids) * attention_mask[..., None]).cumsum(dim=1)
        return {"logits": self.last(h / attention_mask.cumsum(dim=1).clamp(min=1)[..., None]), "loss": labels}


A, B, Y = normal(NUM, D, seed=1), normal(NUM, 3, seed=2), torch.arange(NUM) % C
TOKENS = torch.randint(VOCABULARY, (NUM, 8), generator=torch.Generator().manual_seed(3))
ATTENDED = (torch.arange(8) < 2 + torch.arange(NUM)[:, None] % 7).long()
TEXT = {
    "input_ids": TOKENS,
    "attention_mask": ATTENDED,
    "labels": torch.where(ATTENDED.bool(), TOKENS, -100),
}


def of_two(net: nn.Module, batch: Any) -> Tensor:
    """torch's mean over the minibatch."""
    return F.cross_entropy(net(*batch[:2])["logits"], batch[2])


def of_scaled(net: nn.Module, batch: Any) -> Tensor:
    logits = net(batch["a"], batch["b"], batch["scale"])["logits"]
    return (batch["w"] * entropy(logits, batch["y"])).sum() / batch["w"].sum()


def of_tokens(net: nn.Module, batch: Any) -> Tensor:
    """torch's mean over all tokens of the minibatch that count."""
    logits = net(batch["input_ids"], batch["attention_mask"])["logits"]
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), batch["labels"][:, 1:].flatten())


LOOPS: dict[str, tuple[Any, Any, Any, Any]] = {  # net, batch of all examples, cost, the same by hand
    "two inputs": (Two, (A, B, Y), CrossEntropy(), of_two),
    "entries": (
        Two,
        {"a": A, "b": B, "scale": 1 + B[:, 0] ** 2, "w": Y + 0.5, "y": Y},
        lambda outputs, batch: (entropy(outputs["logits"], batch["y"]), batch["w"]),
        of_scaled,
    ),
    "tokens": (Reader, TEXT, CausalLM(), of_tokens),
    "tokens, function": (
        Reader,
        TEXT,
        lambda model, batch: (
            F.cross_entropy(
                model(batch["input_ids"], batch["attention_mask"])["logits"][:, :-1].transpose(1, 2),
                batch["labels"][:, 1:],
                reduction="none",
            ),
            batch["labels"][:, 1:] != -100,
        ),
        of_tokens,
    ),
}


def by_hand(make: Any, batch: Any, loss: Any, seed: int) -> nn.Module:
    """The net after three epochs of any tutorial's loop, in float64."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(seed, INIT).initial_seed())
        net: nn.Module = make().double()
    steps, order = SGD(net.parameters()), stream(seed, ORDER)
    for _ in range(3):
        for index in torch.randperm(NUM, generator=order).split(BATCH):
            steps.zero_grad()
            loss(net, tree_map(lambda values, index=index: values[index], batch)).backward()
            steps.step()
    return net


@pytest.mark.parametrize("name", LOOPS)
def test_training_is_the_loop_by_hand_alone_and_beside_others(train: Train, name: str) -> None:
    make, batch, cost, loss = LOOPS[name]
    split = Split.of(batch)
    data = Dataset(name, split, split.first(9), split, C)
    numbers: dict[str, Any] = {**PLAIN, "batch_size": BATCH, "monitor": "valid/objective", "optimizer": SGD}
    assert groups_of(SEEDS, build(make, 0).double(), from_torch(cost), split.first(8), None, SGD) == [SEEDS]
    together = train(SEEDS, make, cost, data=data, **numbers)
    for s, seed in enumerate(SEEDS):
        alone, net = train([seed], make, cost, data=data, **numbers), by_hand(make, batch, loss, seed)
        right = together.layout.theta(net)
        assert float((right - together.theta_i[s]).norm()) > 0.1
        for found in (together.theta_f[s], alone.theta_f[0]):
            torch.testing.assert_close(found, right, rtol=1e-9, atol=1e-11)
        value = together.learning_curve.channels["train/objective"][-1, s]
        assert value == pytest.approx(loss(net, batch).item(), rel=1e-9)


def test_what_a_net_needs_and_a_batch_lacks_is_told_before() -> None:
    with pytest.raises(InputError, match=r"Two\.forward needs b, and the batch has a, labels"):
        check_training(Two(), CrossEntropy(), Split.of({"a": A.float(), "labels": Y}))
