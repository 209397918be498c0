"""``python -m landscape.paper``: every figure of the paper in one go."""

from __future__ import annotations

from theory.terminal import ready

if __name__ == "__main__":
    ready()  # before the imports below, which take a while

import sys

from landscape.command.paper import main

if __name__ == "__main__":
    sys.exit(main())
