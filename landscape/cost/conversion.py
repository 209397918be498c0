"""Whatever people have as a loss, as a cost."""

from __future__ import annotations

import inspect
from typing import Any

from landscape.cost.function import FunctionCost
from landscape.cost.signature import check_loss, kind_of, name_of
from landscape.cost.torch_loss import WANTED, TorchLoss
from landscape.errors import InputError


def from_torch(cost: Any) -> Any:
    """A cost as it is; a loss of torch's, a function, a module or any object that can be called as the cost it is.

    A loss whose second argument is called ``batch`` (``b``, ``data``, ``examples``) gets the whole batch beside the
    outputs; one whose first argument is called ``module`` (``model``, ``net``) gets the module and the batch; every
    other gets outputs and targets.

    Raises:
        InputError: it is neither, or a loss that no mean over all examples can stand for.
    """
    is_object = not inspect.isclass(cost)
    if is_object and callable(getattr(cost, "channels", None)):
        if not isinstance(getattr(cost, "num_draws", None), int):
            raise InputError(f"cost={name_of(cost)} lacks num_draws, the passes that it makes per example; usually 1")
        return cost
    if is_object and (not callable(cost) or hasattr(cost, "num_draws")):
        raise InputError(f"cost={name_of(cost)} is no cost: {WANTED}")
    check_loss(cost)
    kind = kind_of(cost)
    return TorchLoss(cost) if kind == "targets" else FunctionCost(cost, calls_module=kind == "module")
