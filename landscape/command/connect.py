"""Curves whose bends are trained once their ends are known, and found again by whoever measures the same."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from landscape.command.recipe import Recipe
from landscape.endpoints import Ends
from landscape.errors import InputError
from landscape.ground.precision import converted
from landscape.ground.settings import NUMBERS_SINCE
from landscape.measurement import OnPath
from landscape.objective.module.template import unwrapped
from landscape.path import Connection
from landscape.store import Store
from landscape.store.bends import FORMAT, Bends
from landscape.store.store import CURVES
from landscape.training import build
from landscape.training.connection import ConnectionRun, faults_of
from landscape.training.groups import groups_of

log = logging.getLogger(__name__)

BESIDE = ("batch_size", "spacing", "_target_", "_partial_")
"""Keys of the path that do not decide its bends by themselves."""
OF_THE_ENDS = ("optimizer", "training")
"""Parts of a recipe that decide where the ends lie, and of bends nothing else: the ends are known by a digest."""


@dataclass(frozen=True)
class Curves:
    """The stage on the trained curves, and their numbers, one per line."""

    stage: OnPath
    numbers: dict[str, list[float]]


def connected(recipe: Recipe, stage: OnPath) -> Curves | None:
    """The stage with the bends of its path trained, or found in the store; None for a path that has none.

    Raises:
        InputError: two ends that are one point.
    """
    connection, ends = stage.path, stage.ends
    if not isinstance(connection, Connection):
        return None
    for label, start, end in zip(ends.labels, ends.theta_0, ends.theta_1, strict=True):
        if torch.equal(start, end):
            raise InputError(f"line {label} has one point at both ends, which no curve connects; use path=linear")
    if stage.trial.statistics.treatment != "keep" and ends.buffers_0:
        for start_buffers, end_buffers in zip(ends.buffers_0, ends.buffers, strict=True):
            statistics = stage.trial.statistics
            statistics.check_constants(*(statistics.of([b], 0) for b in (start_buffers, end_buffers)))
    store = Store(
        Path(recipe.config["outputs"]) / "curves",
        recipe.config["command"] if recipe.config["refresh"] else None,
        CURVES,
    )
    parts = [store.get(*asked(recipe, stage, connection, rows))[0] for rows in rows_together(recipe, stage, connection)]
    bends = torch.cat([part.theta for part in parts], dim=1)
    later: OnPath = stage.at(OnPath, **_own(stage) | {"path": connection.through(bends)})
    curve = later.lay(ends.theta_0.to(bends.dtype), ends.theta_1.to(bends.dtype))
    straight = (ends.theta_1 - ends.theta_0).double().norm(dim=1)
    numbers = {
        "curve/length": curve.length.tolist(),
        "curve/length_of_line": straight.tolist(),
        "curve/cost_in_first_epoch": [float(v) for part in parts for v in part.costs[0]],
        "curve/cost_in_last_epoch": [float(v) for part in parts for v in part.costs[-1]],
    }
    for label, length, line in zip(ends.labels, curve.length.tolist(), straight.tolist(), strict=True):
        is_lost, fault = faults_of(length, line)
        if fault:
            unjudged = "; its numbers are not judged" * is_lost
            log.warning("curve %s %s%s (a path.lr lower than %g may help)", label, fault, unjudged, connection.lr)
        else:
            log.info("curve %s: %.3g times as long as the line between its ends", label, length / line)
    return Curves(later, numbers)


def folder_of(recipe: Recipe) -> Path:
    """Where curves are kept."""
    return Path(recipe.config["outputs"]) / "curves"


def _own(stage: OnPath) -> dict[str, Any]:
    return {name: getattr(stage, name) for name in ("ends", "alphas", "adaptive", "solutions")}


def rows_together(recipe: Recipe, stage: OnPath, connection: Connection) -> list[list[int]]:
    """The lines whose curves train together, as seeds do."""
    training, dtype = recipe.training, getattr(torch, recipe.training.dtype)
    few = recipe.dataset.train.first(min(8, len(recipe.dataset.train))).to(recipe.device, dtype)
    module, rows = _module(recipe), list(range(len(stage.ends.seeds)))
    return groups_of(rows, module, recipe.cost, few, training.vectorise, connection.optimizer())


def _module(recipe: Recipe) -> torch.nn.Module:
    dtype = getattr(torch, recipe.training.dtype)
    return converted(unwrapped(build(recipe.model, recipe.training.first_seed)), recipe.device, dtype)


def asked(recipe: Recipe, stage: OnPath, connection: Connection, rows: list[int]) -> tuple[dict[str, Any], Any]:
    """By what the store knows the curves of some lines, and what trains them in a folder."""
    ends, training = stage.ends, recipe.training
    size = training.batch_size if connection.batch_size is None else connection.batch_size
    kept = {key: value for key, value in recipe.trained_on().items() if key not in OF_THE_ENDS}
    path = {key: value for key, value in recipe.config["path"].items() if key not in BESIDE}
    description = kept | {
        "path": path | {"curve": connection.curve.__name__, "batch_size": size, "drop_last": training.drop_last},
        "dtype": training.dtype,
        "ends": _digest(ends, rows),
        "seeds": [ends.seeds[s] for s in rows],
        "version": NUMBERS_SINCE,
        "bends": FORMAT,
    }
    name = f"curve{'s' * (len(rows) > 1)} {', '.join(ends.labels[s] for s in rows)}"

    def train(folder: Path) -> Bends:
        return ConnectionRun(
            connection,
            _module(recipe),
            recipe.cost,
            recipe.dataset.train,
            ends.theta_0[rows],
            ends.theta_1[rows],
            [ends.seeds[s] for s in rows],
            [ends.buffers[s] for s in rows],
            device=recipe.device,
            dtype=getattr(torch, training.dtype),
            batch_size=size,
            drop_last=training.drop_last,
            file=folder / "checkpoint.pt",
            question=description["ends"],
            seconds=training.checkpoint_seconds,
            name=name,
        ).run()

    return description, train


def _digest(ends: Ends, rows: list[int]) -> str:
    """Of the points and the buffers at the ends of some lines."""
    found = hashlib.sha256()

    def add(tensor: Tensor) -> None:
        found.update(str((tensor.dtype, tuple(tensor.shape))).encode())
        found.update(tensor.detach().cpu().contiguous().numpy().tobytes())

    for s in rows:
        add(ends.theta_0[s])
        add(ends.theta_1[s])
        for name, buffer in sorted(ends.buffers[s].items()):
            found.update(name.encode())
            add(buffer)
    return found.hexdigest()
