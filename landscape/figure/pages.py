"""Interactive pages beside a figure: one HTML file that needs no network."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from landscape.ground.files.temporary import replacing

log = logging.getLogger(__name__)


def write(pages: Mapping[str, Any], folder: Path) -> list[Path]:
    """Save each plotly figure as ``NAME.html``, whole or not at all; without plotly say how to get them."""
    written = []
    for name, figure in pages.items():
        path = folder / f"{name}.html"
        with replacing(path) as temporary:
            # The library goes inside the file; a fixed id keeps the same figure the same bytes.
            figure.write_html(temporary, include_plotlyjs=True, full_html=True, div_id=name)
        written.append(path)
    return written


def plotly() -> Any:
    """plotly.graph_objects, or None where it is not installed."""
    try:
        import plotly.graph_objects as graph_objects
    except ImportError:
        log.info("no interactive page: plotly is missing (pip install 'landscape-walk[interactive]')")
        return None
    return graph_objects
