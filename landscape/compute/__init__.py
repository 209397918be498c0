"""Where jobs run: Hydra's launchers, a process and a GPU for each job, one job at a time in each folder."""

from landscape.compute.engine import guard, is_parallel, need
from landscape.compute.hold import hold, is_held
from landscape.compute.isolation import in_child

__all__ = ["guard", "hold", "in_child", "is_held", "is_parallel", "need"]
