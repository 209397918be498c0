"""Where jobs run: Hydra's launchers, a process and a GPU for each job, one job at a time in each folder."""

from landscape.command.launch.engine import guard, is_parallel, need
from landscape.command.launch.hold import hold, is_held
from landscape.command.launch.isolation import in_child

__all__ = ["guard", "hold", "in_child", "is_held", "is_parallel", "need"]
