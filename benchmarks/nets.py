"""Networks as people bring them, in plain torch: what ``benchmarks.any_module`` takes along a line."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

WORDS = 1000


class Encoder(nn.Module):
    """Embedding, ``torch.nn.TransformerEncoder``, mean over the positions, linear."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, width)
        layer = nn.TransformerEncoderLayer(width, 4, 4 * width, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = nn.Linear(width, 10)

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens [B, T] -> logits [B, 10]."""
        return self.head(self.encoder(self.embedding(tokens)).mean(dim=1))


class Attention(nn.Module):
    """Softmax of the scores of every pair of positions, by hand, and two linear layers, each beside the identity."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.into, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, D] -> the same."""
        parts = self.into(self.first(x)).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # [3, B, heads, T, d]
        scores = parts[0] @ parts[1].transpose(-2, -1) / math.sqrt(parts.shape[-1])
        x = x + self.out((scores.softmax(dim=-1) @ parts[2]).transpose(1, 2).flatten(2))
        return x + self.mlp(self.second(x))


class Reader(nn.Module):
    """Embedding and positions, blocks of attention, mean, linear."""

    def __init__(self, width: int, blocks: int, length: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, width)
        self.places = nn.Parameter(0.02 * torch.randn(length, width))
        self.blocks = nn.Sequential(*(Attention(width, 4) for _ in range(blocks)))
        self.head = nn.Linear(width, 10)

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens [B, T] -> logits [B, 10]."""
        return self.head(self.blocks(self.embedding(tokens) + self.places).mean(dim=1))


class VisionTransformer(nn.Module):
    """Patches of 7 x 7 pixels, their positions, blocks of attention, mean, linear."""

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, width, 7, stride=7)
        self.places = nn.Parameter(0.02 * torch.randn(16, width))
        self.blocks = nn.Sequential(*(Attention(width, 4) for _ in range(blocks)), nn.LayerNorm(width))
        self.head = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        """[B, 1, 28, 28] -> logits [B, 10]."""
        return self.head(self.blocks(self.patches(x).flatten(2).transpose(1, 2) + self.places).mean(dim=1))


class Recurrent(nn.Module):
    """Embedding, a gated recurrent layer, linear on its last output."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, width)
        self.layer = nn.GRU(width, width, batch_first=True)
        self.head = nn.Linear(width, 10)

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens [B, T] -> logits [B, 10]."""
        return self.head(self.layer(self.embedding(tokens))[0][:, -1])


class Block(nn.Module):
    """Two convolutions with group or batch norm beside the identity."""

    def __init__(self, channels: int, by_batch: bool) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        norms = (nn.BatchNorm2d(channels) if by_batch else nn.GroupNorm(4, channels) for _ in range(2))
        self.norms = nn.ModuleList(norms)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> the same."""
        h = torch.relu(self.norms[0](self.first(x)))
        return torch.relu(x + self.norms[1](self.second(h)))


class ResNet(nn.Module):
    """A first convolution, two blocks, mean over the map, linear.

    Args:
        stem: the convolution that reads the three colours.
        channels: that it gives.
        by_batch: with batch norm, whose statistics are kept.
    """

    def __init__(self, stem: nn.Module, channels: int, by_batch: bool) -> None:
        super().__init__()
        self.stem = stem
        self.blocks = nn.Sequential(*(Block(channels, by_batch) for _ in range(2)))
        self.head = nn.Linear(channels, 10)

    def forward(self, x: Tensor) -> Tensor:
        """[B, 3, 32, 32] -> logits [B, 10]."""
        return self.head(self.blocks(torch.relu(self.stem(x))).mean(dim=(2, 3)))


def convolutions_then_dense(channels: int) -> nn.Module:
    """Two convolutions with pooling, two linear layers, of one colour."""
    return nn.Sequential(
        nn.Conv2d(1, channels, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(channels, 2 * channels, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(2 * channels * 49, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )
