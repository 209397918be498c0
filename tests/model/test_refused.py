"""Numbers and lists that no model can be made of are refused by their key."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from torch import nn

from landscape.errors import InputError
from landscape.model import LSTM, MLP, MPDBM, DeepLinear, Dropout, Quadratic
from tests.model.test_conv_maxout import small
from tests.twin import maxout

NAN, INF = math.nan, math.inf


def mlp(**numbers: Any) -> nn.Module:
    return MLP(4, 3, [6], nn.ReLU(), **numbers)


def lstm(**numbers: Any) -> nn.Module:
    return LSTM(**{"classes": 11, "width": 3, **numbers})


def mpdbm(**numbers: Any) -> nn.Module:
    return MPDBM(6, 3, **numbers)


def linear(**numbers: Any) -> nn.Module:
    return DeepLinear(1, 1, **numbers)


def quadratic(**numbers: Any) -> nn.Module:
    return Quadratic(**{"dimension": 9, **numbers})


FITS, NEEDED = "2 convolutions .* need", {"widths": 3, "pieces": 3, "pads": 2, "windows": 2, "strides": 2}
NEEDED |= dict.fromkeys(("init_ranges", "max_norms", "lr_scales", "include", "scale"), 4)
REFUSED: list[tuple[Callable[..., nn.Module], dict[str, Any], str]] = [
    (linear, {"depth": 0}, r"model\.depth=0 and model\.width=1 must be at least 1"),
    (linear, {"width": 0}, r"model\.depth=2 and model\.width=0 must"),
    (linear, {"init_std": -0.1}, r"model\.init_std=-0\.1 must be finite and not negative"),
    (linear, {"init_std": INF}, r"model\.init_std=inf must"),
    (linear, {"init_std": NAN}, r"model\.init_std=nan must"),
    *((lambda include: Dropout(include, 1.0), {"include": p}, r"model\.include") for p in (0.0, -0.1, 1.5, NAN)),
    *((lstm, {"drop": drop}, rf"model\.drop={drop}\b.*must lie in \[0, 1\)") for drop in (1.0, -0.1)),
    *((lstm, {key: 0}, rf"model\.{key}=0\b") for key in ("width", "num_layers", "classes")),
    *((lstm, {"init_range": value}, rf"model\.init_range={value}\b.*finite") for value in (NAN, -0.1)),
    (maxout, {"include": [0.8], "scale": [1.0]}, r"model\.include has 1 entries .* 2 layers"),
    (maxout, {"include": [0.8, 0.5], "scale": None}, r"model\.include=.* model\.scale="),
    *(
        (mlp, {key: [0.5] * 3}, rf"model\.{key} has 3 entries .* 2 layers")
        for key in ("init_ranges", "max_norms", "include", "scale")
    ),
    (mlp, {"scale": [1.0, 2.0]}, r"model\.include=.* model\.scale="),
    *((kind, {"init_scale": scale}, r"model\.init_scale=") for kind in (mlp, small) for scale in (0.0, -1.0, NAN, INF)),
    *((small, {key: [1]}, rf"model\.{key} has 1 entries but {FITS} {num}") for key, num in NEEDED.items()),
    *((small, {"image": image}, r"model\.image=.* dimensions\.image=\[C,H,W\]") for image in (None, [64], [0, 8, 8])),
    (
        small,
        {"image": (2, 2, 2), "kernels": [3, 3], "pads": [2, 0]},
        r"model\.kernels\[1\]=3 .* of a map of side 2 \(model\.image=\[2, 2, 2\]",
    ),
    (mpdbm, {"widths": (3,)}, r"model\.widths"),
    (mpdbm, {"num_sweeps": -1}, r"num_sweeps"),
    (mpdbm, {"hide": 1.0}, r"model\.hide"),
    (mpdbm, {"max_norms": (1.0, 2.0)}, r"model\.max_norms=\[1\.0, 2\.0\] has 2 entries; it needs 3"),
    (mpdbm, {"max_norms": (1.0, 2.0, -3.0)}, r"model\.max_norms=.*positive"),
    (mpdbm, {"biases": (1.0,)}, r"model\.biases=\[1\.0\] has 1 entries; it needs 2"),
    (mpdbm, {"sparse": (-3, 2)}, r"model\.sparse=\[-3, 2\] must be two counts, not negative"),
    (mpdbm, {"sparse": (1.5, 2)}, r"model\.sparse=\[1\.5, 2\]"),
    (mpdbm, {"init_range": NAN}, r"model\.init_range=nan"),
    (quadratic, {"dimension": 0}, r"model\.dimension=0 must be at least 1"),
    (quadratic, {"low": 0.0}, r"model\.low=0\.0 and model\.high=1\.0 must satisfy 0 < low <= high"),
    (quadratic, {"low": 2.0}, r"model\.low=2\.0 and model\.high=1\.0 must"),
    (quadratic, {"high": INF}, r"model\.low=0\.01 and model\.high=inf must"),
    (quadratic, {"low": NAN}, r"model\.low=nan"),
]


@pytest.mark.parametrize(("make", "numbers", "text"), REFUSED)
def test_numbers_that_cannot_be_are_refused_by_their_key(make: Any, numbers: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=text):
        make(**numbers)
