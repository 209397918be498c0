"""More modules as people have them: wrapped, adapted, computed on the way, with a flow that goes by data or weights."""

from __future__ import annotations

import os
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize
from torch.utils.checkpoint import checkpoint

from tests.twin import C, D
from tests.zoo import WORKS, Make, Net, layers, quietly


class LowRank(nn.Module):
    """A layer that stays as it is, with a low-rank one beside it: an adapter as it is mostly made."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.down = nn.Linear(base.in_features, 2, bias=False)
        self.up = nn.Linear(2, base.out_features, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + 0.5 * self.up(self.down(x))


class Symmetric(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return weight.triu() + weight.triu(1).T


def _adapted() -> nn.Module:
    torch_state = torch.get_rng_state()
    torch.manual_seed(9)  # one base at both ends
    base = nn.Linear(D, 8), nn.Linear(8, C)
    torch.set_rng_state(torch_state)
    return nn.Sequential(LowRank(base[0]), nn.Tanh(), LowRank(base[1]))


def _symmetric() -> nn.Module:
    net = nn.Sequential(nn.Linear(D, D), nn.Tanh(), nn.Linear(D, C))
    parametrize.register_parametrization(net[0], "weight", Symmetric())
    return net


def _several() -> nn.Module:
    """Two parametrizations, one upon the other."""
    net = _symmetric()
    return parametrizations.weight_norm(net, "weight") if False else parametrizations.orthogonal(net[0]) and net


def _distributed() -> nn.Module:
    if not dist.is_initialized():
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29511"}
        dist.init_process_group("gloo", rank=0, world_size=1, store=dist.HashStore())
    return nn.parallel.DistributedDataParallel(layers())


def _materialised() -> nn.Module:
    net = nn.Sequential(nn.LazyLinear(8), nn.Tanh(), nn.LazyLinear(C))
    net(torch.randn(2, D))
    return net


def _recurrent(how: Any) -> Make:
    def make() -> nn.Module:
        r = quietly(how, nn.LSTM(1, 5, batch_first=True), "weight_hh_l0")
        return Net(lambda m, x: m.last(m.r(x[..., None])[0][:, -1]), r=r, last=nn.Linear(5, C))

    return make


def _routed(m: Any, x: Tensor) -> Tensor:
    """Each example by one of two experts, as its gate says: shapes that go by data and weights."""
    first = m.gate(x)[:, 0] > 0
    z = x.new_zeros(len(x), C)
    z[first], z[~first] = m.one(x[first]).tanh(), m.other(x[~first])
    return z


def _until_small(m: Any, x: Tensor) -> Tensor:
    scale = 1.0
    while float(m.first.weight.norm()) * scale > 1:
        scale /= 2
    return m.last((scale * m.first(x)).tanh())


def _as_deep_as_weights_say(m: Any, x: Tensor) -> Tensor:
    h = m.first(x)
    for _ in range(1 + int(m.first.bias.abs().sum() * 5) % 3):
        h = m.second(h).tanh()
    return m.last(h)


def _in_numpy(m: Any, x: Tensor) -> Tensor:
    return m.last(x) + torch.from_numpy(m.first.weight.detach().numpy().mean(axis=0)[:C])


def _per_example(m: Any, x: Tensor) -> Tensor:
    return torch.stack([m.last(row) if row[0] > 0.3 else m.last(-row) for row in x])


@torch.jit.script
def _scripted(x: Tensor) -> Tensor:
    return x * torch.sigmoid(1.7 * x)


FURTHER: dict[str, Make] = {
    "low-rank": _adapted,
    "symmetric": _symmetric,
    "distributed": _distributed,
    "lazy, materialised": _materialised,
    "weight norm, recurrent": _recurrent(nn.utils.weight_norm),
    "spectral norm, recurrent": _recurrent(nn.utils.spectral_norm),
    "weight norm, recurrent, parametrized": _recurrent(parametrizations.weight_norm),
    "group norm": lambda: nn.Sequential(nn.Linear(D, 8), nn.GroupNorm(2, 8), nn.Tanh(), nn.Linear(8, C)),
    "complex buffer": lambda: Net(
        lambda m, x: m.last(torch.view_as_real(x[:, :6].unflatten(1, (3, 2)).contiguous().view_as_complex() * m.turn).flatten(1))
        if hasattr(x, "view_as_complex")
        else m.last(torch.view_as_real(torch.view_as_complex(x[:, :6].unflatten(1, (3, 2)).contiguous()) * m.turn).flatten(1)),
        last=nn.Linear(6, C),
        turn=torch.polar(torch.ones(3), torch.arange(3.0)),
    ),
    "routed": lambda: Net(_routed, gate=nn.Linear(D, 1), one=nn.Linear(D, C), other=nn.Linear(D, C)),
    "until small": lambda: Net(_until_small, first=nn.Linear(D, 8), last=nn.Linear(8, C)),
    "as deep as weights say": lambda: Net(
        _as_deep_as_weights_say, first=nn.Linear(D, 8), second=nn.Linear(8, 8), last=nn.Linear(8, C)
    ),
    "in numpy": lambda: Net(_in_numpy, first=nn.Linear(D, 8), last=nn.Linear(D, C)),
    "per example": lambda: Net(_per_example, last=nn.Linear(D, C)),
    "scripted function": lambda: Net(
        lambda m, x: m.last(_scripted(m.first(x))), first=nn.Linear(D, 8), last=nn.Linear(8, C)
    ),
    "checkpointed": lambda: Net(
        lambda m, x: m.last(checkpoint(lambda h: m.first(h).tanh(), x, use_reentrant=False)),
        first=nn.Linear(D, 8),
        last=nn.Linear(8, C),
    ),
    "inference mode": lambda: Net(torch.inference_mode()(lambda m, x: m.last(m.first(x).tanh())), first=nn.Linear(D, 8), last=nn.Linear(8, C)),
    "no grad": lambda: Net(torch.no_grad()(lambda m, x: m.last(m.first(x).tanh())), first=nn.Linear(D, 8), last=nn.Linear(8, C)),
    "straight through": lambda: Net(
        lambda m, x: m.last((h := m.first(x)) + (h.sign() - h).detach()), first=nn.Linear(D, 8), last=nn.Linear(8, C)
    ),
    "stopped": lambda: Net(lambda m, x: m.last(m.first(x).tanh()) + m.first(x).detach()[:, :C], first=nn.Linear(D, 8), last=nn.Linear(8, C)),
    "parameter list": lambda: Net(
        lambda m, x: m.last(sum(x * w for w in m.ws)) , ws=nn.ParameterList([torch.randn(D) for _ in range(3)]), last=nn.Linear(D, C)
    ),
    "channels last": lambda: Net(
        lambda m, x: m.last(m.c(x.view(-1, 1, 7, 1)).flatten(1).relu()), c=nn.Conv2d(1, 2, (3, 1)), last=nn.Linear(10, C)
    ).to(memory_format=torch.channels_last),
    "sparse table": lambda: Net(
        lambda m, x: m.last(m.table((x[:, :3] > 0).long() + 2 * torch.arange(3)).flatten(1)) + x[:, :C], table=nn.Embedding(6, 4, sparse=True, padding_idx=0), last=nn.Linear(12, C)
    ),
    "bag": lambda: Net(
        lambda m, x: m.last(m.table((x[:, :3] > 0).long() + 2 * torch.arange(3))) + x[:, :C], table=nn.EmbeddingBag(6, 4), last=nn.Linear(4, C)
    ),
    "gradient within": lambda: Net(
        lambda m, x: _slope(m, x), first=nn.Linear(D, 8), last=nn.Linear(8, C)
    ),
    "own seed": lambda: Net(
        lambda m, x: m.last(x + 0.5 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0), dtype=x.dtype)), last=nn.Linear(D, C)
    ),
    "padded attention": lambda: Net(
        lambda m, x: m.last(m.t(m.first(x[..., None]), src_key_padding_mask=x < -0.5).nan_to_num()[:, 0]), first=nn.Linear(1, 8), last=nn.Linear(8, C),
        t=nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True), 2),
    ),
}

def _slope(m, x):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        z = m.last(m.first(x).tanh())
        (g,) = torch.autograd.grad(z.sum(), x, create_graph=True)
    return z + g[:, :C]
EVERY = {**WORKS, **FURTHER}
