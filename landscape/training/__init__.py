"""Training: the paper's trainer, S seeds at once, checkpointed."""

from landscape.training.gradient import groups_of
from landscape.training.loop import GroupRun, build
from landscape.training.momentum import Momentum
from landscape.training.trainer import Training

__all__ = ["GroupRun", "Momentum", "Training", "build", "groups_of"]
