"""``python -m landscape``: compose -> instantiate -> measure -> record -> draw."""

from __future__ import annotations

from theory.terminal import ready

if __name__ == "__main__":
    ready()  # before the imports below: they take seconds, in which somebody may press Ctrl-C

from landscape.command.command_line import main

if __name__ == "__main__":
    main()
