"""``python -m landscape.collect DIR``: what a sweep has done so far."""

from __future__ import annotations

from theory.terminal import ready

if __name__ == "__main__":
    ready()  # before the imports below, which take a while

from landscape.command.collect.outcome import main

if __name__ == "__main__":
    main()
