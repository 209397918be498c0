"""What is looked at along a path or a trajectory."""

from landscape.measurement.closed_form import ClosedForm
from landscape.measurement.descent import Descent
from landscape.measurement.gauss_length import GaussLength
from landscape.measurement.interpolation import Interpolation
from landscape.measurement.plane import TrajectoryPlane
from landscape.measurement.random_walk import RandomWalk
from landscape.measurement.residual import Residual
from landscape.measurement.subject import Measured, Subject
from landscape.measurement.work import Pass, Steps, Work

__all__ = [
    "ClosedForm",
    "Descent",
    "GaussLength",
    "Interpolation",
    "Measured",
    "Pass",
    "RandomWalk",
    "Residual",
    "Steps",
    "Subject",
    "TrajectoryPlane",
    "Work",
]
