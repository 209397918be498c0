"""What ``import landscape`` gives to somebody with a module, a loader and a loss: where to look, and how high J is.

``line``, ``plane`` and ``trajectory`` (``places``) only describe points, which may be modules, state dicts, files or
flat tensors. ``measure`` reads them against the net (``points``), lays the house's own path through them, makes an
``Objective`` of net, cost and data (``data``), and hands both to the house's own measurements: a face of the house, and
no second way through it. What comes back is a ``Curve``, a ``Surface`` or a ``Projection``.
"""

from landscape.face.align import align
from landscape.face.measure import measure
from landscape.face.places import line, plane, trajectory

__all__ = ["align", "line", "measure", "plane", "trajectory"]
