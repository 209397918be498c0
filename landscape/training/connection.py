"""The bends of curves between two points, trained so that J is low all along: E_t J(theta(t)), t uniform on [0, 1].

The curves of a group advance together, as seeds do in ``loop``. Each has streams of its own for t, the order of its
examples and its masks: what it becomes depends on no curve beside it. A minibatch sees the net at one t, so the
gradient by a bend is that by theta(t), times the weight that the bend has there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from landscape.cost import from_torch
from landscape.cost.labels import count_alike
from landscape.data.split import Split
from landscape.data.tree import Tree
from landscape.errors import InputError
from landscape.ground.precision import tf32
from landscape.ground.progress import progress_of
from landscape.ground.streams import CURVE, DROPOUT, MODULE, stream, stream_seed
from landscape.model.contract import is_stateful, lr_scales
from landscape.objective.forward import BatchForm, Known, masks_of
from landscape.parameters import ParameterLayout, beside
from landscape.path import Connection
from landscape.store.bends import Bends
from landscape.training import checkpoint
from landscape.training.batches import Batches
from landscape.training.checks import check_number
from landscape.training.gradient import Gradient
from landscape.training.optimizer import optimizer_of

log = logging.getLogger(__name__)

LINES = 10
"""Of the log, that one training may write."""
FAR = 100.0
"""Times the distance of its ends: a longer curve has hardly found a way between them."""


class ConnectionRun:
    """One group of curves in training; ``run`` carries it to the end, from its checkpoint if there is one.

    Args:
        connection: which curves, and how they are trained.
        module: the template; a copy that nobody else runs.
        cost: see ``landscape.cost``.
        split: the training examples.
        theta_0, theta_1: [S, P], the ends.
        seeds: [S].
        buffers: of each curve, {name: what the module computes with beside theta}; running statistics are taken over
            each minibatch, and what they become is thrown away.
        dtype: precision of training.
        batch_size: examples per minibatch.
        drop_last: throw a short last batch away.
        file: of the checkpoint; None: none is kept.
        question: what the checkpoint must be of, as text.
        seconds: at least this long between two checkpoints.
        call: (module, inputs) -> outputs, where the module is called in another way.
        name: of the curves, in the log.
    """

    def __init__(
        self,
        connection: Connection,
        module: nn.Module,
        cost: Any,
        split: Split,
        theta_0: Tensor,
        theta_1: Tensor,
        seeds: Sequence[int],
        buffers: Sequence[Mapping[str, Tensor]],
        *,
        device: torch.device,
        dtype: torch.dtype,
        batch_size: int,
        drop_last: bool = False,
        file: Path | None = None,
        question: str = "",
        seconds: float = 5.0,
        call: Callable[[nn.Module, Any], Any] | None = None,
        name: str = "curve",
    ) -> None:
        given = {n: v for n, v in locals().items() if n not in ("self", "cost")}
        cost = from_torch(cost)
        self.anew = partial(ConnectionRun, cost=cost, **given)
        self.connection, self.module, self.device, self.seeds = connection, module.train(), device, list(seeds)
        self.file, self.question, self.seconds, self.name = file, question, seconds, name
        self.layout, self.split = ParameterLayout.of(module), split.to(device, dtype)
        form, y = BatchForm.of(self.split, call), self.split.y
        self.masks = masks_of(module, cost, self.split, form)
        counts = None if isinstance(y, Tree) or count_alike(cost, y) else cost.counts
        self.gradient = Gradient(module, cost, self.masks, len(seeds) > 1, counts, form)
        self.curve = connection(*(end.to(device, dtype) for end in (theta_0, theta_1)))
        own = [{n: b.detach().to(device) for n, b in {**beside(module), **named}.items()} for named in buffers]
        self.buffers = {n: torch.stack([one[n] for one in own]) for n in own[0]}
        self.optimizer = optimizer_of(connection.optimizer(), {"bends": self.curve.bends}, {})
        # SGD that follows c times the gradient moves a value as one with c times the rate does.
        self.rates = self._rates(lr_scales(module)).to(device, dtype)
        streams = [stream_seed(seed, CURVE) for seed in seeds]
        self.batches = Batches(self.split, streams, batch_size, drop_last)
        self.draws = [stream(seed, CURVE) for seed in streams]
        self.dropout = [stream(seed, DROPOUT, device=device) for seed in streams]
        self.module_seed = stream_seed(streams[0], MODULE)
        self.epoch, self.costs = 0, list[np.ndarray]()

    def run(self) -> Bends:
        """Train to the end, checkpointing on the way; what lies there and is not whole is named and redone."""
        try:
            return self._run()
        except checkpoint.Unusable as error:
            assert self.file is not None
            checkpoint.set_aside(self.file, str(error))
        return ConnectionRun._run(self.anew())

    def _run(self) -> Bends:
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(self.module_seed)  # for modules with randomness of their own
            self._resume()
            saved, num = time.monotonic(), self.connection.epochs
            with progress_of(f"training {self.name}", num, self.epoch) as progress, tf32(False):
                while self.epoch < num and not self._is_lost:
                    self.one_epoch()
                    known = self.costs[-1][np.isfinite(self.costs[-1])]
                    note = f"J along it {known.mean():.4g}" if len(known) else "J along it is not finite"
                    progress(self.epoch, note)
                    if self.epoch % max(num // LINES, 1) == 0 or self.epoch == num:
                        log.info("%s: epoch %d of %d, %s", self.name, self.epoch, num, note)
                    if self.file is not None and time.monotonic() - saved >= self.seconds:
                        checkpoint.save_atomically(self._state(), self.file)
                        saved = time.monotonic()
        return Bends(self.curve.bends.cpu(), np.stack(self.costs))

    @property
    def _is_lost(self) -> bool:
        """Whether no curve is left that an update could move."""
        return not self.curve.bends.isfinite().all(dim=2).any()

    def one_epoch(self) -> None:
        """The updates of one pass over the training examples."""
        self.epoch += 1
        for group in self.optimizer.param_groups:
            group["lr"] = self.connection.lr * self.connection.lr_factor(self.epoch)
        total, before = np.zeros(len(self.seeds)), 0
        for seen, known in self.batches:
            total += self._update(known).double().cpu().numpy() * (seen - before)
            before = seen
        self.costs.append(total / before)

    def _update(self, known: Known) -> Tensor:
        """One minibatch at one t of each curve; the cost there [S]."""
        times = [float(torch.rand((), generator=g, dtype=torch.float64)) for g in self.draws]
        weights = [self.curve.basis(t) for t in times]
        theta = self.layout.unflatten(self.curve.mixed(weights, [1.0] * len(times)))
        masks = None
        if len(self.masks):
            num = next(iter(known.values())).shape[1]
            masks = torch.stack([self.masks.draw(num, g) for g in self.dropout])
        slopes, _, self.buffers = self.gradient(theta, dict(known), masks, (), self.buffers)
        named = {name: slopes[name] if name in slopes else torch.zeros_like(value) for name, value in theta.items()}
        flat = self.layout.flatten(named).mul_(self.rates)
        shares = torch.tensor([row[1:-1] for row in weights], dtype=flat.dtype, device=flat.device)  # [S, B]
        self.curve.bends.grad = shares.T[:, :, None] * flat
        self.optimizer.step()
        return self.gradient.costs_there

    def _rates(self, scales: Mapping[str, float]) -> Tensor:
        """The factor on the learning rate of each value [P], by the model's own scales."""
        pairs = zip(self.layout.names, self.layout.sizes, strict=True)
        return torch.cat([torch.full((size,), float(scales.get(name, 1.0))) for name, size in pairs])

    def _state(self) -> dict[str, Any]:
        """Plain tensors, numbers and lists of them, for a checkpoint."""
        is_cuda = self.device.type == "cuda"
        return {
            "question": self.question,
            "device": self.device.type,
            "epoch": self.epoch,
            "bends": self.curve.bends.detach(),
            "optimizer": self.optimizer.state_dict(),
            "buffers": self.buffers,
            "batches": self.batches.state(),
            "draws": [g.get_state() for g in self.draws],
            "dropout": [g.get_state() for g in self.dropout],
            "global": torch.get_rng_state(),
            "global_cuda": torch.cuda.get_rng_state(self.device) if is_cuda else None,
            "costs": [torch.from_numpy(row) for row in self.costs],
        }

    def _resume(self) -> None:
        """Go on where the checkpoint stands, if there is one.

        Raises:
            Unusable: it is not whole, or of another training.
        """
        state = None if self.file is None else checkpoint.load(self.file)
        if state is None:
            return
        try:
            self._restore(state)
        except InputError:
            raise
        except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise checkpoint.Unusable(f"it does not hold what this curve needs ({error})") from error
        log.info("%s: going on from its checkpoint, epoch %d", self.name, self.epoch)

    def _restore(self, state: dict[str, Any]) -> None:
        if state["question"] != self.question or state["bends"].shape != self.curve.bends.shape:
            raise ValueError("it is of another curve")
        drops = any(isinstance(m, nn.modules.dropout._DropoutNd) for m in self.module.modules())
        is_drawing = len(self.masks) > 0 or self.split.is_resampled or drops
        fits = checkpoint.generators_fit(state, self.device.type, is_drawing)
        self.curve.bends.copy_(state["bends"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.buffers = {name: state["buffers"][name].to(buffer.device) for name, buffer in self.buffers.items()}
        self.batches.restore(state["batches"], ("order", "samples") if fits else ("order",))
        for generator, saved in zip(self.draws, state["draws"], strict=True):
            generator.set_state(saved)
        for generator, saved in zip(self.dropout, state["dropout"] if fits else [], strict=fits):
            generator.set_state(saved)
        torch.set_rng_state(state["global"])
        if fits and self.device.type == "cuda":
            torch.cuda.set_rng_state(state["global_cuda"], self.device)
        self.epoch, self.costs = state["epoch"], [row.numpy() for row in state["costs"]]


def faults_of(length: float, straight: float) -> tuple[bool, str]:
    """Whether the training of a curve diverged, and a sentence on it, or on a curve that has run far away; else "".

    Args:
        length: of the curve.
        straight: the distance of its ends.
    """
    if not np.isfinite(straight):
        return False, ""  # its ends diverged, which is told of them
    if not np.isfinite(length):
        return True, "diverged"
    if length > FAR * straight:
        return False, f"ran away, and is {length / straight:.3g} times as long as the line between its ends"
    return False, ""


def check_connection(connection: Connection, module: nn.Module, num_examples: int, batch_size: int) -> None:
    """Refuse numbers that mean nothing, and a module between whose minibatches a state is carried.

    Raises:
        InputError: naming the key under ``path``.
    """
    check_number("path.epochs", connection.epochs, least=1, whole=True)
    check_number("path.lr", connection.lr, above=0)
    check_number("path.momentum", connection.momentum, least=0, below=1)
    check_number("path.batch_size", batch_size, least=1, whole=True)
    if batch_size > num_examples:
        raise InputError(f"path.batch_size={batch_size} is larger than the {num_examples} training examples; lower it")
    if is_stateful(module):
        raise InputError(
            f"model={type(module).__name__} carries a state from minibatch to minibatch, which on a curve would come "
            "from another point of it, so bends cannot be trained; use path=linear"
        )
