"""How much the outputs turn while theta goes straight."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape.cost.contract import calls_module, tensor_of
from landscape.data.split import Split
from landscape.endpoints import Ends
from landscape.errors import InputError
from landscape.ground.progress import progress_of
from landscape.measurement.contract import Measured, Work
from landscape.measurement.interpolation import Interpolation
from landscape.measurement.stages import OnPath
from landscape.objective.batch import copied
from landscape.objective.forward import ForwardPass
from landscape.objective.objective import Objective
from landscape.result.curve import turning

Path = Callable[[float], Tensor]

STEP = 1e-5
"""Half the span of a central difference in alpha: in float64 both its error terms are then near 1e-10."""

STILL = 1e-7
"""A derivative below this, relative to the size of the outputs, is rounding and has no direction."""


class GaussLength:
    """J along the path, and the mean Gauss length: how far the direction of z(alpha), an example's outputs, turns.

    For one example it is the integral of the norm of the derivative of the unit tangent of z over [0, 1], here the sum
    of the angles between the tangents at neighbouring alphas: the integral from below, exact for an arc of a circle, 0
    where the outputs are affine in alpha. A kink of a ReLU counts by its angle; the original's trapezoid over second
    derivatives passes it over. Always without dropout and in float64, running statistics treated as J has them.

    Args:
        splits: as of interpolation.
        modes: as of interpolation.
        num_examples: average the turning over the first so many of each split; None: all.
        noise: as of interpolation.
        slopes: as of interpolation.
        shards: as of interpolation.

    Raises:
        InputError: alphas without both ends, or outputs that are not one row per example.

    Source: Lucas et al. 2021 (arXiv 2104.11044).
    """

    stage = OnPath

    def __init__(
        self,
        splits: Sequence[str] = ("train",),
        modes: Sequence[str] = ("deterministic",),
        num_examples: int | None = 1000,
        noise: bool = True,
        slopes: int = 0,
        shards: int | None = None,
    ) -> None:
        self.curves = Interpolation(splits, modes, slopes, noise, shards)
        self.shards, self.share = self.curves.shards, self.curves.share
        if num_examples is not None and num_examples < 1:
            raise InputError(f"measurement.num_examples={num_examples} must be at least 1, or null for all")
        self.num_examples = num_examples

    def check(self, on_path: OnPath) -> None:
        """Raise InputError for alphas or a model that have no Gauss length, before anything is trained."""
        if on_path.adaptive is not None:
            raise InputError(
                "measurement=gauss_length needs more points where the outputs turn, not where J does, so "
                "alphas=adaptive does not serve it; use alphas=unit_200"
            )
        if not np.isin([0.0, 1.0], on_path.alphas).all():
            raise InputError(
                "measurement=gauss_length runs over all of [0, 1], but alphas lack 0 or 1; "
                "use alphas=standard or alphas=unit_200"
            )
        on_path.check_held(self.curves.splits, "gauss_length")
        if on_path.dataset.train.num_streams is not None or on_path.dataset.train.is_resampled:
            raise InputError(
                "measurement=gauss_length needs independent and fixed examples, not sequences or pixels "
                "that are sampled anew"
            )
        if calls_module(on_path.cost):
            raise InputError(
                f"measurement=gauss_length needs the outputs of the model, and cost={type(on_path.cost).__name__} "
                "calls it itself; give a cost (outputs, batch), or use measurement=interpolation"
            )
        trial = on_path.trial
        _read(trial.forward, trial.forward.start, dict(trial.module.named_buffers()), trial.split.first(2))
        self.curves.check(on_path)

    def work(self, on_path: OnPath) -> Work:
        """The passes of the measured curves; the outputs' own are not counted."""
        return self.curves.work(on_path)

    def __call__(self, on_path: OnPath) -> Measured:
        """Curves as of interpolation, and the numbers ``"train/gauss_length"`` in radians, one per line."""
        self.check(on_path)
        measured = self.curves(on_path)
        lengths = {f"{name}/gauss_length": self._mean(on_path, name) for name in self.curves.splits}
        return replace(measured, numbers=measured.numbers | lengths)

    def _mean(self, on_path: OnPath, name: str) -> list[float]:
        ends, alphas, split = on_path.ends, on_path.alphas, on_path.split(name)
        split = split if self.num_examples is None else split.first(self.num_examples)
        objective = on_path.objective_along(split, "deterministic", dtype="float64")
        inside = alphas[(alphas >= 0) & (alphas <= 1)]
        found = []
        with progress_of(f"{name} Gauss length", len(ends.labels)) as progress:
            for s in range(len(ends.labels)):
                tangents, size = _tangents(objective, on_path.lay, ends, s, inside)
                found.append(float(turning(tangents, STILL * size).mean()))
                progress(s + 1)
        return found


def _tangents(
    objective: Objective, lay: Callable[..., Path], ends: Ends, s: int, alphas: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """dz/dalpha [A, N, C] by central differences, and the largest |z| of each example [N]."""
    theta_0, theta_1 = (end[s : s + 1].to(objective.device, torch.float64) for end in (ends.theta_0, ends.theta_1))
    path = lay(theta_0, theta_1)
    tangents, size = [], np.zeros(len(objective.split))
    # Inside [0, 1], so that a kink exactly at an end, or a path that stops there, does no harm.
    for low, high in zip(np.maximum(alphas - STEP, 0), np.minimum(alphas + STEP, 1), strict=True):
        before, after = (_outputs(objective, path, float(a), ends, s) for a in (low, high))
        tangents.append(((after - before) / (high - low)).cpu().numpy())
        size = np.maximum(size, after.norm(dim=1).cpu().numpy())
    return np.stack(tangents), size


def _outputs(objective: Objective, path: Path, alpha: float, ends: Ends, s: int) -> Tensor:
    """z [N, C] at one alpha."""
    start, end = ends.buffers_0[s : s + 1] or None, ends.buffers[s : s + 1] or None
    buffers = objective.statistics.along(path, np.array([alpha]), start, end, 1)[0][0]
    split, size = objective.split, objective.batch_size
    starts = range(0, len(split), size)
    blocks = (replace(split, x=x, y=y) for x, y in (split.rows(slice(start, start + size)) for start in starts))
    return torch.cat([_read(objective.forward, path(alpha)[0], buffers, block) for block in blocks])


def _read(forward: ForwardPass, theta: Tensor, buffers: Mapping[str, Tensor], split: Split) -> Tensor:
    """z [N, C] of a few examples at a point [P].

    Raises:
        InputError: it is of another shape.
    """
    # Some modules write into what they are given.
    values = {**forward.layout.unflatten(theta.clone()), **{name: buffer.clone() for name, buffer in buffers.items()}}
    with torch.no_grad(), forward.borrowed.values(values):
        outputs = tensor_of(forward.run(*copied(split.x, split.y)), getattr(forward.cost, "output", None))
    if outputs.dim() != 2:
        raise InputError(
            f"measurement=gauss_length needs a model whose outputs are [B, C], and model={forward.name} gives "
            f"{tuple(outputs.shape)}"
        )
    return outputs
