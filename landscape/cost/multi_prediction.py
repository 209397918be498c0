"""The cost of a multi-prediction machine: what was hidden, predicted from what was not."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from landscape.cost.contract import Predict
from landscape.cost.labels import check_classes


class MultiPrediction:
    """Cross-entropy of hidden pixels and, where it is hidden, of the label, divided by the number of *all* pixels.

    The model is called with (x, y) and returns logits and masks, see ``landscape.model.MPDBM``. Channels beside the
    objective: its two parts ``pixel_objective`` and ``label_objective`` (times the number of pixels: nats per label),
    and, without masks, ``error`` and ``multi_inference_error``, the misclassification with pixels clamped.

    Source: pylearn2 ``costs/dbm.py``, ``MultiPrediction``.
    """

    num_draws = 1
    wants = "it must take (x, y) and predict what it hides, as model=mpdbm does; else choose cost=cross_entropy"

    def __call__(self, predict: Predict, x: Tensor, y: Tensor) -> Tensor:
        """x [B, ...], y [B] -> cost per example [B]."""
        pixels, label, _ = self._parts(predict, x, y)
        return pixels + label

    def channels(self, predict: Predict, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """The cost and its parts, and, without masks, the misclassification, each [B]."""
        pixels, label, found = self._parts(predict, x, y)
        values = {"objective": pixels + label, "pixel_objective": pixels, "label_objective": label}
        if not found.is_masked:  # with a mask, two more inferences would go into channels that nobody reads
            call: Any = predict
            for name, inputs in (("error", x), ("multi_inference_error", (x, None))):
                values[name] = call(inputs, 0).argmax(dim=-1).ne(y).to(pixels.dtype)
        return values

    def check_targets(self, outputs: Tensor, y: Tensor) -> None:
        """Raise InputError if any of all labels y is no class: the machine takes each of them as an input too."""
        check_classes(y, outputs.shape[-1], None)

    def _parts(self, predict: Predict, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Any]:
        """Cost of the pixels and of the label [B], and the prediction."""
        call: Any = predict
        found = call((x, y), 0)
        v = x.flatten(1)
        each = F.binary_cross_entropy_with_logits(found.pixels, v, reduction="none")  # [B, D]
        pixels = (found.hidden_pixels * each).sum(dim=1) / v.shape[1]
        label = found.hidden_label[:, 0] * F.cross_entropy(found.label, y, reduction="none") / v.shape[1]
        return pixels, label, found
