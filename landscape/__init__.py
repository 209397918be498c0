"""landscape shows what an optimiser walked through.

Three lines measure the loss between two checkpoints of any PyTorch module::

    import landscape as ls

    line = ls.line(before, after)
    curve = ls.measure(net, line, data=loader, cost=loss_fn, alphas=51)
    curve.plot(); print(curve)

From the shell, ``python -m landscape``: an experiment trains a recipe, picks two endpoints, lays a path between them,
takes a measurement along it, and draws a figure with a verdict on each claim.
"""

from typing import TYPE_CHECKING

from landscape.ground.former import install

if TYPE_CHECKING:
    from landscape.errors import InputError
    from landscape.face import ConnectingCurve, align, connect, curvature, line, measure, plane, principal, trajectory
    from landscape.result.curve import Components, Curve, Projection, Surface

__version__ = "0.2.1"

__all__ = [
    "Components",
    "ConnectingCurve",
    "Curve",
    "InputError",
    "Projection",
    "Surface",
    "__version__",
    "align",
    "connect",
    "curvature",
    "line",
    "measure",
    "plane",
    "principal",
    "trajectory",
]

install()

if not TYPE_CHECKING:
    # What is public lives in rooms that are imported when they are asked for: torch takes seconds.
    _ROOM = {"InputError": "landscape.errors"}
    _ROOM |= dict.fromkeys(("Components", "Curve", "Projection", "Surface"), "landscape.result.curve")
    _ROOM |= dict.fromkeys(
        ("ConnectingCurve", "align", "connect", "curvature", "line", "measure", "plane", "principal", "trajectory"),
        "landscape.face",
    )

    def __getattr__(name):
        if name not in _ROOM:
            raise AttributeError(f"module 'landscape' has no attribute {name!r}")
        from importlib import import_module

        found = globals()[name] = getattr(import_module(_ROOM[name]), name)
        return found

    def __dir__():
        return sorted({*globals(), *_ROOM})
