"""The model's output as the cost."""

from __future__ import annotations

from torch import Tensor

from landscape.cost.contract import Predict, tensor_of


class Output:
    """For a model that returns its own cost per example [B], such as ``landscape.model.Quadratic``."""

    num_draws = 1

    def __call__(self, predict: Predict, x: Tensor, y: Tensor) -> Tensor:
        """x [B, ...] -> cost per example [B]; y is not looked at."""
        return tensor_of(predict(x, 0), has_name=False)

    def channels(self, predict: Predict, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """The cost alone."""
        return {"objective": tensor_of(predict(x, 0), has_name=False)}
