"""Modules as people have them, x [B, D] -> logits [B, C], each with something that measuring must get right."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

from tests.twin import C, D

Make = Callable[[], nn.Module]


class Net(nn.Module):
    """A function of its own layers and x."""

    def __init__(self, function: Callable[..., Tensor], **parts: Any) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            if isinstance(part, Tensor) and not isinstance(part, nn.Parameter):
                self.register_buffer(name, part)
            else:
                setattr(self, name, part)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, D] -> logits [B, C]."""
        return self.function(self, x)


class Sign(torch.autograd.Function):
    """Straight through, in the old style: no forward derivative."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.sign()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient


class Adapter(nn.Linear):
    """A low-rank adapter that merges itself into the weights as it leaves training mode."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.weight.requires_grad_(False)
        self.down, self.up = nn.Parameter(torch.randn(2, inputs)), nn.Parameter(torch.randn(outputs, 2))
        self.merged = False

    def train(self, mode: bool = True) -> Adapter:
        super().train(mode)
        if self.merged == mode:
            self.weight.data += (-1 if mode else 1) * self.up.data @ self.down.data
            self.merged = not mode
        return self

    def forward(self, x: Tensor) -> Tensor:
        z = super().forward(x)
        return z if self.merged else z + x @ self.down.T @ self.up.T


def quietly(function: Callable[..., Any], *args: Any, **numbers: Any) -> Any:
    """Without the word that it is deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, **numbers)


def layers(*first: nn.Module) -> nn.Sequential:
    """-> 8 -> C with a tanh between."""
    return nn.Sequential(*first, nn.Linear(D, 8), nn.Tanh(), nn.Linear(8, C))


def _tied() -> nn.Module:
    net = Net(
        lambda m, x: m.last(m.second(m.first(x).tanh())),
        first=nn.Linear(D, 8),
        second=nn.Linear(8, 8),
        last=nn.Linear(8, C),
    )
    net.second.weight = nn.Parameter(net.second.weight.detach().clone())
    net.shared, net.first.bias = net.second, net.second.bias
    return net


def _frozen() -> nn.Module:
    net = layers()
    net[0].requires_grad_(False)
    return net


def _mixed() -> nn.Module:
    net = Net(
        lambda m, x: m.last(m.first(x.to(m.first.weight.dtype)).tanh().to(m.last.weight.dtype)),
        first=nn.Linear(D, 8).bfloat16(),
        last=nn.Linear(8, C).double(),
    )
    return net


def _counting(m: Any, x: Tensor) -> Tensor:
    m.count += 1
    m.total = m.total + 1  # another tensor in its place
    return m.last(x) * (1 + m.count) + m.total


def _clamping(m: Any, x: Tensor) -> Tensor:
    m.last.weight.data.clamp_(-0.3, 0.3)
    return m.last(x)


def _renormed(m: Any, x: Tensor) -> Tensor:
    return m.last(m.table((x[:, :2] > 0).long()).flatten(1)) + x[:, :C]


def _branching(m: Any, x: Tensor) -> Tensor:
    h = m.first(x)
    return m.last(h.tanh()) if float(m.first.weight.sum()) > 0 else m.last(h.relu())


def _drawing(m: Any, x: Tensor) -> Tensor:
    torch.rand(3)
    return m.last(x) + F.dropout(x[:, :C], 0.5, True) * 0


def _computed(make: Callable[[nn.Linear], nn.Module], calls: bool = True) -> nn.Module:
    net = nn.Sequential(quietly(make, nn.Linear(D, 8)), nn.ReLU(), nn.Linear(8, C))
    if calls:
        net(torch.randn(4, D)).sum().backward()  # a step has just been made: what is computed hangs in a graph
    return net


def _pruned(layer: nn.Linear) -> nn.Module:
    torch.manual_seed(3)  # the same weights at both ends
    return prune.random_unstructured(layer, "weight", 0.5)


def _hooked() -> nn.Module:
    net = layers()
    net[0].register_forward_hook(lambda m, inputs, out: 1.5 * out)
    net[2].register_forward_pre_hook(lambda m, inputs: (inputs[0] + m.bias.sum(),))
    return net


def _seldom(m: Any, x: Tensor) -> Tensor:
    """Writes into all that it is given, where its weights are large or an input is."""
    if float(m.last.weight.sum()) > m.from_sum:
        x.relu_()
        m.shift.add_(0.3)
        m.last.weight.data.clamp_(-0.2, 0.2)
    if (x > 1.5).any():
        x.detach().numpy().clip(max=1.5, out=x.detach().numpy())
    return m.last(x + m.shift)


WORKS: dict[str, Make] = {
    "tied": _tied,
    "frozen": _frozen,
    "half": lambda: layers().half(),
    "bfloat16": lambda: layers().bfloat16(),
    "mixed": _mixed,
    "complex": lambda: Net(
        lambda m, x: m.last(torch.fft.irfft(torch.fft.rfft(x) * m.modes, n=D)) * m.odd,
        odd=nn.Parameter(torch.randn(1)),
        modes=nn.Parameter(torch.randn(4, dtype=torch.cfloat)),
        last=nn.Linear(D, C),
    ),
    "whole parameter": lambda: Net(
        lambda m, x: m.last(x[:, m.order]),
        order=nn.Parameter(torch.arange(D).flip(0), requires_grad=False),
        last=nn.Linear(D, C),
    ),
    "whole buffer": lambda: Net(
        lambda m, x: m.last(x[:, m.order]), last=nn.Linear(D, C), order=torch.arange(D).flip(0)
    ),
    "infinite mask": lambda: Net(
        lambda m, x: m.last((m.first(x) + m.mask).softmax(1)),
        first=nn.Linear(D, 8),
        last=nn.Linear(8, C),
        mask=torch.tensor([0.0, -torch.inf] * 4),
    ),
    "no number, never read": lambda: Net(
        lambda m, x: m.last(x), last=nn.Linear(D, C), spare=torch.full((3,), torch.nan)
    ),
    "counts its passes": lambda: Net(_counting, last=nn.Linear(D, C), count=torch.tensor(0), total=torch.tensor(0.0)),
    "instance norm": lambda: Net(
        lambda m, x: m.last(m.norm(x[:, None])[:, 0]), last=nn.Linear(D, C), norm=nn.InstanceNorm1d(1, affine=True)
    ),
    "weight norm": lambda: _computed(nn.utils.weight_norm),
    "weight norm, parametrized": lambda: _computed(parametrizations.weight_norm),
    "spectral norm": lambda: _computed(nn.utils.spectral_norm),
    "spectral norm, parametrized": lambda: _computed(parametrizations.spectral_norm),
    "orthogonal": lambda: _computed(lambda layer: parametrizations.orthogonal(layer, orthogonal_map="matrix_exp")),
    "pruned": lambda: _computed(_pruned),
    "adapter": lambda: nn.Sequential(Adapter(D, 8), nn.Tanh(), Adapter(8, C)),
    "DataParallel": lambda: nn.DataParallel(layers()),
    "compiled": lambda: torch.compile(layers()),  # type: ignore[return-value]
    "compiled within": lambda: nn.Sequential(torch.compile(layers()), nn.Linear(C, C)),  # type: ignore[arg-type]
    "in place, module": lambda: layers(nn.ReLU(inplace=True)),
    "in place, operator": lambda: Net(lambda m, x: m.last(x.sub_(0.1).mul_(2)), last=nn.Linear(D, C)),
    "writes into its weights": lambda: Net(_clamping, last=nn.Linear(D, C)),
    "writes at some points": lambda: Net(_seldom, last=nn.Linear(D, C), shift=torch.zeros(D), from_sum=-0.5),
    "keeps constants": lambda: Net(
        lambda m, x: m.last(x * m.scales[0] + m.offset), last=nn.Linear(D, C), scales=[torch.tensor(1.5)], offset=2
    ),
    "renormed embedding": lambda: Net(_renormed, table=nn.Embedding(2, 3, max_norm=0.7), last=nn.Linear(6, C)),
    "own function": lambda: Net(
        lambda m, x: m.last(Sign.apply(m.first(x))), first=nn.Linear(D, 8), last=nn.Linear(8, C)
    ),
    "draws for nothing": lambda: Net(_drawing, last=nn.Linear(D, C)),
    "branches by its weights": lambda: Net(_branching, first=nn.Linear(D, 8), last=nn.Linear(8, C)),
    "branches by its data": lambda: Net(
        lambda m, x: m.last(x.nan_to_num() if x.isnan().any() else x.tanh()), last=nn.Linear(D, C)
    ),
    "expanded": lambda: Net(
        lambda m, x: m.last(x) * m.gain, last=nn.Linear(D, C), gain=nn.Parameter(torch.full((1,), 1.3).expand(C))
    ),
    "scalar": lambda: Net(lambda m, x: m.last(x) * m.gain, last=nn.Linear(D, C), gain=nn.Parameter(torch.tensor(0.7))),
    "hooks": _hooked,
    "recurrent": lambda: Net(
        lambda m, x: m.last(m.r(x[..., None])[0][:, -1]), r=nn.LSTM(1, 5, 2, batch_first=True), last=nn.Linear(5, C)
    ),
    "gated": lambda: Net(
        lambda m, x: m.last(m.r(x[..., None])[0].mean(1)), r=nn.GRU(1, 5, batch_first=True), last=nn.Linear(5, C)
    ),
    "attention": lambda: Net(
        lambda m, x: m.last(m.t(m.first(x[..., None])).mean(1)),
        first=nn.Linear(1, 8),
        last=nn.Linear(8, C),
        t=nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True),
    ),
}


def _aliased() -> nn.Module:
    net = Net(lambda m, x: F.linear(x, m.held[0]), last=nn.Linear(D, C, bias=False))
    net.held = [net.last.weight]
    return net


def _closed_over() -> nn.Module:
    net = layers()
    inner = net.forward
    net.forward = lambda x: 2 * inner(x)  # type: ignore[method-assign]
    return net


def _locked() -> nn.Module:
    import threading

    net = layers()
    net.lock = threading.Lock()  # type: ignore[assignment]
    return net


REFUSED: dict[str, tuple[Make, str]] = {
    "lazy": (lambda: nn.Sequential(nn.LazyLinear(4), nn.Linear(4, C)), r"lazy layers \(0\.weight, 0\.bias\)"),
    "lazy norm": (lambda: nn.Sequential(nn.Linear(D, 4), nn.LazyBatchNorm1d(), nn.Linear(4, C)), "lazy layers"),
    "scripted": (lambda: quietly(torch.jit.script, layers()), "is TorchScript"),
    "scripted within": (
        lambda: nn.Sequential(quietly(torch.jit.script, layers()), nn.Linear(C, C)),
        r"TorchScript \(0\)",
    ),
    "traced": (lambda: quietly(torch.jit.trace, layers(), torch.randn(3, D)), "is TorchScript"),
    "batch norm without statistics": (
        lambda: layers(nn.BatchNorm1d(D, track_running_stats=False)),
        r"\(0 normalises by the batch at hand\)",
    ),
    "centred by the batch": (
        lambda: Net(lambda m, x: m.last(x - x.mean(0)), last=nn.Linear(D, C)),
        "would depend on objective",
    ),
    "held twice": (_aliased, r"reads weight last\.weight otherwise than by that name"),
    "closed over": (_closed_over, "otherwise than by that name"),
    "random": (lambda: Net(lambda m, x: m.last(F.dropout(x)), last=nn.Linear(D, C)), "two different costs"),
    "cannot be copied": (_locked, "cannot be copied .*lock"),
    "meta": (lambda: nn.Linear(D, C, device="meta"), "meta device"),
    "no parameters": (lambda: nn.Flatten(), "no parameters"),
}
