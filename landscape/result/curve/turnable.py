"""Surfaces as a page of HTML to turn with the mouse: one file that holds all it needs, and asks no network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from landscape.ground.files.temporary import replacing
from landscape.result.curve import relief
from landscape.result.curve.scene import Scene, on_scale

INSTALL = "plotly is missing (pip install 'landscape-walk[interactive]')"


def plotly() -> Any:
    """plotly.graph_objects, or None where it is not installed."""
    try:
        import plotly.graph_objects as graph_objects
    except ImportError:
        return None
    return graph_objects


def write(figure: Any, file: Path) -> None:
    """Save a plotly figure, whole or not at all, with the library inside."""
    with replacing(file) as temporary:
        # A fixed id keeps the same figure the same bytes.
        figure.write_html(temporary, include_plotlyjs=True, full_html=True, div_id=file.stem)


def turned(graph: Any, scenes: Mapping[str, Scene]) -> Any:
    """A plotly figure of surfaces by their names; of several, a menu shows one at a time.

    Args:
        graph: plotly.graph_objects.
    """
    figure, owners, looks = graph.Figure(), list[str](), dict[str, dict[str, Any]]()
    for name, scene in scenes.items():
        if scene.lack:
            continue
        traces = [_surface(graph, scene), *_points(graph, scene)]
        for trace in traces:
            trace.visible = not looks
        figure.add_traces(traces)
        owners += [name] * len(traces)
        looks[name] = _look(scene)
    if not looks:
        return figure
    first = next(iter(looks))
    figure.update_layout(title=first, scene=looks[first], showlegend=False, margin={"l": 0, "r": 0, "b": 0})
    if len(looks) > 1:
        buttons = [
            {
                "label": name,
                "method": "update",
                "args": [{"visible": [owner == name for owner in owners]}, {"title.text": name, "scene": look}],
            }
            for name, look in looks.items()
        ]
        figure.update_layout(
            updatemenus=[{"buttons": buttons, "x": 0.0, "xanchor": "left", "y": 1.0, "yanchor": "top"}]
        )
    return figure


def _look(scene: Scene) -> dict[str, Any]:
    """Axes and proportions."""
    sides = [float(np.ptp(part)) for part in (scene.x, scene.y)]
    wide = max(sides) if scene.in_units else None
    x, y = (side / wide if wide else 1.0 for side in sides)
    low, high = scene.range
    places = relief.ticks(low, high, scene.is_log)
    z: dict[str, Any] = {"title": {"text": scene.words}, "type": "log" if scene.is_log else "linear"}
    z |= {"tickvals": places, "ticktext": [relief.told(v) for v in places]}
    return {
        "xaxis": {"title": {"text": scene.axes[0]}},
        "yaxis": {"title": {"text": scene.axes[1]}},
        "zaxis": z,
        "aspectmode": "manual",
        "aspectratio": {"x": x, "y": y, "z": 0.7},
    }


def _colors(scene: Scene) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Value -> place on the scale of colours, that scale, and its bar."""
    high_of = np.log10 if scene.is_log else np.asarray
    low, high = scene.range
    places = relief.ticks(low, high, scene.is_log)
    bar: dict[str, Any] = {
        "title": {"text": scene.words, "side": "right"},
        "tickvals": [float(high_of(v)) for v in places],
    }
    bar |= {"ticktext": [relief.told(v) for v in places]}
    return high_of, {"cmin": float(high_of(low)), "cmax": float(high_of(high)), "colorscale": "Viridis"}, bar


def _surface(graph: Any, scene: Scene) -> Any:
    high_of, scale, bar = _colors(scene)
    text = f"{scene.axes[0]}: %{{x:.4g}}<br>{scene.axes[1]}: %{{y:.4g}}<br>{scene.label}: %{{z:.4g}}<extra></extra>"
    values = {"x": scene.x, "y": scene.y, "z": scene.held, "surfacecolor": high_of(scene.held)}
    return graph.Surface(**values, **scale, colorbar=bar, hovertemplate=text, connectgaps=False)


def _points(graph: Any, scene: Scene) -> list[Any]:
    """The path at its own heights, and the named points."""
    traces = []
    if scene.path is not None and np.isfinite(scene.own).any():
        high_of, scale, _ = _colors(scene)
        x, y, _, beside = scene.path
        words = [
            f"{e:g}: {relief.told(v)}, {relief.told(d)} beside the plane"
            for e, v, d in zip(scene.epochs, scene.path[2], beside, strict=True)
        ]
        dots = {"size": 4, "color": high_of(scene.own), **scale, "line": {"color": "black", "width": 1}}
        look = {"mode": "lines+markers", "line": {"color": "black", "width": 4}, "marker": dots}
        traces.append(graph.Scatter3d(x=x, y=y, z=scene.own, text=words, hoverinfo="text", **look))
    known = [p for p in scene.points if np.isfinite(on_scale(np.array([p[2]]), scene.is_log)).all()]
    if known:
        at = {key: [point[k] for point in known] for k, key in enumerate(("x", "y", "z", "text"))}
        kinds = ["circle-open" if scene.is_on_path(x, y) else "circle" for x, y, *_ in known]
        dots = {"size": [8 if kind == "circle-open" else 5 for kind in kinds], "symbol": kinds, "color": "black"}
        look = {"mode": "markers+text", "marker": dots, "hoverinfo": "text"}
        traces.append(graph.Scatter3d(**at, **look))
    return traces
