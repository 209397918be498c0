"""One self-contained HTML page, and tables, from saved results. No torch, no network.

A ``section`` is what one folder holds, drawn and judged. ``sweep`` makes a row of each seed of each job, judged alone;
``summary`` counts over rows: the mean of each number, and in how many runs each claim holds. They are written as a
``page``, as CSV ``tables``, for the ``terminal`` and as a ``wandb_report``; ``command`` is the program.
"""
