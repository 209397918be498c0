"""What is looked at along a path or a trajectory."""

from landscape.measurement.interpolation import Interpolation
from landscape.measurement.residual import Residual
from landscape.measurement.subject import Measured, Subject

__all__ = ["Interpolation", "Measured", "Residual", "Subject"]
