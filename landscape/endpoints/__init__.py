"""The two ends of a path, and how to come by them."""

from landscape.endpoints.checkpoints import Checkpoints
from landscape.endpoints.control import NoiseToSolution, OtherInitToSolution, ScaledStart, ZeroToSolution
from landscape.endpoints.ends import BetweenSolutions, Ends, InitToSolution, Points, RandomToSolution, ThreeSolutions
from landscape.endpoints.epoch import EpochToSolution
from landscape.endpoints.point import point_of
from landscape.endpoints.run import Run
from landscape.endpoints.snapshots import Snapshots, trajectory_of

__all__ = [
    "BetweenSolutions",
    "Checkpoints",
    "Ends",
    "EpochToSolution",
    "InitToSolution",
    "NoiseToSolution",
    "OtherInitToSolution",
    "Points",
    "RandomToSolution",
    "Run",
    "ScaledStart",
    "Snapshots",
    "ThreeSolutions",
    "ZeroToSolution",
    "point_of",
    "trajectory_of",
]
