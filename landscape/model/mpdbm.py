"""The multi-prediction deep Boltzmann machine, as a classifier."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landscape.errors import InputError
from landscape.model.checks import check_init_ranges, check_max_norms
from landscape.model.dropout import Dropout

LEAST = 1e-7  # pylearn2 clips mean pixels to [1e-7, 1 - 1e-7] before their logit


class Prediction(NamedTuple):
    """What inference says of the hidden inputs: 1 = hidden, a target; 0 = observed, clamped.

    Args:
        pixels, label: logits [B, D] and [B, C].
        hidden_pixels, hidden_label: 0 or 1, [B, D] and [B, 1].
        is_masked: whether a mask chose what is hidden; without one all is. Known without a look at its values.
    """

    pixels: Tensor
    label: Tensor
    hidden_pixels: Tensor
    hidden_label: Tensor
    is_masked: bool = True


class MPDBM(nn.Module):
    """Two layers of binary units between pixels and one label, p ~ exp(b_v v + b_1 h1 + b_2 h2 + b_y y + couplings).

    Called with x it classifies: pixels clamped, label free, mean field. Called with (x, y) it predicts pixels and
    label from whatever a random mask leaves to see, by unrolled inference that gradients flow through. The masks are
    those of two ``Dropout`` layers on ones, so that they are drawn, fixed and recorded as all others are; without
    masks everything is hidden.

    Args:
        inputs: D pixels in [0, 1].
        classes: C.
        widths: units of the two hidden layers.
        num_sweeps: mean-field sweeps after the first pass.
        sparse: non-zero incoming weights, N(0, 1), of each unit of the first hidden layer and of each class.
        init_range: the second layer starts as U(-r, r).
        biases: starting biases of the two hidden layers.
        max_norms: bounds on the incoming weights of a unit, of the three couplings from the bottom.
        hide: probability of hiding a pixel, and of hiding the label.

    Raises:
        InputError: numbers out of range, or more than two hidden layers.

    Source: Goodfellow, Mirza, Courville & Bengio 2013; pylearn2 ``mpdbm.yaml``, ``costs/dbm.py``.
    """

    def __init__(
        self,
        inputs: int,
        classes: int,
        widths: tuple[int, int] = (2087, 3200),
        num_sweeps: int = 13,
        sparse: tuple[int, int] = (15, 23),
        init_range: float = 0.00638830865761,
        biases: tuple[float, float] = (-0.710467, -0.393587),
        max_norms: tuple[float, float, float] = (1.809978, 2.666304, 5.175683),
        hide: float = 0.5,
    ) -> None:
        super().__init__()
        if len(widths) != 2 or min(widths) < 1 or num_sweeps < 0:
            raise InputError(
                f"model.widths={list(widths)} must be two counts of at least 1 and model.num_sweeps="
                f"{num_sweeps} not negative"
            )
        if not 0 < hide < 1:
            raise InputError(f"model.hide={hide} must lie strictly between 0 and 1: it is a probability")
        for key, values, num in (("sparse", sparse, 2), ("biases", biases, 2), ("max_norms", max_norms, 3)):
            if len(values) != num:
                raise InputError(
                    f"model.{key}={list(values)} has {len(values)} entries; it needs {num}, from the bottom up"
                )
        if min(sparse) < 0 or not all(isinstance(num, int) for num in sparse):
            raise InputError(
                f"model.sparse={list(sparse)} must be two counts, not negative: weights per unit that "
                "start at other values than 0"
            )
        check_init_ranges("model.init_range", init_range)
        check_max_norms("model.max_norms", max_norms)
        first, second = widths
        self.inputs, self.classes, self.num_sweeps = inputs, classes, num_sweeps
        self.visible_bias = nn.Parameter(torch.zeros(inputs))
        self.weight_1 = nn.Parameter(_sparse(first, inputs, min(sparse[0], inputs)))
        self.bias_1 = nn.Parameter(torch.full((first,), float(biases[0])))
        self.weight_2 = nn.Parameter(torch.empty(second, first).uniform_(-init_range, init_range))
        self.bias_2 = nn.Parameter(torch.full((second,), float(biases[1])))
        self.weight_3 = nn.Parameter(_sparse(classes, second, min(sparse[1], second)))
        self.label_bias = nn.Parameter(torch.zeros(classes))
        self.pixel_mask, self.label_mask = Dropout(hide, 1.0), Dropout(hide, 1.0)
        self.max_norms = dict(zip(("weight_1", "weight_2", "weight_3"), max_norms, strict=True))

    @torch.no_grad()
    def initialise_from(self, x: Tensor) -> None:
        """Start the visible biases at the logits of the mean training pixels; x [N, ...] in [0, 1]."""
        mean = x.flatten(1).double().mean(dim=0).clamp(LEAST, 1 - LEAST)
        self.visible_bias.copy_(torch.logit(mean))

    def example(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs that run every layer once, for whoever must know what masks are needed; x [B, ...]."""
        return x, torch.zeros(len(x), dtype=torch.int64, device=x.device)

    def forward(self, x: Tensor | tuple[Tensor, Tensor | None]) -> Tensor | Prediction:
        """x [B, ...] -> logits [B, C]; (x, None) -> the same by multi-inference; (x, y [B]) -> ``Prediction``."""
        if isinstance(x, Tensor):
            return self.classify(x)
        pixels, y = x
        return self.classify(pixels, multi_inference=True) if y is None else self.predict(pixels, y)

    def _up_1(self, v: Tensor) -> Tensor:
        return F.linear(v, self.weight_1)  # [B, H1]

    def _up_2(self, h1: Tensor) -> Tensor:
        return F.linear(h1, self.weight_2, self.bias_2)  # [B, H2]

    def predict(self, x: Tensor, y: Tensor) -> Prediction:
        """Pixels and label from what the masks leave to see; x [B, ...], y [B]."""
        v = x.flatten(1)
        hidden_v = self.pixel_mask(torch.ones_like(v))
        hidden_y = self.label_mask(torch.ones_like(v[:, :1]))
        # scatter, since torch.func.vmap refuses one_hot
        label = torch.zeros(len(y), self.classes, dtype=v.dtype, device=v.device).scatter(1, y[:, None], 1.0)
        pixels_in = hidden_v * torch.sigmoid(self.visible_bias).detach() + (1 - hidden_v) * v
        # Nothing comes from above yet: what comes from below counts twice.
        h1 = torch.sigmoid(2 * self._up_1(pixels_in) + self.bias_1)
        logits_v = self.visible_bias.expand_as(v)
        logits_y = self.label_bias.expand_as(label)
        label_in = hidden_y * logits_y.softmax(dim=1) + (1 - hidden_y) * label
        h2 = torch.sigmoid(self._up_2(h1) + label_in @ self.weight_3)
        for _ in range(self.num_sweeps):
            h1 = torch.sigmoid(self._up_1(pixels_in) + self.bias_1 + h2 @ self.weight_2)
            logits_y = F.linear(h2, self.weight_3, self.label_bias)
            label_in = hidden_y * logits_y.softmax(dim=1) + (1 - hidden_y) * label
            logits_v = torch.addmm(self.visible_bias, h1, self.weight_1)
            pixels_in = hidden_v * torch.sigmoid(logits_v) + (1 - hidden_v) * v
            h2 = torch.sigmoid(self._up_2(h1) + label_in @ self.weight_3)
        is_masked = self.pixel_mask.mask is not None or self.pixel_mask.training
        return Prediction(logits_v, logits_y, hidden_v, hidden_y, is_masked)

    def classify(self, x: Tensor, multi_inference: bool = False) -> Tensor:
        """Logits [B, C] of the label, pixels clamped.

        Args:
            multi_inference: clamp the mean of the pixels and what the machine makes of them instead.
        """
        v = x.flatten(1)
        below = self._up_1(0.5 * (v + torch.sigmoid(self.visible_bias)) if multi_inference else v)
        h1 = torch.sigmoid(2 * below + self.bias_1)
        h2 = torch.sigmoid(2 * F.linear(h1, self.weight_2) + self.bias_2)
        logits = F.linear(h2, self.weight_3, self.label_bias)
        for _ in range(self.num_sweeps):
            if multi_inference:
                seen = torch.sigmoid(torch.addmm(self.visible_bias, h1, self.weight_1))
                below = self._up_1(0.5 * (v + seen))
            h1 = torch.sigmoid(below + self.bias_1 + h2 @ self.weight_2)
            logits = F.linear(h2, self.weight_3, self.label_bias)
            h2 = torch.sigmoid(self._up_2(h1) + logits.softmax(dim=1) @ self.weight_3)
        return logits


def _sparse(units: int, fan_in: int, num: int) -> Tensor:
    """[units, fan_in], in each row ``num`` distinct places N(0, 1) and the rest 0."""
    weight = torch.zeros(units, fan_in)
    places = torch.rand(units, fan_in).argsort(dim=1)[:, :num]
    return weight.scatter_(1, places, torch.randn(units, num))
