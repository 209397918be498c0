"""No message names a key of the config: from Python there are arguments."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import landscape as ls
from landscape.cost import BinaryCrossEntropy, CrossEntropy, MaskedLM
from landscape.face.words import in_python_words

KEYS = re.compile(
    r"(?<!landscape\.)\b(objective|measurement|alphas|cost|dimensions|endpoints|training|data|model|path)\.[a-z_]|"
    r"\bnull\b|=(true|false)\b|refresh=|\bmodel=|\bcost=[a-z]"
)
X, Y = torch.randn(20, 4), torch.arange(20) % 3
TOKENS = torch.tensor([[1, 2, 3, 0], [3, 1, 0, 2], [2, 2, 1, 3]])
PLAIN, COLUMN = nn.Sequential(nn.Linear(4, 3)), nn.Linear(4, 1)
NORMED = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 3))
BLIND = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6, track_running_stats=False), nn.Linear(6, 3))
TABLE = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 4))


class Named(nn.Module):
    """Gives two tensors; in training it draws NumPy's numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"p": self.inner(x) * (np.random.rand() if self.training else 1.0), "q": self.inner(x)}


def measure(net: nn.Module, x: Tensor, y: Tensor, cost: Any, path: Any = None, **told: Any) -> Any:
    moved = {n: v + 0.1 if v.is_floating_point() else v for n, v in net.state_dict().items()}
    return ls.measure(net, path or ls.line(net, moved), (x, y), cost, **{"alphas": 3, **told})


def own(alpha: float) -> Tensor:
    return nn.utils.parameters_to_vector(NORMED.parameters()).detach()[None] * (1 + alpha)


CE = nn.CrossEntropyLoss()
SAID: dict[str, tuple[Callable[[], Any], str]] = {
    "labels": (lambda: measure(PLAIN, X, Y + 2, CrossEntropy()), "or give the net an output for each class"),
    "targets": (lambda: measure(PLAIN, X, 9 * X[:, :3], CrossEntropy()), "use landscape.cost.SquaredError() for a"),
    "axes": (lambda: measure(TABLE, TOKENS.repeat(2, 1)[:4], TOKENS.repeat(2, 1)[:4], CrossEntropy()),
             "say which: landscape.cost.CrossEntropy(classes='last')"),
    "axis": (lambda: measure(nn.Conv1d(4, 3, 1), torch.randn(5, 4, 7), torch.zeros(5, 7).long(), CrossEntropy()),
             "set landscape.cost.CrossEntropy(classes='first')"),
    "none counts": (lambda: measure(PLAIN, X, 0 * Y - 100, CE), "(ignore_index is what stands for no label)"),
    "sum": (lambda: measure(PLAIN, X, Y, nn.CrossEntropyLoss(reduction="sum")), "use reduction='mean'"),
    "outputs": (lambda: measure(Named(), X, Y, CrossEntropy()), "read by landscape.cost.CrossEntropy(output=NAME)"),
    "output": (lambda: measure(Named(), X, Y, CrossEntropy(output="z")), "none is output=z"),
    "probabilities": (lambda: measure(COLUMN, 9 * X, (Y > 0).float()[:, None], BinaryCrossEntropy(probabilities=True)),
                      "use landscape.cost.BinaryCrossEntropy()"),
    "places": (lambda: measure(PLAIN, X, Y, BinaryCrossEntropy()), "take landscape.cost.CrossEntropy(classes='first')"),
    "memory": (lambda: measure(PLAIN, X, Y, CE, memory="lots"), "or a number of bytes; None is 25%"),
    "little memory": (lambda: measure(PLAIN, X, Y, CE, memory="0.0000000001%"), "memory='0.0000000001%' is 1KiB here"),
    "statistics": (lambda: measure(NORMED, X, Y, CE), "running_statistics='keep' uses those of a line's end"),
    "between": (lambda: measure(NORMED, X, Y, CE, own, running_statistics="interpolate"),
                "those of alpha = 0 are not known here; use recalibrate or keep"),
    "slopes between": (lambda: measure(NORMED, X, Y, CE, slopes=1, running_statistics="interpolate"),
                       "use running_statistics='keep', or slopes=0"),
    "blind": (lambda: measure(BLIND, X, Y, CE), "would depend on batch_size; use batch norm with track_running_stats="),
    "noise": (lambda: measure(Named(), X, Y, CrossEntropy(output="p"), mode="stochastic"), "(mode='deterministic')"),
    "slopes": (lambda: measure(PLAIN, X, Y, CE, slopes=3), "slopes=3 must be 0 (none)"),
    "masked": (lambda: ls.measure(TABLE, ls.line(TABLE, {n: v + 1 for n, v in TABLE.state_dict().items()}),
                                  {"input": TOKENS, "labels": TOKENS, "input_ids": TOKENS}, MaskedLM(), alphas=3,
                                  call=lambda net, batch: net(batch["input"])), "or take landscape.cost.CausalLM()"),
}  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_messages_name_arguments(name: str) -> None:
    call, words = SAID[name]
    with pytest.raises(ls.InputError) as caught:
        call()
    text = str(caught.value)
    assert words in text and not KEYS.search(text), text


def test_a_phrase_as_the_house_says_it() -> None:
    """What cannot be provoked in a line or two."""
    for text, said in (
        ("set cost.shift=true, in Python CausalLM()", "use landscape.cost.CausalLM()"),
        (
            "noise takes measurement.noise=false; num=3, or null for all",
            "noise takes noise=False; num=3, or None for all",
        ),
        ("objective.memory=3 is too little; set objective.memory=2MiB", "memory=3 is too little; set memory='2MiB'"),
        ("see landscape.objective.engine and conf/cost.yaml", "see landscape.objective.engine and conf/cost.yaml"),
    ):
        assert in_python_words(text) == said
