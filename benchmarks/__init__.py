"""What the project promises of its speed, measured; ``python -m benchmarks``."""

from theory.terminal import ready

ready()  # each of its modules is a command
