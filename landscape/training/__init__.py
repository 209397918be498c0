"""Training: S networks of one recipe, from their seeds to theta_f, to the same bits if they are killed in between.

``Training`` holds the recipe's own numbers. ``groups_of`` says which seeds advance together, and ``GroupRun``
(``loop``) trains one such group: of each of the ``batches`` ``gradient`` gives the slope of the cost, that of a small
net by a list of operators that ``replay`` writes down once, and ``optimizer`` lays it before torch's optimizers or the
paper's own (``step``), under the rates of a ``schedule``; after each epoch ``monitor`` measures the point as the line
will be measured, and stops a seed. ``resume`` is what of all this a ``checkpoint`` keeps. What trains is imported when
it is asked for, since it brings torch.
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
