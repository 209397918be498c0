"""How long a command will take, from counting its work and timing a little of it."""

from landscape.command.forecast.callback import Announce
from landscape.command.forecast.command import Forecast, forecast
from landscape.command.forecast.job import JobForecast

__all__ = ["Announce", "Forecast", "JobForecast", "forecast"]
