"""A tolerance that the precision does not give is said to be missed."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from landscape.objective.sums import Evaluation
from landscape.objective.two_level.reached import say_reached


@pytest.mark.parametrize(
    ("tolerance", "dtype", "is_missed"),
    [
        (1e-12, "float32", True),
        (1e-3, "float32", False),
        (1e-12, "float64", False),
        (1e-16, "float64", True),
    ],
)
def test_a_tolerance_below_the_spacing_of_numbers_is_not_reached(
    tolerance: float, dtype: str, is_missed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    at = np.linspace(-1.0, 2.0, 13)
    values = np.stack([1.0 + at**2, np.full(13, np.nan)], axis=1)  # a line that is lost says nothing
    bound = np.full(values.shape, max(0.5 * tolerance, 4 * np.finfo(dtype).eps))
    of = SimpleNamespace(tolerance=tolerance, dtype=f"torch.{dtype}")
    found = Evaluation({"objective": values}, np.zeros((1, 13, 2)), bounds={"objective": bound})
    say_reached(found, SimpleNamespace(objective=of, axes=(at,)))
    assert ("is not reached" in caplog.text) is is_missed
    assert ("objective.dtype=float64" in caplog.text) is (is_missed and dtype == "float32")
    caplog.clear()
    whole = Evaluation({"objective": values}, np.zeros((1, 13, 2)), bounds={"objective": 0 * bound})
    say_reached(whole, SimpleNamespace(objective=of, axes=(at,)))
    assert not caplog.text
