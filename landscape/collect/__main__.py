"""``python -m landscape.collect DIR``: what a sweep's last command has done so far, drawn and judged.

For a sweep whose launcher is gone, or still running: exit status 0 all jobs done, 1 some are not, 2 wrong input.
"""

from __future__ import annotations

from theory.terminal import ready

if __name__ == "__main__":
    ready()  # before the imports below, which take a while

import argparse
import sys
from pathlib import Path

from landscape.collect import Plan, collect, one_line
from landscape.errors import InputError


def main() -> None:
    """List done, failed, cut and missing jobs; write ``sweep.json`` and the figure again."""
    parser = argparse.ArgumentParser(prog="python -m landscape.collect", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="DIR", help="a sweep's folder, such as outputs/quickstart/full")
    folder: Path = parser.parse_args().folder
    try:
        plan = Plan.read(folder)
        status = collect(folder, plan, plan.command, plan.strict)
    except InputError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from error
    except OSError as error:
        print(f"the results could not be collected: {one_line(error)}", file=sys.stderr)
        raise SystemExit(1) from error
    raise SystemExit(1 if status == 2 else status)  # the input of this command was right


if __name__ == "__main__":
    main()
