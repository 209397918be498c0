"""What ``import landscape`` gives to somebody with a module, a loader and a loss: where to look, and how high J is.

``line`` and ``trajectory`` (``places``) and ``plane`` (``planes``) only describe points, which may be modules, state
dicts, files or flat tensors. ``measure`` reads them against the net (``points``), lays the house's own path through
them, makes an ``Objective`` of net, cost and data (``data``), and hands both to the house's own measurements: a face of
the house, and no second way through it. What comes back is a ``Curve``, a ``Surface`` or a ``Projection``.
``principal`` needs no data: the ``Components`` of a trajectory are its points along their own principal axes.
``align`` puts the hidden units of one point in the order of another's.
``connect`` trains a curve between two points first, and gives a place to ``measure`` on.
``curvature`` does as ``measure`` for the Hessian of J and the noise of its gradient.
"""

from landscape.face.align import align
from landscape.face.connect import connect
from landscape.face.curvature import curvature
from landscape.face.curve import ConnectingCurve
from landscape.face.measure import measure
from landscape.face.places import line, trajectory
from landscape.face.planes import plane
from landscape.face.principal import principal

__all__ = ["ConnectingCurve", "align", "connect", "curvature", "line", "measure", "plane", "principal", "trajectory"]
