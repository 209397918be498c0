"""The straight line."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from landscape.path import Linear
from tests.twin import normal

EXTREME = torch.tensor([[3.4e38, -3.4e38, 1e-45, -1e-38, 0.1, -0.0, 1e8, float("nan")]])


def bits(theta: torch.Tensor) -> bytes:
    """NaN and the sign of zero count."""
    return theta.numpy().tobytes()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_ends_are_bitwise_the_ends(dtype: torch.dtype) -> None:
    for theta_0, theta_1 in [(EXTREME, -3 * EXTREME.flip(1)), (EXTREME.flip(1) / 7, EXTREME)]:
        line = Linear(theta_0.to(dtype), theta_1.to(dtype))
        assert bits(line(0.0)) == bits(theta_0.to(dtype))
        assert bits(line(1.0)) == bits(theta_1.to(dtype))


@settings(max_examples=30)
@given(st.floats(-3, 3, allow_nan=False))
def test_points_follow_the_definition_in_any_order(alpha: float) -> None:
    theta_0, theta_1 = normal(3, 5, seed=1), 2 * normal(3, 5, seed=2) + 1
    line = Linear(theta_0, theta_1)
    for other in (0.3, -0.5, 1.0):  # what was asked before does not matter: nothing accumulates
        line(other)
    plain = [
        [(1 - alpha) * a + alpha * b for a, b in zip(row_0, row_1, strict=True)]
        for row_0, row_1 in zip(theta_0.tolist(), theta_1.tolist(), strict=True)
    ]
    torch.testing.assert_close(line(alpha), torch.tensor(plain, dtype=torch.float64), rtol=1e-15, atol=1e-15)
    assert torch.equal(line(alpha), Linear(theta_0, theta_1)(alpha))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_row_alone_is_what_it_is_among_others(dtype: torch.dtype) -> None:
    """Every product is rounded by itself, whatever a processor could do at once, and wherever its vectors end."""
    start, end = (normal(3, 37, seed=k).to(dtype) for k in (1, 2))
    for alpha in (-0.3, 0.1, 0.7, 1.9):
        expected = (1 - alpha) * start.numpy() + alpha * end.numpy()
        assert bits(Linear(start, end)(alpha)) == expected.tobytes()


def test_to_changes_the_precision_of_both_ends() -> None:
    line = Linear(normal(2, 3, seed=1), normal(2, 3, seed=2)).to(torch.float32)
    assert line(0.0).dtype == line(0.7).dtype == line(1.0).dtype == torch.float32
    assert torch.equal(line(1.0), normal(2, 3, seed=2).float())


def test_ends_of_two_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        Linear(torch.zeros(2, 3), torch.zeros(1, 3))
