"""The fast-gradient-sign cost: half on the clean example, half on its worst small neighbour."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from landscape.cost.cross_entropy import Predict
from landscape.errors import InputError


class Adversarial:
    """a J(x) + (1 - a) J(x + epsilon sign(grad_x J(x))), J the cross-entropy.

    The perturbation is recomputed at every theta and held constant for the gradient: the derivative of the sign
    is zero almost everywhere. The second pass draws its own dropout mask. x + eta is not clipped.

    Args:
        epsilon: size of the perturbation per input, in input units (0.25 for pixels in [0, 1]).
        weight: a, the share of the clean term, in [0, 1].

    Source: Goodfellow, Shlens & Szegedy (arXiv 1412.6572), section 6.
    """

    num_draws = 2
    jumps = "a perturbation jumps where an input's slope changes its sign"
    """Why J(alpha) is not continuous: small steps, whose sum no derivative knows."""

    def __init__(self, epsilon: float = 0.25, weight: float = 0.5) -> None:
        if not epsilon > 0:
            raise InputError(f"cost.epsilon={epsilon} must be positive: it is the size of the perturbation")
        if not 0 <= weight <= 1:
            raise InputError(f"cost.weight={weight} must lie in [0, 1]: it is the share of the clean term")
        self.epsilon, self.weight = epsilon, weight

    def _both(self, predict: Predict, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Logits on the clean and on the perturbed batch, each [B, C]."""

        def total(inputs: Tensor) -> tuple[Tensor, Tensor]:
            logits = predict(inputs, 0)
            return F.cross_entropy(logits, y, reduction="sum"), logits

        slope, clean = torch.func.grad(total, has_aux=True)(x)
        return clean, predict(x + self.epsilon * slope.detach().sign(), 1)

    def __call__(self, predict: Predict, x: Tensor, y: Tensor) -> Tensor:
        """x [B, ...], y [B] -> cost per example [B]."""
        clean, perturbed = self._both(predict, x, y)
        cost = F.cross_entropy(clean, y, reduction="none") * self.weight
        return cost + (1 - self.weight) * F.cross_entropy(perturbed, y, reduction="none")

    def channels(self, predict: Predict, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """The cost, its clean part, and the error on clean and perturbed examples, each [B]."""
        clean, perturbed = self._both(predict, x, y)
        clean_cost = F.cross_entropy(clean, y, reduction="none")
        adversarial_cost = F.cross_entropy(perturbed, y, reduction="none")
        return {
            "objective": self.weight * clean_cost + (1 - self.weight) * adversarial_cost,
            "clean_objective": clean_cost,
            "error": clean.argmax(dim=-1).ne(y).to(clean.dtype),
            "adversarial_error": perturbed.argmax(dim=-1).ne(y).to(clean.dtype),
        }
