"""Costs of language models: J is the mean over all tokens that count, as a loop over them has it."""

from __future__ import annotations

import math
from collections import OrderedDict, UserDict, namedtuple
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.data import DataLoader

from landscape.cost import CausalLM, MaskedLM, from_torch
from landscape.errors import InputError
from tests.cost.loop import cut, measured, over
from tests.twin import normal

N, T, C, PAD = 13, 7, 11, 0
TABLE = 2 * normal(C, C, seed=3)
SHIFTS = 0.5 * normal(T, C, seed=4)
TOKENS = 1 + (torch.arange(N * T) * 7 % 10).view(N, T)
LENGTHS = torch.tensor([7, 3, 1, 5, 7, 2, 4, 6, 7, 1, 3, 5, 2])
RIGHT = (torch.arange(T) < LENGTHS[:, None]).long()
IDS = torch.where(RIGHT.bool(), TOKENS, PAD)
MASKED = torch.where(torch.arange(N * T).view(N, T) % 5 == 2, TOKENS, -100)
Output = namedtuple("Output", "loss logits")


class Net(nn.Module):
    """Logits by the token and by how many real ones came before, so that padding on either side changes nothing."""

    def __init__(self, returns: Callable[[Tensor], Any] = lambda logits: logits) -> None:
        super().__init__()
        self.returns = returns

    def forward(self, x: Any) -> Any:
        assert isinstance(x, Tensor) or "labels" not in x
        ids = x if isinstance(x, Tensor) else x["input_ids"]
        mask = torch.ones_like(ids) if isinstance(x, Tensor) else x.get("attention_mask", torch.ones_like(ids))
        return self.returns(TABLE[ids] + SHIFTS[(mask.cumsum(1) - 1).clamp(min=0)])


def logits_at(tokens: list[int], t: int) -> list[float]:
    return [float(TABLE[tokens[t], c] + SHIFTS[t, c]) for c in range(C)]


def nll(row: list[float], label: int) -> float:
    return math.log(sum(math.exp(v) for v in row)) - row[label]


def causal(rows: list[list[int]], labels: list[list[int]]) -> tuple[float, float]:
    """The mean cost and the share of wrong tokens, by a loop over sequences without padding."""
    costs, wrong = [], []
    for row, wanted in zip(rows, labels, strict=True):
        for t in range(len(row) - 1):
            if wanted[t + 1] != -100:
                found = logits_at(row, t)
                costs.append(nll(found, wanted[t + 1]))
                wrong.append(found.index(max(found)) != wanted[t + 1])
    return sum(costs) / len(costs), sum(wrong) / len(wrong)


ROWS = [row[:n].tolist() for row, n in zip(TOKENS, LENGTHS, strict=True)]
PADDED, FULL = causal(ROWS, ROWS), causal(TOKENS.tolist(), TOKENS.tolist())
HALF = torch.where(torch.arange(N * T).view(N, T) % 3 == 1, -100, TOKENS)


def pieces(make: Callable[..., Any], *tensors: Tensor) -> list[tuple[Any, Any, Any]]:
    made = [make(*part) for part in cut(*tensors)]
    return [(b[0], b[1], b) if isinstance(b, tuple) else (b, None, b) for b in made]


def flipped(ids: Tensor, mask: Tensor) -> list[Tensor]:
    """The same sequences with their padding on the left."""
    rows = [torch.cat([row[~keep], row[keep]]) for row, keep in zip(ids, mask.bool(), strict=True)]
    return [torch.stack(rows), mask.flip(1)]


PAIR, IDS_MASK, LABELS = ["x", "y"], ["input_ids", "attention_mask"], ["input_ids", "labels"]


def named(names: list[str]) -> Callable[..., Any]:
    return (lambda *parts: parts) if names == PAIR else lambda *parts: dict(zip(names, parts, strict=True))


BATCHES: list[tuple[Any, list[Tensor], tuple[float, float]]] = [
    (named(IDS_MASK), [IDS, RIGHT], PADDED),
    (named(IDS_MASK), flipped(IDS, RIGHT), PADDED),
    (named([*IDS_MASK, "labels"]), [IDS, RIGHT, IDS.masked_fill(RIGHT == 0, -100)], PADDED),
    (named([*IDS_MASK, "labels"]), [IDS, RIGHT, IDS], PADDED),  # labels that forgot the padding
    (lambda *parts: UserDict(zip(LABELS, parts, strict=True)), [TOKENS, TOKENS], FULL),
    (named(["input_ids"]), [TOKENS], FULL),
    (named(LABELS), [TOKENS, HALF], causal(TOKENS.tolist(), HALF.tolist())),
    (named(PAIR), [TOKENS, TOKENS], FULL),
    (named(PAIR), [TOKENS, HALF.int()], causal(TOKENS.tolist(), HALF.tolist())),
    (lambda x: x, [TOKENS], FULL),
]


@pytest.mark.parametrize(("make", "tensors", "right"), BATCHES, ids=range(len(BATCHES)))
def test_j_is_the_mean_over_all_next_tokens(make: Any, tensors: list[Tensor], right: tuple[float, float]) -> None:
    found = over(CausalLM(), Net(), pieces(make, *tensors))
    assert (found["objective"], found["error"]) == pytest.approx(right, rel=1e-12)


def test_labels_one_place_further_are_not_shifted_again() -> None:
    x, y = TOKENS[:, :-1].contiguous(), TOKENS[:, 1:].contiguous()
    found = over(CausalLM(shift=False), Net(), pieces(named(PAIR), x, y))
    assert (found["objective"], found["error"]) == pytest.approx(FULL, rel=1e-12)


def test_another_label_may_stand_for_padding() -> None:
    found = over(CausalLM(ignore_index=PAD), Net(), pieces(named(PAIR), IDS, IDS))
    assert (found["objective"], found["error"]) == pytest.approx(PADDED, rel=1e-12)


@pytest.mark.parametrize("mask", [None, RIGHT])
def test_j_of_a_masked_model_is_the_mean_over_what_was_masked(mask: Tensor | None) -> None:
    places = [(n, t) for n in range(N) for t in range(T) if MASKED[n, t] >= 0 and (mask is None or mask[n, t])]
    rows = [logits_at(TOKENS[n].tolist(), t) for n, t in places]
    labels = [int(MASKED[n, t]) for n, t in places]
    right = sum(map(nll, rows, labels)) / len(rows)
    share = sum(row.index(max(row)) != label for row, label in zip(rows, labels, strict=True)) / len(rows)
    names, tensors = (LABELS, [TOKENS, MASKED]) if mask is None else ([*IDS_MASK, "labels"], [TOKENS, mask, MASKED])
    found = over(MaskedLM(), Net(), pieces(named(names), *tensors))
    assert (found["objective"], found["error"]) == pytest.approx((right, share), rel=1e-12)
    if mask is None:
        assert over(MaskedLM(), Net(), pieces(named(PAIR), TOKENS, MASKED)) == found


class Table(nn.Module):
    """Logits by the token alone, of parameters, and a loss where there are labels."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(TABLE.clone())

    def forward(self, input_ids: Tensor, attention_mask: Any = None, labels: Any = None) -> dict[str, Tensor]:
        assert labels is None
        return {"logits": self.table[input_ids]}


@pytest.mark.parametrize("is_loaded", [False, True])
@pytest.mark.parametrize("has_labels", [False, True])
def test_an_objective_measures_it_and_its_perplexity(is_loaded: bool, has_labels: bool) -> None:
    labels = IDS.masked_fill(RIGHT == 0, -100)
    data: Any = {"input_ids": IDS, "attention_mask": RIGHT} | ({"labels": labels} if has_labels else {})
    if is_loaded:
        data = DataLoader([{name: v[k] for name, v in data.items()} for k in range(N)], batch_size=5)
    right = F.cross_entropy(TABLE[IDS][:, :-1].flatten(0, 1), labels[:, 1:].flatten()).item()
    found = measured(CausalLM(), data, Table())
    assert found["objective"] == pytest.approx(right, rel=1e-12)
    assert found["perplexity"] == pytest.approx(math.exp(right), rel=1e-12)


OUTPUTS: list[Callable[[Tensor], Any]] = [
    lambda logits: {"loss": logits.mean(), "logits": logits, "hidden_states": (logits, logits)},
    lambda logits: OrderedDict(loss=logits.mean(), logits=logits),
    lambda logits: (logits.mean(), logits),
    lambda logits: (logits, ((logits, logits),)),
    lambda logits: Output(logits.mean(), logits),
    lambda logits: {"logits": logits, "other": logits},
]


@pytest.mark.parametrize("returns", OUTPUTS, ids=range(len(OUTPUTS)))
def test_logits_are_found_in_what_a_model_returns(returns: Callable[[Tensor], Any]) -> None:
    found = over(CausalLM(), Net(returns), pieces(named(IDS_MASK), IDS, RIGHT))
    assert found["objective"] == pytest.approx(PADDED[0], rel=1e-12)


@given(st.integers(0, 999), st.lists(st.integers(1, 5), min_size=1, max_size=4), st.booleans())
@settings(max_examples=30, deadline=None)
def test_unequal_batches_change_nothing_of_torch_s_mean(seed: int, sizes: list[int], is_causal: bool) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(C, (sum(sizes), T), generator=generator)
    y = torch.where(
        torch.rand(x.shape, generator=generator) < 0.4, -100, torch.randint(C, x.shape, generator=generator)
    )
    logits = Net()(x)
    if is_causal:
        right = F.cross_entropy(logits[:, :-1].flatten(0, 1), y[:, 1:].flatten())
    else:
        right = F.cross_entropy(logits.flatten(0, 1), y.flatten())
    if right.isfinite():
        cost: Any = CausalLM() if is_causal else MaskedLM()
        found = over(cost, Net(), [(p, q, (p, q)) for p, q in cut(x, y, sizes=tuple(sizes))])
        assert found["objective"] == pytest.approx(float(right), rel=1e-12)


def test_perplexity_is_of_the_whole() -> None:
    channel, function = from_torch(CausalLM()).derived["perplexity"]
    found = over(CausalLM(), Net(), pieces(named(IDS_MASK), IDS, RIGHT))
    assert function(found[channel]) == pytest.approx(math.exp(PADDED[0]))


@pytest.mark.parametrize("cost", [CausalLM(), MaskedLM()])
def test_costs_go_with_vmap(cost: Any) -> None:
    batch, thetas = {"input_ids": TOKENS, "labels": MASKED}, torch.tensor([1.0, 2.0], dtype=torch.float64)
    found = torch.func.vmap(lambda t: cost.channels(lambda x, draw: t * Net()(x), batch, batch))(thetas)
    alone = cost.channels(lambda x, draw: Net()(x), batch, batch)
    assert found["objective"][0].tolist() == pytest.approx(alone["objective"].tolist(), rel=1e-12)


NEXT = TOKENS.roll(-1, 1).index_fill(1, torch.tensor([T - 1]), -100)
REFUSED: list[tuple[Callable[[], Any], Any, str]] = [
    (CausalLM, (TOKENS, NEXT), "one place further already; set cost.shift=false"),
    (lambda: CausalLM(shift=False), (TOKENS, TOKENS), "labels are the inputs themselves"),
    (MaskedLM, {"input_ids": TOKENS, "labels": TOKENS}, "nothing was masked"),
    (MaskedLM, {"input_ids": TOKENS}, "needs labels, .* has input_ids"),
    (CausalLM, {"x": TOKENS}, "needs labels or input_ids, .* has x"),
    (CausalLM, {"input_ids": TOKENS, "attention_mask": RIGHT[:, None]}, "not of the shape of input_ids"),
    (CausalLM, (TOKENS, HALF.masked_fill(HALF == 5, C)), "has the label 11"),
    (CausalLM, (TOKENS, HALF.masked_fill(HALF == 5, -1)), "has the label -1"),
    (MaskedLM, (TOKENS, torch.full_like(TOKENS, -100)), "none of the 13 examples has a token"),
    (MaskedLM, (TOKENS, MASKED.double()), "whole numbers"),
    (MaskedLM, (TOKENS, MASKED[:, 0]), r"labels \[13\]"),
    (MaskedLM, (TOKENS, MASKED[:, 1:]), r"outputs \[4, 7, 11\] for labels \[4, 6\]"),
    (lambda: CausalLM(ignore_index=1.5), (), "cost.ignore_index=1.5 must be a whole number"),
    (lambda: CausalLM(shift=1), (), "cost.shift=1 must be true or false"),
    (lambda: MaskedLM(output=1.5), (), "cost.output=1.5"),
]


@pytest.mark.parametrize(("make", "batch", "words"), REFUSED, ids=range(len(REFUSED)))
def test_what_does_not_fit_is_refused(make: Callable[[], Any], batch: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make().check_targets(Net()(TOKENS[:4]), batch)
