"""A smooth curve that its bends pull towards themselves."""

from __future__ import annotations

from math import comb

from torch import Tensor

from landscape.path.bent import Bent


class Bezier(Bent):
    """theta(t) = Σ C(n, k) t^k (1 - t)^(n - k) p_k, the Bézier curve of degree n = B + 1; of one bend it is quadratic.

    It touches the lines from its ends to the nearest bends, and goes through no bend. Bends evenly on the straight
    line make the straight line at equal speed.

    Args:
        theta_0, theta_1: the ends [S, P].
        bends: [B, S, P].
        spacing: what alpha counts, see ``Bent``.

    Source: Garipov et al. 2018 (arXiv 1802.10026), section 3.2.
    """

    def basis(self, t: float, order: int = 0) -> tuple[float, ...]:
        """The Bernstein polynomials, or a derivative of them."""
        degree = len(self.bends) + 1
        values = [comb(degree - order, k) * t**k * (1 - t) ** (degree - order - k) for k in range(degree - order + 1)]
        for n in range(degree - order + 1, degree + 1):  # each derivative is a difference of a lower degree
            values = [n * (below - here) for below, here in zip([0.0, *values], [*values, 0.0], strict=True)]
        return tuple(values)

    def acceleration(self, alpha: float) -> Tensor:
        """The second derivative of theta by alpha [S, P]."""
        return self._acceleration(alpha)
