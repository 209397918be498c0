"""What a forecast says beside what the same command then takes, in one process and in CPU seconds.

``OMP_NUM_THREADS=1 python -m benchmarks.forecast OUTPUTS [key=value ...]``, with the overrides of any command. CPU
seconds, because they are the same on a machine with other work to do; they need a single thread. The folder must be
fresh: what is done or trained there is neither forecast nor done again.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import landscape.command.forecast.callback as callback
import landscape.command.task as program
from landscape.command.command_line import main as landscape_main
from landscape.command.forecast import Forecast, timing
from landscape.command.forecast.command import peak_bytes


class ProcessClock:
    """CPU seconds of this process, in place of ``time``."""

    perf_counter = staticmethod(time.process_time)


def main() -> None:
    """Forecast, run, and print one row of docs/forecast.md."""
    if os.environ.get("OMP_NUM_THREADS") != "1" or len(sys.argv) < 2 or Path(sys.argv[1]).exists():
        print("OMP_NUM_THREADS=1 python -m benchmarks.forecast FRESH_OUTPUTS [key=value ...]", file=sys.stderr)
        raise SystemExit(2)
    folder, *overrides = sys.argv[1:]
    import torch._dynamo  # the first vectorised gradient loads it, which is no part of the work

    timing.time = ProcessClock  # type: ignore[assignment]
    found: list[Forecast] = []
    seconds: list[float] = []
    plain = program.run

    def timed(*arguments: Any) -> Any:
        start = time.process_time()
        result = plain(*arguments)
        seconds.append(time.process_time() - start)
        return result

    program.run = timed
    callback.show = lambda forecast, *rest: found.append(forecast)
    status = [_run(folder, *overrides, f"forecast={mode}") for mode in ("only", "off")]
    ahead = found[0]
    disk = sum(file.stat().st_size for file in Path(folder).glob("solutions/*/*"))
    print(f"\nexit {status}, torch {torch.__version__}; looked at in {ahead.seconds_taken:.1f} CPU seconds")
    print("jobs, CPU seconds forecast:", *(f"{job.seconds:.1f}" for job in ahead.jobs))
    print("jobs, CPU seconds taken:   ", *(f"{second:.1f}" for second in seconds))
    print(
        f"| `{' '.join(overrides)}` | {ahead.seconds:.0f} s | {sum(seconds):.0f} s | "
        f"{(ahead.peak_bytes or 0) / 1e6:.0f} MB | {(peak_bytes(torch.device('cpu')) or 0) / 1e6:.0f} MB | "
        f"{ahead.num_bytes / 1e6:.1f} MB | {disk / 1e6:.1f} MB |"
    )


def _run(folder: str, *overrides: str) -> int:
    sys.argv = ["landscape", "tracker=none", f"outputs={folder}", *overrides]
    try:
        landscape_main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


if __name__ == "__main__":
    main()
