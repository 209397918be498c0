"""Training: the paper's trainer, S seeds at once, checkpointed.

``Training`` is the recipe's own numbers; what trains by them is imported when it is asked for, since it brings torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from landscape.training.trainer import Training

if TYPE_CHECKING:
    from landscape.training.groups import groups_of
    from landscape.training.loop import GroupRun, build
    from landscape.training.step import Momentum

__all__ = ["GroupRun", "Momentum", "Training", "build", "groups_of"]
_HOMES = {"groups_of": "groups", "GroupRun": "loop", "build": "loop", "Momentum": "step"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
