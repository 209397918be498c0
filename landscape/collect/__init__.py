"""``python -m landscape.collect``: a thin front of ``landscape.command.collect``."""
