"""What running statistics, such as the means of batch norm, are at a point of a path.

They are no parameters: the optimizer did not walk through them, and a line in theta does not say what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from landscape.data.split import Split
from landscape.data.stream import Stream
from landscape.data.tree import moved
from landscape.errors import InputError
from landscape.objective.batch import copied
from landscape.objective.forward import ForwardPass
from landscape.objective.module.watch import is_same
from landscape.parameters import beside, row_of
from landscape.path import Bent

Named = Mapping[str, Tensor]
TREATMENTS = ("keep", "interpolate", "recalibrate")


class RunningStatistics:
    """statistics.along(path, alphas, ...) -> the buffers to use at each alpha, for each row of theta.

    Statistics are the floating-point buffers that a pass in training mode changes; all others, such as masks and
    tables, are constants: they are the same all along a path, and refused where its two ends have different ones,
    unless ``keep`` says whose.

    ``keep``: those of theta_1 (the module's own where none are given) everywhere. ``interpolate``: linear from those of
    theta_0 to those of theta_1; beyond the ends a variance may become negative, and J is NaN there; equal entries stay
    what they are. ``recalibrate``:
    the exact mean and the exact variance (that of the sample: divided by N) of what enters each batch-norm layer over
    the whole calibration split, layer by layer: the inputs of a layer are those which the layers before it give with
    their own recalibrated statistics, without dropout. That is a forward pass in training mode over the whole split as
    one batch, not torch's average over minibatches; order and batch size change nothing but rounding. Sums are in
    float64. It costs one pass over the data if they fit into one batch, else one pass per layer.

    Args:
        forward: a pass of the template.
        treatment: one of ``TREATMENTS``; None refuses a module that has statistics.
        calibration: the training split, on any device, for ``recalibrate``.
        batch_size: examples per forward pass.
        changed: the buffers that training changes.

    Raises:
        InputError: an unknown treatment, or one that cannot be had of this module.
    """

    def __init__(
        self,
        forward: ForwardPass,
        treatment: str | None,
        calibration: Split | Stream | None,
        batch_size: int,
        changed: Collection[str],
    ) -> None:
        self.changed, self.forward, module = changed, forward, forward.module
        self.statistics = [n for n, b in module.named_buffers() if n in changed and _is_continuous(b)]
        check_running_statistics(module, treatment, self.statistics)
        self.module, self.treatment, self.dtype, self.batch_size = module, treatment, forward.dtype, batch_size
        self.device = forward.device
        norms = {n: m for n, m in module.named_modules() if isinstance(m, _BatchNorm)}
        self.layers = {n: m for n, m in norms.items() if m.running_mean is not None}
        self.names = [f"{name}.{part}" for name in self.layers for part in ("running_mean", "running_var")]
        self.recalibrates = treatment == "recalibrate" and bool(self.statistics)
        if self.recalibrates:
            self._check_layers()
            if isinstance(calibration, Stream):
                raise InputError(
                    "objective.running_statistics=recalibrate goes over the training examples again for each layer "
                    "and point, and these are streamed; give some of them to be held (calibration=...), or use "
                    "keep or interpolate"
                )
            if calibration is not None and (calibration.num_streams is not None or calibration.is_resampled):
                raise InputError(
                    "objective.running_statistics=recalibrate needs independent and fixed examples, not "
                    "sequences or pixels that are sampled anew; use keep or interpolate"
                )
        self.calibration = None if isinstance(calibration, Stream) else calibration
        self.interpolates = treatment == "interpolate" and bool(self.statistics)
        self.moves = self.interpolates or self.recalibrates

    @property
    def num_bytes(self) -> int:
        """Of the buffers at one point."""
        return sum(buffer.nbytes for buffer in self.module.buffers())

    def _check_layers(self) -> None:
        """Refuse statistics that no batch-norm layer of torch holds: nobody here knows what they mean."""
        other = [n for n in self.statistics if n not in self.names]
        if other:
            raise InputError(
                f"objective.running_statistics=recalibrate knows the batch norm of torch, but "
                f"model={type(self.module).__name__} also has {', '.join(other[:3])}; use keep or interpolate"
            )

    def along(
        self,
        path: Callable[[float], Tensor],
        alphas: NDArray[np.float64],
        buffers_0: Sequence[Named] | None,
        buffers_1: Sequence[Named] | None,
        num_seeds: int,
    ) -> list[list[Named]]:
        """[A][S] -> {name: buffer}, on the module's device in the precision of the forward pass.

        Args:
            path: alpha -> theta [S, P].
            buffers_0, buffers_1: per row, those of theta_0 and of theta_1; None: not known, which ``interpolate``
                refuses away from alpha = 1.
        """
        kept = [self.of(buffers_1, s) for s in range(num_seeds)]
        if self.treatment != "keep" and buffers_0 and not (len(alphas) == 1 and alphas[0] == 1):
            for s in range(num_seeds):
                self.check_constants(self.of(buffers_0, s), kept[s])
        if self.treatment == "interpolate" and self.statistics:
            is_bent = isinstance(path, Bent)
            if is_bent or len(getattr(path, "anchors", ())) > 2:
                raise InputError(
                    "objective.running_statistics=interpolate knows the statistics at the two ends of a line, and this "
                    f"is a {'curve with bends' if is_bent else 'plane'}; use keep or recalibrate"
                )
            return [[self._between(float(a), buffers_0, kept, s) for s in range(num_seeds)] for a in alphas]
        if self.recalibrates:
            thetas = (path(float(alpha)).to(self.device, self.dtype) for alpha in alphas)
            return [[self._recalibrated(row_of(theta, s), kept[s]) for s in range(num_seeds)] for theta in thetas]
        return [kept] * len(alphas)

    def of(self, buffers: Sequence[Named] | None, s: int) -> Named:
        """The buffers of row ``s``; empty, so the module's own, where none are given."""
        if buffers is None:
            return {}
        return {n: b.to(self.device, self.dtype if b.is_floating_point() else None) for n, b in buffers[s].items()}

    def _between(self, alpha: float, buffers_0: Sequence[Named] | None, kept: Sequence[Named], s: int) -> Named:
        end = kept[s] or dict(self.module.named_buffers())
        if alpha == 1:
            return end
        start = self.of(buffers_0, s) if buffers_0 else {}
        if start.keys() != end.keys():
            raise InputError(
                "objective.running_statistics=interpolate needs the statistics at both ends, and those of alpha = 0 "
                "are not known here (a random point has none, nor have solutions stored by an older version: "
                "refresh=true); use recalibrate or keep"
            )
        return {n: _between(start[n], b, alpha) if n in self.statistics else b for n, b in end.items()}

    def check_constants(self, start: Named, end: Named) -> None:
        """Refuse two ends whose nets differ in more than weights and statistics, such as in what is pruned."""
        names = [n for n in start if n in end and n not in self.changed and not is_same(start[n], end[n])]
        if names:
            raise InputError(
                f"model={type(self.module).__name__} has other {', '.join(names[:3])} at one end of the path than at "
                "the other, and these are no running statistics that could move along: use "
                "objective.running_statistics=keep for those of the trained end everywhere, or ends that share them"
            )

    @torch.no_grad()
    def _recalibrated(self, theta: Tensor, kept: Named) -> Named:
        """theta [P] -> the buffers, with the exact statistics in them."""
        if self.calibration is None:
            raise InputError(
                "objective.running_statistics=recalibrate needs the training split that the statistics "
                "are taken over; give Objective(calibration=...)"
            )
        # Hooks write into the clones, and so may the module.
        found = {n: b.clone() for n, b in {**beside(self.module), **kept}.items()}
        order = self._order(theta, found)
        if len(self.calibration) <= self.batch_size:
            # Every layer can take its statistics from the one batch as it comes by.
            with self._before(dict.fromkeys(order, _take)):
                self._run(theta, found, 0, self.batch_size)
            return found
        for name in order:
            mean, var = self._moments(theta, found, name)
            found[f"{name}.running_mean"].copy_(mean)
            found[f"{name}.running_var"].copy_(var)
        return found

    def _run(self, theta: Tensor, found: Named, first: int, last: int) -> None:
        """One pass over some examples of the calibration split, all of it copies but the statistics."""
        assert self.calibration is not None
        x, y = (moved(part, self.device, self.dtype) for part in self.calibration.rows(slice(first, last)))
        own = {n: b if n in self.names else b.clone() for n, b in found.items()}
        values: dict[str, Tensor] = {**self.forward.layout.unflatten(theta.clone()), **own}
        with self.forward.borrowed.values(values):
            self.forward.run(*copied(x, y))

    def _order(self, theta: Tensor, found: Named) -> list[str]:
        """The layers in the order in which a pass meets them.

        Raises:
            InputError: a layer that runs twice, so that no one pair of statistics is exact for it.
        """
        met: list[str] = []
        with self._before({n: lambda *_, n=n: met.append(n) for n in self.layers}):
            self._run(theta, found, 0, 1)
        if len(set(met)) < len(met):
            raise InputError(
                "objective.running_statistics=recalibrate needs batch-norm layers that run once per pass; "
                f"{next(n for n in met if met.count(n) > 1)} runs twice; use keep"
            )
        return met

    def _moments(self, theta: Tensor, found: Named, name: str) -> tuple[Tensor, Tensor]:
        """Mean and variance, float64, of what enters one layer; each pass stops there."""
        seen: list[tuple[int, Tensor, Tensor]] = []

        def stop(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            seen.append((inputs[0].numel() // inputs[0].shape[1], *_mean_and_var(inputs[0])))
            raise _Reached

        count, mean, scatter = 0, torch.zeros((), device=self.device), torch.zeros((), device=self.device)
        assert self.calibration is not None
        for start in range(0, len(self.calibration), self.batch_size):
            with self._before({name: stop}), suppress(_Reached):
                self._run(theta, found, start, start + self.batch_size)
            num, own, spread = seen.pop()
            # Chan, Golub & LeVeque: two groups' sums of squares about their means, as one group's.
            shift, total = own - mean, count + num
            scatter = scatter + num * spread + shift.square() * (count * num / total)
            mean, count = mean + shift * (num / total), total
        return mean, scatter / count

    @contextmanager
    def _before(self, hooks: Mapping[str, Callable[..., None]]) -> Iterator[None]:
        """Inside the block these are called before their layers run, with a layer and its inputs."""
        handles = [self.layers[name].register_forward_pre_hook(hook) for name, hook in hooks.items()]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


def _mean_and_var(inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Of each channel of [B, channels, ...] over all else, the variance divided by their number; float64."""
    values = inputs.double()
    axes = [0, *range(2, values.dim())]
    mean = values.mean(dim=axes, keepdim=True)
    return mean.flatten(), (values - mean).square_().mean(dim=axes)  # torch's var takes six times as long


def _take(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    """Before the layer runs: its statistics become those of its inputs."""
    assert isinstance(layer, _BatchNorm) and layer.running_mean is not None and layer.running_var is not None
    mean, var = _mean_and_var(inputs[0])
    layer.running_mean.copy_(mean)
    layer.running_var.copy_(var)


class _Reached(Exception):
    """A forward pass has come to the layer whose inputs are wanted."""


def _is_continuous(buffer: Tensor) -> bool:
    return buffer.is_floating_point() or buffer.is_complex()


def _between(start: Tensor, end: Tensor, alpha: float) -> Tensor:
    """Straight from start to end; where they are equal, be they infinite, no number is made of them."""
    return torch.where(start == end, end, torch.lerp(start, end, alpha))


def check_running_statistics(module: nn.Module, treatment: str | None, names: Sequence[str]) -> None:
    """Raise InputError for a module with running statistics, of these names, unless a treatment is stated."""
    if treatment is not None and treatment not in TREATMENTS:
        raise InputError(f"objective.running_statistics={treatment} is unknown; use {', '.join(TREATMENTS)}")
    if names and treatment is None:
        raise InputError(
            f"model={type(module).__name__} has running statistics ({', '.join(names[:3])}"
            f"{', ...' if len(names) > 3 else ''}) that are not part of theta; say what to do with them along the "
            "path: objective.running_statistics=keep uses those of the trained model everywhere, interpolate, "
            "on a line alone, goes straight from those of one end to those of the other, recalibrate takes them anew "
            "over the training data"
        )
