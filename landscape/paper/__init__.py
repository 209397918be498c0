"""``python -m landscape.paper``: a thin front of ``landscape.command.paper``."""
