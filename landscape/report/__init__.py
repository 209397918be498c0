"""One self-contained HTML page, and tables, from saved results. No torch, no network."""
