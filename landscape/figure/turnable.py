"""Pages to turn with the mouse, beside a figure: what they need, and how they are saved."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from landscape.result.curve import turnable as drawn

log = logging.getLogger(__name__)


def plotly() -> Any:
    """plotly.graph_objects; None where it is not installed, and the log says how to get it."""
    if (graph := drawn.plotly()) is None:
        log.info("no interactive page: %s", drawn.INSTALL)
    return graph


def write_pages(pages: Mapping[str, Any], folder: Path) -> list[Path]:
    """Save each plotly figure as ``NAME.html``, whole or not at all."""
    files = {folder / f"{name}.html": figure for name, figure in pages.items()}
    for file, figure in files.items():
        drawn.write(figure, file)
    return list(files)
