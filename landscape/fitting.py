"""Whether module, cost and data of an objective fit one another, told before anything is computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from landscape.errors import InputError

if TYPE_CHECKING:
    from landscape.objective import Objective


@contextmanager
def fitting(objective: Objective) -> Iterator[None]:
    """Turn a fault of model, cost and data among themselves into one sentence."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, IndexError, ValueError, TypeError, AttributeError) as error:
        x = objective.split.x
        tokens = "" if x.is_floating_point() else f", which are whole numbers ({x.dtype})"
        wants = getattr(objective.cost, "wants", "it must map x [B, ...] to logits [B, C]")
        raise InputError(
            f"model={type(objective.module).__name__} does not fit data and cost {type(objective.cost).__name__}: on x "
            f"[B, {', '.join(map(str, x.shape[1:]))}]{tokens} it failed with: {error}; {wants}"
        ) from error


def check(objective: Objective) -> None:
    """Refuse a wrong output shape, and a cost that is not a function of theta."""
    few = min(len(objective.split), 64, objective.split.num_streams or 64)
    x, y = objective.split.x[:few], objective.split.y[:few]
    theta = objective.layout.theta(objective.module)
    # Off the start: behind a layer that begins at exactly zero no randomness would show.
    noise = torch.randn(theta.shape, generator=torch.Generator().manual_seed(0))
    theta = theta + 0.01 * noise.to(objective.device, objective.dtype)
    masks = objective._masks(0, few, 1)
    name = type(objective.module).__name__
    own = objective.statistics.of(objective.buffers, 0)
    with fitting(objective), objective.masks.watched() as idle:
        first, _ = objective._channels(theta, x, y, 0, 0, 0, masks, None, own)
        second, _ = objective._channels(theta, x, y, 0, 0, 0, masks, None, own)
    if idle and hasattr(objective.module, "example"):  # its training pass takes more than x, and was not made
        raise InputError(
            f"cost {type(objective.cost).__name__} leaves {len(idle)} of the {len(objective.masks)} mask layers of "
            f"model={name} unused: it is not the cost that this model is made for, and its masks would change "
            "nothing; choose another cost (cost=multi_prediction for model=mpdbm) or another model"
        )
    shape = tuple(first["objective"].shape)
    if shape != (few,):
        raise InputError(
            f"model={name} with cost {type(objective.cost).__name__} gives a cost of shape {shape}, not one value per "
            f"example ({few},); it must map x [B, ...] to logits [B, C]"
        )
    if any(not torch.equal(first[n].nan_to_num(), second[n].nan_to_num()) for n in first):
        raise InputError(
            f"model={name} gives two different costs at one theta; remove the randomness that evaluation mode "
            "leaves on, or use landscape.model.Dropout, whose masks can be fixed"
        )
