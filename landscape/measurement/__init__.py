"""What is looked at along a path or a trajectory.

A job goes through stages: ``Seeds``, a ``Network``, a ``Trained`` one, one ``OnPath``. A measurement names the stage at
which it is taken, checks it before anything is trained (then the ends are stand-ins), counts its work, and measures:
``contract`` says how. ``Interpolation`` measures J along a path, with slopes, noise and the rounding floor as they are
asked for; the other measurements along a path hold one and put something beside its curves: the exact curve and proofs
(``ClosedForm``), how much the outputs turn (``GaussLength``), a plane (``TrajectoryPlane``). ``PlaneSurface``
measures J on a plane of any kind. ``Curvature`` takes J in float64 and the eigenvalues of its Hessian at every point of
a path, ``CurvatureOfTraining`` at points that training passed.
"""

from landscape.measurement.closed_form import ClosedForm
from landscape.measurement.contract import Measured, Measurement, Pass, Steps, Work, measured_by, work_of
from landscape.measurement.curvature import Curvature
from landscape.measurement.curvature_of_training import CurvatureOfTraining
from landscape.measurement.descent import Descent
from landscape.measurement.gauss_length import GaussLength
from landscape.measurement.interpolation import Interpolation
from landscape.measurement.plane import TrajectoryPlane
from landscape.measurement.principal import PrincipalAxes, PrincipalWalk
from landscape.measurement.residual import RandomWalk, Residual
from landscape.measurement.stages import Network, OnPath, Seeds, Trained, stage_of
from landscape.measurement.surface import PlaneSurface

Subject = OnPath
"""Its name in the first edition."""

__all__ = [
    "ClosedForm",
    "Curvature",
    "CurvatureOfTraining",
    "Descent",
    "GaussLength",
    "Interpolation",
    "Measured",
    "Measurement",
    "Network",
    "OnPath",
    "Pass",
    "PlaneSurface",
    "PrincipalAxes",
    "PrincipalWalk",
    "RandomWalk",
    "Residual",
    "Seeds",
    "Steps",
    "Subject",
    "Trained",
    "TrajectoryPlane",
    "Work",
    "measured_by",
    "stage_of",
    "work_of",
]
