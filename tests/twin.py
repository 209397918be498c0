"""Slow plain twins: the same mathematics one example at a time, and the small problems they are run on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landscape.data import Dataset, Split
from landscape.model import MaxoutMLP

D, H, K, C = 7, 6, 2, 5
INCLUDE, SCALE = (0.8, 0.5), (1.1, 2.0)  # 1.1 is no binary fraction, so a scale rounded to float32 shows
WIDTHS = (D, H)
INIT, ORDER, DROPOUT, MEASURE, ENDPOINT = range(5)  # again here: a renumbered stream must fail a test


def normal(*shape: int, seed: int = 0) -> Tensor:
    """N(0, 1) in float64."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def maxout(**changes: Any) -> MaxoutMLP:
    """7-6x2-5 with dropout."""
    numbers = {"widths": [H], "pieces": K, "init_range": 0.6, "max_norm": 1.2, "include": INCLUDE, "scale": SCALE}
    return MaxoutMLP(D, C, **{**numbers, **changes})


def split(num: int, seed: int) -> Split:
    """Inputs off the origin, labels that a small net can partly learn."""
    x = 0.7 * normal(num, D, seed=seed) + 0.3
    noise = 0.8 * normal(num, C, seed=seed + 1000)
    return Split(x, (x @ normal(D, C, seed=99) + noise).argmax(dim=1))


def dataset(num_train: int = 23) -> Dataset:
    """Three splits; 23 is no multiple of any batch size used here."""
    return Dataset("toy", split(num_train, 1), split(41, 2), split(13, 3), C)


def stream(*key: int) -> torch.Generator:
    """The stream of (seed, purpose, ...)."""
    word = int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0])
    return torch.Generator().manual_seed(word // 2)


def parts(uniform: Tensor) -> list[Tensor]:
    """One example's uniform numbers [F] as one mask of zeros and ones per layer."""
    include = [p for p, width in zip(INCLUDE, WIDTHS, strict=True) for _ in range(width)]
    mask = torch.tensor([1.0 if u < np.float32(p) else 0.0 for u, p in zip(uniform.tolist(), include, strict=True)])
    return list(mask.double().split(WIDTHS))


def measured_masks(seed: int, num: int, num_draws: int = 1, replicate: int = 0) -> list[list[list[Tensor]]]:
    """[N][draw][layer]: thousand examples share a stream."""
    blocks = [
        torch.rand(num_draws, 1000, sum(WIDTHS), generator=stream(seed, MEASURE, replicate, block))
        for block in range((num + 999) // 1000)
    ]
    return [[parts(blocks[n // 1000][d, n % 1000]) for d in range(num_draws)] for n in range(num)]


def unpacked(theta: Tensor, sizes: Sequence[int] = (D, H * K, H, C)) -> list[tuple[Tensor, Tensor]]:
    """theta [P] -> (weight, bias) per layer of ``maxout()``."""
    layers, at = [], 0
    for fan_in, fan_out in zip(sizes[::2], sizes[1::2], strict=True):
        weight = theta[at : at + fan_in * fan_out].reshape(fan_out, fan_in)
        at += fan_in * fan_out
        layers.append((weight, theta[at : at + fan_out]))
        at += fan_out
    assert at == len(theta)
    return layers


def logits(layers: Sequence[tuple[Tensor, Tensor]], x: Tensor, masks: Sequence[Tensor] | None = None) -> Tensor:
    """One example x [D] through maxout layers."""
    h = x
    for k, (weight, bias) in enumerate(layers):
        if masks is not None:
            h = h * masks[k] * SCALE[k]
        z = torch.stack([weight[j] @ h + bias[j] for j in range(len(bias))])
        if k == len(layers) - 1:
            return z
        h = torch.stack([max(z[j * K + i] for i in range(K)) for j in range(len(z) // K)])  # type: ignore[type-var]
    raise AssertionError("no layers")


def cross_entropy(z: Tensor, y: int) -> Tensor:
    """-log softmax(z)[y]."""
    top = z.max().detach()
    return top + (z - top).exp().sum().log() - z[y]


def objective(theta: Tensor, data: Split, masks: Sequence[Sequence[Sequence[Tensor]]] | None = None) -> float:
    """J(theta [P]) by one example after the other."""
    layers = unpacked(theta)
    costs = [
        cross_entropy(logits(layers, data.x[n], None if masks is None else masks[n][0]), int(data.y[n])).item()
        for n in range(len(data))
    ]
    return math.fsum(costs) / len(data)


def error(theta: Tensor, data: Split) -> float:
    """Share of examples whose largest logit is not the label's."""
    layers = unpacked(theta)
    return sum(int(logits(layers, data.x[n]).argmax()) != int(data.y[n]) for n in range(len(data))) / len(data)


def adversarial_cost(
    theta: Tensor, x: Tensor, y: int, epsilon: float, weight: float, masks: Sequence[Sequence[Tensor]] | None = None
) -> tuple[float, float]:
    """(clean, perturbed) cost of one example; the slope by central differences, not by autograd."""
    layers = unpacked(theta)
    first, second = (None, None) if masks is None else (masks[0], masks[1])

    def clean(inputs: Tensor) -> float:
        return cross_entropy(logits(layers, inputs, first), y).item()

    step = 1e-6 * torch.eye(D, dtype=torch.float64)
    slope = torch.tensor([clean(x + step[i]) - clean(x - step[i]) for i in range(D)], dtype=torch.float64)
    moved = x + epsilon * slope.sign()
    return clean(x), cross_entropy(logits(layers, moved, second), y).item()


def projected(layers: Sequence[tuple[Tensor, Tensor]], bound: float) -> list[tuple[Tensor, Tensor]]:
    """Each unit's incoming weights shortened to the bound, one unit at a time."""
    out = []
    for weight, bias in layers:
        rows = [row * min(row.norm().item(), bound) / max(row.norm().item(), 1e-7) for row in weight]
        out.append((torch.stack(rows), bias))
    return out


def packed(layers: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """(weight, bias) per layer -> theta [P]."""
    return torch.cat([part.reshape(-1) for layer in layers for part in layer])


def train(
    theta: Tensor,
    data: Split,
    seed: int,
    epochs: int,
    batch: int,
    lr: float,
    momentum: float,
    decay: float,
    bound: float,
) -> list[Tensor]:
    """theta after each epoch: an explicit velocity, one autograd call per example, lr / decay^(update - 1)."""
    order, dropout = stream(seed, ORDER), stream(seed, DROPOUT)
    velocity, update, path = torch.zeros_like(theta), 0, []
    for _ in range(epochs):
        permutation = torch.randperm(len(data), generator=order).tolist()
        for start in range(0, len(data), batch):
            chosen = permutation[start : start + batch]
            uniform = torch.rand(1, len(chosen), sum(WIDTHS), generator=dropout)[0]
            slope = torch.zeros_like(theta)
            for n, u in zip(chosen, uniform, strict=True):
                leaf = theta.clone().requires_grad_()
                cost = cross_entropy(logits(unpacked(leaf), data.x[n], parts(u)), int(data.y[n]))
                slope += torch.autograd.grad(cost, leaf)[0] / len(chosen)
            velocity = momentum * velocity - lr / decay**update * slope
            update += 1
            theta = packed(projected(unpacked(theta + velocity), bound))
        path.append(theta)
    return path
