"""One gradient of a few examples, so that what does not fit in training is told before it begins."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from landscape.errors import InputError
from landscape.model.dropout import Masks
from landscape.training.gradient import Gradient, tensors_of


def check_training(module: nn.Module, cost: Any, x: Tensor, y: Tensor) -> None:
    """Raise InputError if the module in training mode does not fit data and cost: it may return something else there.

    Args:
        module: one of the networks, which is left as it is. x, y: a few training examples.
    """
    was_training = module.training
    devices = [x.device] if x.device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices=devices):
            masks = Masks(module, x[:1], cost.num_draws)
            drawn = masks.draw(len(x), torch.Generator(device=x.device).manual_seed(0))[None] if len(masks) else None
            gradient = Gradient(module.train(), cost, masks, vectorised=False)
            state = gradient.initial_state(x[None]) if hasattr(module, "initial_state") else ()
            theta, buffers = ({n: t.detach()[None] for n, t in part.items()} for part in tensors_of(module))
            # Some modules write into what they are given.
            gradient(theta, x.clone()[None], y.clone()[None], drawn, state, buffers)
    except (torch.OutOfMemoryError, InputError):
        raise
    except (RuntimeError, IndexError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"model={type(module).__name__} does not fit data and cost {type(cost).__name__} in training mode: it "
            f"failed with: {error}"
        ) from error
    finally:
        module.train(was_training)
