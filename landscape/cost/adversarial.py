"""The fast-gradient-sign cost: half on the clean example, half on its worst small neighbour."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from landscape.cost.contract import Predict
from landscape.cost.cross_entropy import CrossEntropy
from landscape.cost.labels import UNLABELLED
from landscape.errors import InputError


class Adversarial:
    """a J(x) + (1 - a) J(x + epsilon sign(grad_x J(x))), J the cross-entropy.

    The perturbation is recomputed at every theta and held constant for the gradient: the derivative of the sign
    is zero almost everywhere. The second pass draws its own dropout mask. x + eta is not clipped.

    Args:
        epsilon: size of the perturbation per input, in input units (0.25 for pixels in [0, 1]).
        weight: a, the share of the clean term, in [0, 1].
        ignore_index, classes, output: as of ``CrossEntropy``.

    Source: Goodfellow, Shlens & Szegedy (arXiv 1412.6572), section 6.
    """

    num_draws = 2
    jumps = "a perturbation jumps where an input's slope changes its sign"
    """Why J(alpha) is not continuous: small steps, whose sum no derivative knows."""

    def __init__(
        self,
        epsilon: float = 0.25,
        weight: float = 0.5,
        ignore_index: int = UNLABELLED,
        classes: str | None = None,
        output: str | int | None = None,
    ) -> None:
        self.entropy = CrossEntropy(ignore_index, classes, output)
        if not (_is_number(epsilon) and 0 < epsilon < math.inf):
            raise InputError(
                f"cost.epsilon={epsilon} must be a positive, finite number: it is the size of the perturbation"
            )
        if not (_is_number(weight) and 0 <= weight <= 1):
            raise InputError(f"cost.weight={weight} must be a number in [0, 1]: it is the share of the clean term")
        self.epsilon, self.weight = epsilon, weight

    def _both(self, predict: Predict, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Logits on the clean and on the perturbed batch, each [B, C]."""

        def total(inputs: Tensor) -> tuple[Tensor, Tensor]:
            logits = self.entropy.logits(predict(inputs, 0), y)
            return self.entropy.of(logits, y).sum(), logits

        slope, clean = torch.func.grad(total, has_aux=True)(x)
        return clean, self.entropy.logits(predict(x + self.epsilon * slope.detach().sign(), 1), y)

    def __call__(self, predict: Predict, x: Tensor, y: Tensor) -> Tensor:
        """x [B, ...], y [B] -> cost per example [B]."""
        clean, perturbed = self._both(predict, x, y)
        return self.weight * self.entropy.of(clean, y) + (1 - self.weight) * self.entropy.of(perturbed, y)

    def channels(self, predict: Predict, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """The cost, its clean part, and the error on clean and perturbed examples, each [B]."""
        clean, perturbed = self._both(predict, x, y)
        clean_cost, adversarial_cost = self.entropy.of(clean, y), self.entropy.of(perturbed, y)
        return {
            "objective": self.weight * clean_cost + (1 - self.weight) * adversarial_cost,
            "clean_objective": clean_cost,
            "error": self.entropy.wrong(clean, y),
            "adversarial_error": self.entropy.wrong(perturbed, y),
        }

    def counts(self, y: Tensor) -> Mapping[str, Tensor]:
        """Of each example the share that is labelled."""
        found = self.entropy.counts(y)
        return {**found, "clean_objective": found["objective"], "adversarial_error": found["error"]} if found else found

    def check_targets(self, outputs: Any, y: Tensor) -> None:
        """Raise InputError if the outputs for the first few examples do not fit, or any of all labels y is no class."""
        self.entropy.check_targets(outputs, y)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
