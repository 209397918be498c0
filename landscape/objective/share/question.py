"""What decides the sums of a request but the examples: in words that must be the same, in numbers up to rounding."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.objective.request import Request
from landscape.parameters import row_of
from landscape.path.contract import is_affine

FEW, POINTS, ENTRIES = 64, 5, 16
"""Examples, points and entries of a tensor that show what it is."""
RELATIVE, ABSOLUTE = 1e-3, 1e-4
"""Of the mean size of a tensor's entries: more than another processor makes of them, less than another training."""


class Question:
    """What is asked, so that the answer to another question is known for one.

    Args:
        request: with a path of the objective's precision.
    """

    def __init__(self, request: Request) -> None:
        of, path, alphas = request.objective, request.path, request.alphas
        own = of.statistics.of(of.buffers, 0)
        at = [float(alphas[a]) for a in np.unique(np.linspace(0, len(alphas) - 1, POINTS).round().astype(int))]
        points = [path(alpha) for alpha in at]
        theta = row_of(points[len(points) // 2], 0).to(of.device, of.dtype)
        channels, _ = of.batches.few(FEW, own).channels(theta.clone())
        words = {
            "model": of.forward.name,
            "parameters": of.layout.num_parameters,
            "cost": type(of.cost).__name__,
            "channels": list(channels),
            "mode": [of.mode, of.is_random, of.num_replicates],
            "numbers": [str(of.dtype), of.device.type, of.engine, of.wants.alphas_at_once],
            "statistics": of.statistics.treatment,
            "seeds": list(of.seeds),
            "examples": of.examples.num,
            "costs": [str(request.keep_costs), request.noise is not None],
            "alphas": [float(alpha).hex() for alpha in alphas],
            "path": type(path).__name__,
            "weights": [[f"{w:.12g}" for w in path.weights(float(a))] for a in alphas] if is_affine(path) else [],
        }
        self.shape = of.num_replicates, len(alphas), len(of.seeds)
        self.words = hashlib.sha256(json.dumps(words, sort_keys=True, default=str).encode()).hexdigest()
        tensors: list[Tensor] = [*points, channels["objective"]]
        for given in (of.buffers, of.buffers_0):
            tensors += [b for s in range(len(of.seeds)) for b in of.statistics.of(given or None, s).values()]
        if of.statistics.recalibrates and of.statistics.calibration is not None:
            tensors += of.statistics.calibration.leaves.values()
        self.numbers = np.concatenate([_shown(tensor) for tensor in tensors])

    def is_that(self, words: Any, numbers: NDArray[Any] | None) -> bool:
        """Whether this is what was asked."""
        return (
            words == self.words
            and numbers is not None
            and numbers.shape == self.numbers.shape
            and np.allclose(numbers, self.numbers, RELATIVE, ABSOLUTE, equal_nan=True)
        )


def _shown(tensor: Tensor) -> NDArray[np.float64]:
    """How many entries a tensor has, how large they are, and some of them in that unit."""
    flat = tensor.detach().reshape(-1)
    flat = (flat.abs() if flat.is_complex() else flat).double().cpu() if flat.numel() < 10**6 else flat
    if not flat.numel():
        return np.zeros(1)
    size = float(flat.abs().mean(dtype=torch.float64))
    at: Sequence[int] = np.unique(np.linspace(0, len(flat) - 1, ENTRIES).round().astype(int)).tolist()
    some = flat[torch.tensor(at, device=flat.device)].double().cpu().numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.concatenate([[len(flat), size], some / size if size else some])
