"""How long a command will take: its work is counted, and one real piece of each kind of it is timed.

``job`` counts what one job will do, by the same ``Recipe`` that the job then runs; ``group`` counts its training.
``timing`` times each kind once: a real update, a real pass over a few examples. ``command`` adds the jobs up, in two
hundredths of what they will take; ``table`` puts that into words, and ``callback`` says it before a command begins.
"""

from landscape.command.forecast.callback import Announce
from landscape.command.forecast.command import Forecast, forecast
from landscape.command.forecast.job import JobForecast

__all__ = ["Announce", "Forecast", "JobForecast", "forecast"]
