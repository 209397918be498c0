"""What is known of one finished job, as plain values: curves and the numbers read off them, verdicts, the saved result.

There is no torch in here: whatever draws, judges or reports stands on this room alone.
"""

from landscape.result.saved import JSON_NAME as JSON_NAME
from landscape.result.saved import NPZ_NAME as NPZ_NAME
from landscape.result.saved import Result as Result
from landscape.result.saved import ResultError as ResultError
from landscape.result.verdict import Verdict as Verdict
