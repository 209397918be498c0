"""Straight pieces from bend to bend."""

from __future__ import annotations

from landscape.path.bent import PANELS, Bent


class Polygon(Bent):
    """From theta_0 through every bend to theta_1, straight in between; each piece takes an equal part of t.

    At a bend it has a kink: ``velocity`` is that of the piece which begins there, and J has no slope, so slopes are
    refused where a position is a kink. Within a piece the acceleration is zero.

    Args:
        theta_0, theta_1: the ends [S, P].
        bends: [B, S, P].
        spacing: what alpha counts, see ``Bent``.

    Source: Garipov et al. 2018 (arXiv 1802.10026), section 3.2.
    """

    def basis(self, t: float, order: int = 0) -> tuple[float, ...]:
        """Two neighbours share the weight of 1; of order 1 the derivative, the right one at a kink."""
        pieces = len(self.bends) + 1
        piece = min(max(int(t * pieces), 0), pieces - 1)
        inside = t * pieces - piece
        pair = ((1 - inside, inside), (-float(pieces), float(pieces)), (0.0, 0.0))[order]
        values = [0.0] * (pieces + 1)
        values[piece : piece + 2] = pair
        return tuple(values)

    def kinks(self) -> list[float]:
        """Every alpha at which some row has a kink."""
        times = [k / (len(self.bends) + 1) for k in range(1, len(self.bends) + 1)]
        if self.spacing == "parameter":
            return times
        ways = self._ways
        return sorted({float(way.behind[k * PANELS]) / way.length for way in ways for k in range(1, len(times) + 1)})
