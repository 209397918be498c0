"""The loop: monitor, then epochs of updates, each followed by the monitor and the stopping test.

One group of seeds advances together as a dict of stacked tensors {name: [S, *shape]}; a flat vector inside the
loop costs a quarter more time. Each seed has its own streams for its start, its data order and its masks, so
that what it does never depends on who trains beside it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from landscape.cost import from_torch
from landscape.cost.labels import count_alike
from landscape.data.dataset import Dataset
from landscape.data.tree import Tree
from landscape.errors import InputError
from landscape.ground.precision import converted, tf32
from landscape.ground.progress import progress_of
from landscape.ground.streams import DROPOUT, INIT, MODULE, stream, stream_seed
from landscape.model.contract import initialise_from, is_stateful, lr_scales, max_norms
from landscape.objective.forward import BatchForm, Known, masks_of
from landscape.objective.module.template import unwrapped
from landscape.parameters import ParameterLayout, beside
from landscape.result.curve import LearningCurve
from landscape.store.solutions import Solutions
from landscape.store.trajectory import Trajectory, TrajectoryWriter, snapshot_interval
from landscape.training import checkpoint, resume
from landscape.training.batches import Batches
from landscape.training.gradient import Gradient, frozen_in
from landscape.training.monitor import EarlyStopping, Monitor, monitored
from landscape.training.optimizer import Updates
from landscape.training.step import clip, project_max_norm
from landscape.training.trainer import Training

EpochCallback = Callable[[dict[str, float]], None]


def build(model: Callable[[], nn.Module], seed: int) -> nn.Module:
    """The network of one seed; torch's global generator is seeded for it and put back afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(seed, INIT))
        return model()


class GroupRun:
    """One group of seeds in training; ``run`` carries it to the end, from its checkpoint if there is one."""

    def __init__(
        self,
        model: Callable[[], nn.Module],
        cost: Any,
        dataset: Dataset,
        optimizer: Callable[[list[Tensor]], torch.optim.Optimizer],
        training: Training,
        seeds: Sequence[int],
        folder: Path,
        device: torch.device,
        on_epoch: EpochCallback = lambda row: None,
    ) -> None:
        if training.batch_size > len(dataset.train):
            raise InputError(
                f"training.batch_size={training.batch_size} is larger than the {len(dataset.train)} training examples; "
                + (
                    "without data (recipe=none) choose measurement=random_walk, which trains none, or recipe=quadratic"
                    if dataset.name == "none"
                    else "lower it, or raise limits.examples"
                )
            )
        streams = dataset.train.num_streams
        if streams is not None and training.batch_size != streams:
            raise InputError(
                f"training.batch_size={training.batch_size} but the training data are {streams} sequences side by "
                f"side; set training.batch_size={streams}"
            )
        cost = from_torch(cost)
        self.training, self.seeds, self.folder, self.device = training, list(seeds), folder, device
        self.on_epoch = on_epoch
        self.anew = partial(GroupRun, model, cost, dataset, optimizer, training, seeds, folder, device, on_epoch)
        dtype: torch.dtype = getattr(torch, training.dtype)
        modules = [converted(unwrapped(build(model, seed)), device, dtype) for seed in seeds]
        for module in modules:
            initialise_from(module, BatchForm.of(dataset.train).inputs(dataset.train.leaves))
        self.module = modules[0].train()
        self.layout = ParameterLayout.of(self.module)
        frozen = frozen_in(self.module)
        for module, seed in zip(modules, self.seeds, strict=True):
            if frozen_in(module) != frozen:
                raise InputError(
                    f"model={type(module).__name__} freezes other parameters under seed {seed} than under "
                    f"seed {self.seeds[0]}; set training.vectorise=false"
                )
        self.max_norms = {name: bound for name, bound in max_norms(self.module).items() if name not in frozen}
        named = [dict(m.named_parameters()) for m in modules]
        self.theta = {n: torch.stack([m[n].detach() for m in named]) for n in self.layout.names}
        own = [beside(m) for m in modules]
        self.buffers = {n: torch.stack([m[n].detach() for m in own]) for n in own[0]}
        if training.enforce_at_init:
            project_max_norm(self.theta, self.max_norms)
        self.theta_i = self.layout.flatten(self.theta).cpu()
        self.theta_f = self.theta_i.clone()
        self.buffers_i, self.buffers_f = self._buffers(), self._buffers()
        self.split = dataset.train.to(device, dtype)
        form, y = BatchForm.of(self.split), self.split.y
        self.masks = masks_of(self.module, cost, self.split, form)
        counts = None if isinstance(y, Tree) or count_alike(cost, y) else cost.counts
        self.gradient = Gradient(self.module, cost, self.masks, len(self.seeds) > 1, counts, form)
        self.is_stateful = streams is not None and is_stateful(self.module)
        moved = {name: value for name, value in self.theta.items() if name not in frozen}
        self.updates = Updates(optimizer, moved, lr_scales(self.module))
        self.updates.check_schedules(training.lr_schedule, training.momentum_schedule)
        measured = (training.dtype, device, training.measure_batch_size, training.validation)
        self.monitor = Monitor(self.module, cost, dataset, self.seeds, *measured)
        self.stopping = EarlyStopping(len(self.seeds), training.patience)
        self.batches = Batches(self.split, self.seeds, training.batch_size, training.drop_last)
        self.dropout = [stream(seed, DROPOUT, device=device) for seed in seeds]
        self.shape = len(self.seeds), self.layout.num_parameters
        row_bytes = 4 * math.prod(self.shape)
        self.interval = snapshot_interval(training.max_epochs, row_bytes, training.trajectory_gigabytes * 1e9)
        self.chosen_epoch = np.zeros(len(self.seeds), dtype=np.int64)
        self.epoch, self.update = 0, 0
        self.state: tuple[Tensor, ...] = ()  # of a module that carries one, after the last minibatch
        self.rows: list[dict[str, np.ndarray]] = []
        self.snapshots: list[tuple[float, int]] = []
        """(epoch, update) of each row of the trajectory."""
        self.writer: TrajectoryWriter

    def _buffers(self) -> list[dict[str, Tensor]]:
        """Those of each seed, as they are now."""
        return [{n: b[s].cpu().clone() for n, b in self.buffers.items()} for s in range(len(self.seeds))]

    def run(self) -> Solutions:
        """Train to the end, checkpointing on the way; what lies in the folder and is not whole is named and redone."""
        try:
            return self._run()
        except checkpoint.Unusable as error:
            checkpoint.set_aside(self.folder / "checkpoint.pt", str(error))
        try:
            return self.anew()._run()
        except checkpoint.Unusable as error:
            raise OSError(f"{self.folder} does not keep what is written there: {error}") from error

    def _run(self) -> Solutions:
        training = self.training
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(stream_seed(self.seeds[0], MODULE))  # for modules with randomness of their own
            if not resume.resumed(self):
                self.writer = TrajectoryWriter(self.folder / "trajectory.npy", self.shape)
                self._end_of_epoch()
            saved = time.monotonic()
            name = "seed" if len(self.seeds) == 1 else "seeds"
            what = f"training {name} {', '.join(map(str, self.seeds))}"
            with progress_of(what, training.max_epochs, self.epoch) as progress:
                while self.epoch < training.max_epochs and not self.stopping.stopped.all():
                    with tf32(training.tf32):
                        self.one_epoch()
                    self._end_of_epoch()
                    progress(self.epoch, self._note())
                    if time.monotonic() - saved >= training.checkpoint_seconds:
                        resume.save(self)
                        saved = time.monotonic()
        return self._solutions()

    def one_epoch(self) -> None:
        """The updates of one pass over the training examples."""
        self.epoch += 1
        every = self.training.snapshot_updates
        state: tuple[Tensor, ...] = ()
        for seen, known in self.batches:
            self.update += 1
            for group, lr in zip(self.updates.groups, self.updates.lrs, strict=True):
                if self.training.lr_schedule is not None:
                    group["lr"] = lr * self.training.lr_schedule(self.epoch, self.update)
                if self.training.momentum_schedule is not None:
                    group["momentum"] = self.training.momentum_schedule(self.epoch, self.update)
            if self.is_stateful and not state:
                state = self.gradient.initial_state(known)
            masks = None
            if len(self.masks):
                num = next(iter(known.values())).shape[1]
                masks = torch.stack([self.masks.draw(num, g) for g in self.dropout])
            batch = (known, masks, state)
            if self.updates.takes_closure:
                self.updates.step(partial(self._cost, *batch))
            else:
                self._descend(*batch)
                self.updates.step()
            state = self.state
            if self.max_norms:
                project_max_norm(self.theta, self.max_norms)
            if every is not None and self.epoch == 1 and self.update % every == 0 and seen < self.batches.num_seen:
                self._snapshot(seen / self.batches.num_seen)

    def _descend(self, known: Known, masks: Tensor | None, state: tuple[Tensor, ...]) -> None:
        """Lay down the gradient where theta now is."""
        gradients, self.state, self.buffers = self.gradient(self.theta, known, masks, state, self.buffers)
        self.updates.give(clip(gradients, self.training.gradient_scale, self.training.max_gradient_norm))

    def _cost(self, *batch: Any) -> Tensor:
        """The same, and the cost there: what an optimizer calls that chooses its points."""
        self._descend(*batch)
        return self.gradient.cost_there * self.training.gradient_scale

    def _snapshot(self, epoch: float) -> None:
        self.writer.append(self.layout.flatten(self.theta))
        self.snapshots.append((epoch, self.update))

    def _end_of_epoch(self) -> None:
        flat = self.layout.flatten(self.theta)
        buffers = self._buffers()
        row = self.monitor(flat, buffers if self.buffers else None)
        finite = torch.isfinite(flat).all(dim=1).cpu().numpy()
        for name, values in row.items():
            if name not in self.monitor.derived:
                finite = finite & np.isfinite(values)
        running = ~self.stopping.stopped
        value = monitored(row, self.training.monitor)
        improved = self.stopping.update(self.epoch, value, finite)
        chosen = improved if self.training.select == "best" else running & finite
        for s in np.flatnonzero(chosen):
            self.theta_f[s] = flat[s].cpu()
            self.buffers_f[s] = buffers[s]
            self.chosen_epoch[s] = self.epoch
        self.rows.append({name: np.where(running, values, np.nan) for name, values in row.items()})
        if self.epoch <= 20 or self.epoch % self.interval == 0:
            self._snapshot(self.epoch)
        self.on_epoch(
            {"epoch": float(self.epoch)}
            | {
                f"seed{seed}/{name}": float(values[s])
                for name, values in row.items()
                for s, seed in enumerate(self.seeds)
                if running[s]
            }
        )

    def _note(self) -> str:
        values = self.rows[-1]["train/objective"]
        values = values[~np.isnan(values)]  # none is left when the last seed has diverged
        mean = values.mean() if len(values) else np.nan
        return f"J {mean:.4g}, {self.training.monitor} {np.nanmin(self.stopping.best):.4g}"

    def _solutions(self) -> Solutions:
        try:
            self.writer.check()
        except ValueError as error:
            raise checkpoint.Unusable(str(error)) from error
        epochs = np.array([e for e, _ in self.snapshots], dtype=np.float64)
        steps = np.array([u for _, u in self.snapshots])
        last = self.stopping.last_epoch
        trajectories = [
            Trajectory(self.folder / "trajectory.npy", s, epochs[epochs <= last[s]], steps[epochs <= last[s]])
            for s in range(len(self.seeds))
        ]
        curve = LearningCurve(
            epochs=np.arange(len(self.rows), dtype=np.float64),
            channels={n: np.stack([row[n] for row in self.rows]) for n in self.rows[0]},
            best_epoch=self.chosen_epoch.astype(np.float64),
        )
        ended = (self.stopping.status(), last.tolist(), self.buffers_f, self.buffers_i)
        return Solutions(self.layout, self.seeds, self.theta_i, self.theta_f, curve, trajectories, *ended)
