"""What a checkpoint holds of a ``GroupRun``, and a run that goes on from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from landscape.errors import InputError
from landscape.store.trajectory import TrajectoryWriter
from landscape.training import checkpoint


def save(run: Any) -> None:
    """Write the checkpoint."""
    run.writer.sync()  # a checkpoint must never know more snapshots than the disk does
    checkpoint.save_atomically(_state(run), run.folder / "checkpoint.pt")


def resumed(run: Any) -> bool:
    """Go on where the checkpoint stands, if there is one.

    Raises:
        Unusable: it is not whole, not of this run, or the snapshots on disk are not those that it knows.
    """
    state = checkpoint.load(run.folder / "checkpoint.pt")
    if state is None:
        return False
    try:
        _restore(run, state)
    except InputError:
        raise
    except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
        reason = f"checkpoint.pt does not hold what this run needs ({type(error).__name__}: {error})"
        raise checkpoint.Unusable(reason) from error
    return True


def _state(run: Any) -> dict[str, Any]:
    """Plain tensors, numbers and lists of them."""
    is_cuda = run.device.type == "cuda"
    return {
        "device": run.device.type,
        "seeds": run.seeds,
        "epoch": run.epoch,
        "update": run.update,
        "theta": run.theta,
        "theta_f": run.theta_f,
        "optimizers": run.updates.state(),
        "buffers": run.buffers,
        "buffers_f": run.buffers_f,
        "batches": run.batches.state(),
        "dropout": [g.get_state() for g in run.dropout],
        "global": torch.get_rng_state(),
        "global_cuda": torch.cuda.get_rng_state(run.device) if is_cuda else None,
        "rows": [{n: torch.from_numpy(v) for n, v in row.items()} for row in run.rows],
        "snapshots": run.snapshots,
        "trajectory": run.writer.digest(),
        "stopping": run.stopping.state(),
        "chosen_epoch": run.chosen_epoch.tolist(),
    }


def _restore(run: Any, state: dict[str, Any]) -> None:
    """Put a run that has just been made where ``_state`` found it.

    Raises:
        InputError: another type of device goes on, and training draws.
        ValueError, KeyError, ...: the state is of another run, or its snapshots are not those on disk.
    """
    if state["seeds"] != run.seeds or state["theta"].keys() != run.theta.keys():
        raise ValueError(f"it is of seeds {state['seeds']} and parameters {', '.join(state['theta'])}")
    drops = any(isinstance(m, nn.modules.dropout._DropoutNd) for m in run.module.modules())
    is_drawing = len(run.masks) > 0 or run.split.is_resampled or drops  # random numbers on its device
    fits = checkpoint.generators_fit(state, run.device.type, is_drawing)
    run.snapshots = [(e, u) for e, u in state["snapshots"]]
    file, known = run.folder / "trajectory.npy", state["trajectory"]
    run.writer = TrajectoryWriter(file, run.shape, len(run.snapshots), known)
    for name, value in run.theta.items():
        _fill(value, state["theta"][name])
    run.epoch, run.update, run.chosen_epoch = state["epoch"], state["update"], np.array(state["chosen_epoch"])
    _fill(run.theta_f, state["theta_f"])
    run.buffers_f = state["buffers_f"]
    run.updates.restore(state["optimizers"])
    for name, buffer in run.buffers.items():
        _fill(buffer, state["buffers"][name])
    run.batches.restore(state["batches"], ("order", "samples") if fits else ("order",))
    for generator, rng in zip(run.dropout, state["dropout"] if fits else [], strict=fits):
        generator.set_state(rng)
    torch.set_rng_state(state["global"])
    if fits and run.device.type == "cuda":
        torch.cuda.set_rng_state(state["global_cuda"], run.device)
    run.rows = [{n: v.numpy() for n, v in row.items()} for row in state["rows"]]
    run.stopping.restore(state["stopping"])


def _fill(own: Tensor, values: Tensor) -> None:
    """Copy numbers of one shape; copy_ alone would stretch them."""
    if own.shape != values.shape:
        raise ValueError(f"it has {tuple(values.shape)} numbers where {tuple(own.shape)} are needed")
    own.copy_(values)
