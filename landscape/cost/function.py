"""A function of outputs or of the module, and of the whole batch, as a cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from landscape.cost.contract import Predict
from landscape.cost.reduction import Unreduced
from landscape.cost.values import channels_of, first_tensor, num_of


class FunctionCost:
    """loss(outputs, batch) -> values, or loss(module, batch) -> values.

    Values are [B], or [B, ...] and averaged over the further axes; (values, weights), where J is sum w v / sum w over
    the whole of the data; or a dict of channels with ``objective`` in it and perhaps ``weight``.

    Args:
        loss: a function, an object that can be called, or a module.
        calls_module: it gets the module in place of its outputs, and calls it itself.

    Attributes:
        is_of_batch: it gave (number, how many it is the mean of), and so nothing of single examples.

    Raises:
        InputError: a class rather than an object of it, parameters of its own, or a reduction that J has no use for.
    """

    num_draws = 1
    takes_batch = may_weigh = True
    wants = "the cost is called with (outputs, batch), or with (module, batch) if it calls its first argument module"

    def __init__(self, loss: Any, calls_module: bool = False) -> None:
        self.loss, self.calls_module, self.is_of_batch = loss, calls_module, False
        self.unreduced = Unreduced(loss)

    def call(self, module: nn.Module, batch: Any) -> Any:
        """What the loss makes of module and batch."""
        return self._called(next(module.parameters(), None), module, batch)

    def _called(self, like: Tensor | None, first: Any, batch: Any) -> Any:
        """What the loss gave; where it did not find in the batch what it looked for, the error says what a batch is."""
        try:
            return self.unreduced.at(like)(first, batch)
        except (TypeError, LookupError, AttributeError) as error:
            what = f"KeyError: {error}" if isinstance(error, KeyError) else str(error)
            raise TypeError(f"cost={self.unreduced.name}, whose batch is {_form(batch)}: {what}") from error

    def __call__(self, predict: Predict, x: Any, y: Any) -> Tensor:
        """The cost per example [B] of a batch y, whose inputs are x."""
        return self.channels(predict, x, y)["objective"]

    def channels(self, predict: Predict, x: Any, y: Any) -> dict[str, Tensor]:
        """What the loss gave, as channels [B].

        Args:
            predict: x -> outputs; of a loss that calls the module, batch -> what it gave.
            x: inputs.
            y: the whole batch.
        """
        if self.calls_module:
            given = predict(y, 0)
        else:
            outputs = predict(x, 0)
            given = self._called(first_tensor(outputs), outputs, y)
        found = channels_of(given, num_of(y), self.unreduced.name)
        self.is_of_batch = found.is_of_batch
        return found.channels


def _form(batch: Any) -> str:
    """A batch in words."""
    if isinstance(batch, Mapping):
        return f"a dict of {', '.join(map(str, batch))}"
    if isinstance(batch, tuple | list):
        return "the tuple (x, y)" if len(batch) == 2 else f"a tuple of {len(batch)}, the last of which is y"
    return f"a {type(batch).__name__}"
