"""``python -m landscape.report``: a thin front of ``landscape.report.command``."""

from __future__ import annotations

from theory.terminal import ready

if __name__ == "__main__":
    ready()  # before the imports below, which take a while

import sys

from landscape.report.command import main

if __name__ == "__main__":
    sys.exit(main())
