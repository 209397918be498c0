"""Before and after the jobs of one command: the plan, what is done, what failed, the figure and the verdicts of all.

``callback`` begins and ends a command. Before its jobs ``checks`` refuses settings that cannot work, and ``standing``
writes the plan and tells, from each job's ``record``, how far each one is. While they run ``launched`` leaves out those
that are done, has others measured in ``parts``, and by its ``tally`` says how each ended. After them ``outcome`` draws,
judges and lists all, and finds the exit status.
"""

from landscape.command.collect.callback import Collect
from landscape.command.collect.outcome import collect
from landscape.command.collect.record import UNDRAWN, JobRecord, gone, is_whole, one_line
from landscape.command.collect.standing import Plan
from landscape.command.collect.tally import tell
from landscape.errors import Exit

__all__ = ["UNDRAWN", "Collect", "Exit", "JobRecord", "Plan", "collect", "gone", "is_whole", "one_line", "tell"]
