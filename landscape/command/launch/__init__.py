"""Where jobs run: Hydra's launchers, and what they do not do themselves.

``launcher`` wraps the one that ``compute`` chose: it leaves out finished jobs and outlives its own failure. Each job is
then alone: ``isolation`` gives it a process, and its folder to one process at a time; ``gpu`` lends it a GPU.
"""

from landscape.command.launch.isolation import hold, in_child, is_held
from landscape.command.launch.launcher import guard, is_parallel, need

__all__ = ["guard", "hold", "in_child", "is_held", "is_parallel", "need"]
