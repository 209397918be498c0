"""More modules as people have them: wrapped, adapted, computed on the way, with a flow that goes by data or weights."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize
from torch.utils.checkpoint import checkpoint

from tests.twin import C, D
from tests.zoo import REFUSED, WORKS, Make, Net, layers, quietly


class LowRank(nn.Module):
    """A layer that stays as it is, with a low-rank one beside it: an adapter as it is mostly made."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.base = nn.Linear(inputs, outputs).requires_grad_(False)
        self.down, self.up = nn.Linear(inputs, 2, bias=False), nn.Linear(2, outputs, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + 0.5 * self.up(self.down(x))  # type: ignore[no-any-return]


class Symmetric(nn.Module):
    """A weight made of its upper half."""

    def forward(self, weight: Tensor) -> Tensor:
        return weight.triu() + weight.triu(1).T


def _symmetric() -> nn.Module:
    net = nn.Sequential(nn.Linear(D, D), nn.Tanh(), nn.Linear(D, C))
    parametrize.register_parametrization(net[0], "weight", Symmetric())
    return net


def _distributed() -> nn.Module:
    if not dist.is_initialized():
        dist.init_process_group("gloo", rank=0, world_size=1, store=dist.HashStore())
    return nn.parallel.DistributedDataParallel(layers())


def _materialised() -> nn.Module:
    net = nn.Sequential(nn.LazyLinear(8), nn.Tanh(), nn.LazyLinear(C))
    net(torch.randn(2, D))
    return net


def _compiled_in_place() -> nn.Module:
    net = layers()
    net.compile()
    return net


def _recurrent(how: Any) -> Make:
    def make() -> nn.Module:
        r = quietly(how, nn.LSTM(1, 5, batch_first=True), "weight_hh_l0")
        return Net(lambda m, x: m.last(m.r(x[..., None])[0][:, -1]), r=r, last=nn.Linear(5, C))

    return make


def _two(function: Any, **parts: Any) -> Make:
    """Two layers, and what else there is."""
    return lambda: Net(function, first=nn.Linear(D, 8), last=nn.Linear(8, C), **parts)


def _turned(m: Any, x: Tensor) -> Tensor:
    pairs = torch.view_as_complex(x[:, :6].unflatten(1, (3, 2)).contiguous())
    return m.last(torch.view_as_real(pairs * m.turn).flatten(1))


def _routed(m: Any, x: Tensor) -> Tensor:
    """Each example by one of two experts, as its gate says: shapes that go by data and weights."""
    first, z = m.gate(x)[:, 0] > 0, x.new_zeros(len(x), C)
    z[first], z[~first] = m.one(x[first]).tanh(), m.other(x[~first])
    return z


def _until_small(m: Any, x: Tensor) -> Tensor:
    scale = 1.0
    while float(m.first.weight.norm()) * scale > 1:
        scale /= 2
    return m.last((scale * m.first(x)).tanh())


def _as_deep_as_weights_say(m: Any, x: Tensor) -> Tensor:
    h = m.first(x).tanh()
    for _ in range(int(5 * m.first.bias.abs().sum()) % 3):
        h = h + m.second(h).tanh()
    return m.last(h)


def _in_numpy(m: Any, x: Tensor) -> Tensor:
    return m.last(m.first(x).tanh()) + torch.from_numpy(m.first.weight.detach().numpy().mean(axis=0)[:C])


def _with_its_slope(m: Any, x: Tensor) -> Tensor:
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        z = m.last(m.first(x).tanh())
        (slope,) = torch.autograd.grad(z.sum(), x, create_graph=True)
    return z + slope[:, :C]


def _through_its_sign(m: Any, x: Tensor) -> Tensor:
    h = m.first(x)
    return m.last(h + (h.sign() - h).detach())


def _unseen(m: Any, x: Tensor) -> Tensor:
    return m.last(m.first(x).tanh())


def _tokens(x: Tensor) -> Tensor:
    return (x[:, :3] > 0).long() + 2 * torch.arange(3)


@torch.jit.script
def _scripted(x: Tensor) -> Tensor:
    return x * torch.sigmoid(1.7 * x)


FURTHER: dict[str, Make] = {
    "low-rank": lambda: nn.Sequential(LowRank(D, 8), nn.Tanh(), LowRank(8, C)),
    "symmetric": _symmetric,
    "weight norm, recurrent": _recurrent(nn.utils.weight_norm),
    "weight norm, recurrent, parametrized": _recurrent(parametrizations.weight_norm),
    "distributed": _distributed,
    "lazy, materialised": _materialised,
    "compiled in place": _compiled_in_place,
    "group norm": lambda: nn.Sequential(nn.Linear(D, 8), nn.GroupNorm(2, 8), nn.Tanh(), nn.Linear(8, C)),
    "complex buffer": lambda: Net(_turned, last=nn.Linear(6, C), turn=torch.polar(torch.ones(3), torch.arange(3.0))),
    "routed": lambda: Net(_routed, gate=nn.Linear(D, 1), one=nn.Linear(D, C), other=nn.Linear(D, C)),
    "until small": _two(_until_small),
    "as deep as weights say": lambda: _two(_as_deep_as_weights_say, second=nn.Linear(8, 8))(),
    "per example": lambda: Net(
        lambda m, x: torch.stack([m.last(row) if row[0] > 0.3 else m.last(-row) for row in x]), last=nn.Linear(D, C)
    ),
    "in NumPy": _two(_in_numpy),
    "scripted function": _two(lambda m, x: m.last(_scripted(m.first(x)))),
    "checkpointed": _two(lambda m, x: m.last(checkpoint(lambda h: m.first(h).tanh(), x, use_reentrant=False))),
    "inference mode": _two(torch.inference_mode()(_unseen)),
    "no gradient": _two(torch.no_grad()(_unseen)),
    "straight through": _two(_through_its_sign),
    "with its slope": _two(_with_its_slope),
    "list of parameters": lambda: Net(
        lambda m, x: m.last(sum(x * w for w in m.list)),
        list=nn.ParameterList([torch.randn(D) for _ in range(3)]),
        last=nn.Linear(D, C),
    ),
    "channels last": lambda: Net(
        lambda m, x: m.last(m.c(x.view(-1, 1, D, 1)).flatten(1).relu()),
        c=nn.Conv2d(1, 2, (3, 1)),
        last=nn.Linear(10, C),
    ).to(memory_format=torch.channels_last),  # type: ignore[call-overload]
    "sparse slopes": lambda: Net(
        lambda m, x: m.last(m.table(_tokens(x)).flatten(1)) + x[:, :C],
        table=nn.Embedding(6, 4, sparse=True, padding_idx=0),
        last=nn.Linear(12, C),
    ),
    "bag": lambda: Net(
        lambda m, x: m.last(m.table(_tokens(x))) + x[:, :C], table=nn.EmbeddingBag(6, 4), last=nn.Linear(4, C)
    ),
    "padded attention": lambda: Net(
        lambda m, x: m.last(m.t(m.first(x[..., None]), src_key_padding_mask=x < x.amax(1, keepdim=True) - 2)[:, 0]),
        first=nn.Linear(1, 8),
        last=nn.Linear(8, C),
        t=nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True), 2),
    ),
}


class Counting(Net):
    """Knows how often it ran."""

    num_passes = 0


def _annealed(m: Any, x: Tensor) -> Tensor:
    m.num_passes += 1
    return m.last(x) * (2 if m.num_passes > 1000 else 1)


def _noisy(m: Any, x: Tensor) -> Tensor:
    return m.last(x + 0.1 * torch.randn(len(x), 1, generator=torch.Generator().manual_seed(0)))


ALONE = "another cost where other examples are beside it"
NOT: dict[str, tuple[Make, str]] = {
    "by its place": (lambda: Net(lambda m, x: m.last(x + torch.arange(len(x))[:, None]), last=nn.Linear(D, C)), ALONE),
    "by the first": (lambda: Net(lambda m, x: m.last(x - x[:1]), last=nn.Linear(D, C)), ALONE),
    "by the last": (lambda: Net(lambda m, x: m.last(x - x[-1:]), last=nn.Linear(D, C)), ALONE),
    "by the largest": (lambda: Net(lambda m, x: m.last(x.clamp(max=x.max() / 2)), last=nn.Linear(D, C)), ALONE),
    "noise of one seed": (lambda: Net(_noisy, last=nn.Linear(D, C)), ALONE),
    "counts in Python": (lambda: Counting(_annealed, last=nn.Linear(D, C)), "changes num_passes in each pass"),
    "quantised": (lambda: quietly(torch.ao.quantization.quantize_dynamic, layers(), {nn.Linear}), "no parameters"),
}
WORKS_TOO, REFUSED_TOO = {**WORKS, **FURTHER}, {**REFUSED, **NOT}
