"""How long a command will take, from counting its work and timing a little of it."""

from landscape.forecast.callback import Announce
from landscape.forecast.command import Forecast, forecast
from landscape.forecast.job import JobForecast

__all__ = ["Announce", "Forecast", "JobForecast", "forecast"]
