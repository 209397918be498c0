"""What a checkpoint holds of a run, and a run that goes on from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from landscape.data.dataset import Split
from landscape.errors import InputError
from landscape.model.dropout import Masks
from landscape.parameters import ParameterLayout
from landscape.store.trajectory import TrajectoryWriter
from landscape.training import checkpoint
from landscape.training.gradient import Batches
from landscape.training.monitor import EarlyStopping
from landscape.training.optimizer import Updates


class Resumable:
    """A run whose state is written into a checkpoint and taken up again; ``GroupRun`` makes it and moves it on."""

    folder: Path
    device: torch.device
    seeds: list[int]
    module: nn.Module
    layout: ParameterLayout
    split: Split
    masks: Masks
    theta: dict[str, Tensor]
    theta_f: Tensor
    buffers: dict[str, Tensor]
    buffers_f: list[dict[str, Tensor]]
    updates: Updates
    batches: Batches
    stopping: EarlyStopping
    dropout: list[torch.Generator]
    epoch: int
    update: int
    chosen_epoch: np.ndarray
    rows: list[dict[str, np.ndarray]]
    snapshots: list[tuple[float, int]]
    """(epoch, update) of each row of the trajectory."""
    writer: TrajectoryWriter

    def _file(self, name: str) -> Path:
        return self.folder / name

    def _shape(self) -> tuple[int, int]:
        return len(self.seeds), self.layout.num_parameters

    def _save(self) -> None:
        self.writer.sync()  # a checkpoint must never know more snapshots than the disk does
        checkpoint.save_atomically(self._state(), self._file("checkpoint.pt"))

    def _resume(self) -> bool:
        """Go on where the checkpoint stands, if there is one.

        Raises:
            Unusable: it is not whole, not of this run, or the snapshots on disk are not those that it knows.
        """
        state = checkpoint.load(self._file("checkpoint.pt"))
        if state is None:
            return False
        try:
            self._restore(state)
        except InputError:
            raise
        except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
            reason = f"checkpoint.pt does not hold what this run needs ({type(error).__name__}: {error})"
            raise checkpoint.Unusable(reason) from error
        return True

    def _state(self) -> dict[str, Any]:
        """Plain tensors, numbers and lists of them."""
        is_cuda = self.device.type == "cuda"
        return {
            "device": self.device.type,
            "seeds": self.seeds,
            "epoch": self.epoch,
            "update": self.update,
            "theta": self.theta,
            "theta_f": self.theta_f,
            "optimizers": self.updates.state(),
            "buffers": self.buffers,
            "buffers_f": self.buffers_f,
            "batches": self.batches.state(),
            "dropout": [g.get_state() for g in self.dropout],
            "global": torch.get_rng_state(),
            "global_cuda": torch.cuda.get_rng_state(self.device) if is_cuda else None,
            "rows": [{n: torch.from_numpy(v) for n, v in row.items()} for row in self.rows],
            "snapshots": self.snapshots,
            "trajectory": self.writer.digest(),
            "stopping": self.stopping.state(),
            "chosen_epoch": self.chosen_epoch.tolist(),
        }

    def _restore(self, state: dict[str, Any]) -> None:
        """Put a run that has just been made where ``_state`` found it.

        Raises:
            InputError: another type of device goes on, and training draws.
            ValueError, KeyError, ...: the state is of another run, or its snapshots are not those on disk.
        """
        if state["seeds"] != self.seeds or state["theta"].keys() != self.theta.keys():
            raise ValueError(f"it is of seeds {state['seeds']} and parameters {', '.join(state['theta'])}")
        fits = checkpoint.generators_fit(state, self.device.type, self._is_drawing())
        self.snapshots = [(e, u) for e, u in state["snapshots"]]
        file, known = self._file("trajectory.npy"), state["trajectory"]
        self.writer = TrajectoryWriter(file, self._shape(), len(self.snapshots), known)
        for name, value in self.theta.items():
            _fill(value, state["theta"][name])
        self.epoch, self.update, self.chosen_epoch = state["epoch"], state["update"], np.array(state["chosen_epoch"])
        _fill(self.theta_f, state["theta_f"])
        self.buffers_f = state["buffers_f"]
        self.updates.restore(state["optimizers"])
        for name, buffer in self.buffers.items():
            _fill(buffer, state["buffers"][name])
        self.batches.restore(state["batches"], ("order", "samples") if fits else ("order",))
        for generator, rng in zip(self.dropout, state["dropout"] if fits else [], strict=fits):
            generator.set_state(rng)
        torch.set_rng_state(state["global"])
        if fits and self.device.type == "cuda":
            torch.cuda.set_rng_state(state["global_cuda"], self.device)
        self.rows = [{n: v.numpy() for n, v in row.items()} for row in state["rows"]]
        self.stopping.restore(state["stopping"])

    def _is_drawing(self) -> bool:
        """Whether training draws random numbers on its device."""
        drops = any(isinstance(m, nn.modules.dropout._DropoutNd) for m in self.module.modules())
        return len(self.masks) > 0 or self.split.is_resampled or drops


def _fill(own: Tensor, values: Tensor) -> None:
    """Copy numbers of one shape; copy_ alone would stretch them."""
    if own.shape != values.shape:
        raise ValueError(f"it has {tuple(values.shape)} numbers where {tuple(own.shape)} are needed")
    own.copy_(values)
