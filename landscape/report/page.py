"""The page: what the template is given, and its rendering."""

from __future__ import annotations

import base64
import hashlib
import io
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from matplotlib.figure import Figure

from landscape.figure import naming
from landscape.figure.caption import stated_error
from landscape.figure.publish import command_of
from landscape.figure.style import RC, write
from landscape.ground.words import spoken
from landscape.report import chart
from landscape.report.digest import digest
from landscape.report.section import Section, fault_of
from landscape.report.summary import failures_first, means, rates
from landscape.report.sweep import Row, flat, swept
from landscape.result.verdict import counts, group_of, missed, surprising

MAX_ALONE = 16
"""Jobs drawn one by one in a section; a larger sweep links to the drawing in each job's folder."""
MAX_VERDICTS = 40
"""Verdicts shown at once; of more the rates come first, and the verdicts are folded."""
MAX_MEANS = 200
"""Lines of the table of means in the page; the CSV has all of them."""
DATA = ("result.json", "result.npz", "figure.png", "figure.pdf", "run.log", "sweep.json")


def render(
    sections: Sequence[Section], groups: Sequence[Sequence[Row]], target: Path, tables: Sequence[Path]
) -> tuple[str, list[str]]:
    """One HTML page on these sections, with links relative to ``target``; and a sentence per job that failed to draw.

    Args:
        groups: each section's rows. tables: the CSV files written beside it.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,  # a misspelt name is an error, not a gap in the page
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "duration": lambda seconds: spoken(seconds, exact=True), "brief": brief}
    parts = [_part(k, *pair, target.parent) for k, pair in enumerate(zip(sections, groups, strict=True), start=1)]
    names = list(dict.fromkeys(section.name for section in sections))
    title = names[0] if len(names) == 1 else f"{len(names)} experiments"
    links = [_link(path, target.parent) for path in tables]
    total = counts([v for section in sections for v in section.verdicts])
    scales = list(dict.fromkeys(scale for section in sections for scale in section.scales))
    template = environment.get_template("page.html.jinja")
    script = (Path(__file__).parent / "page.js").read_text(encoding="utf-8")
    digests = digest(sections, groups, [part["id"] for part in parts])
    checks = list(dict.fromkeys(v.check for section in sections for v in section.verdicts))
    faults = [f"{part['section'].folder}: {fault}" for part in parts for fault in part["faults"]]
    told = {"title": title, "parts": parts, "tables": links, "counts": total, "scales": scales, "digest": digests}
    frame = {"size": (chart.WIDTH, chart.HEIGHT), "box": (chart.LEFT, chart.TOP, chart.RIGHT, chart.BOTTOM)}
    page = template.render(**told, **frame, checks=checks, script=script, script_hash=_hash(script))
    return page, faults


def _hash(script: str) -> str:
    """By which the page's policy knows its one script, and lets no other run."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode('ascii')}"


def _part(index: int, section: Section, rows: Sequence[Row], base: Path) -> dict[str, Any]:
    results = section.results
    versions = {f"{key} {value}": None for result in results for key, value in result.versions.items()}
    found = means(rows)
    jobs = _jobs(section, base)
    return {
        "id": f"part{index}",
        "section": section,
        "counts": counts(section.verdicts),
        "verdicts": [(v, group_of(v), missed(v)) for v in surprising(section.verdicts)],
        "charts": chart.charts(section.results),
        "folded": len(section.verdicts) > MAX_VERDICTS and len(rows) > 1,
        "calibrated": any(v.calibrated for v in section.verdicts),
        "command": command_of(results) if results else "",
        "caps": naming.caps(results),
        "error": stated_error(results),
        "versions": list(versions),
        "seconds": sum(result.seconds for result in results),
        "picture": picture(section.figure) if section.figure else None,
        "jobs": jobs,
        "faults": [job["fault"] for job in jobs if job["fault"]],
        "shared": _shared(section),
        "claims": {
            check: next((v.claim for v in section.verdicts if v.check == check), "")
            for check in {check for row in rows for check, _ in row.holds}
        },
        "rates": failures_first(rates(rows), section.verdicts) if len(rows) > 1 else [],
        "means": found[:MAX_MEANS] if len(rows) > 1 else [],
        "more_means": len(found) - MAX_MEANS,
        "num_rows": len(rows),
        "links": _links(section.folder, base) if section.places != [section.folder] else [],
    }


def _jobs(section: Section, base: Path) -> list[dict[str, Any]]:
    """What is said of each job: how it differs, its seeds, time and machine, its drawing, its files."""
    several = len(section.results) > 1
    alone = several and len(section.results) <= MAX_ALONE and section.module is not None and not section.fault
    shared = _shared(section)
    jobs = []
    labels = naming.names(section.results)
    for place, result, keys, name in zip(section.places, section.results, swept(section.results), labels, strict=True):
        own = {key: value for key, value in flat(result.config).items() if key not in shared}
        drawing, fault = None, ""
        if alone and section.module:
            try:
                drawing = picture(section.module.draw([result]), 100, lines=False)
            except Exception as error:  # one drawing that fails must not cost the page
                fault = f"job {place.name} alone: {fault_of(section.module, error)}"
        about = {"key": place.name, "name": name, "result": result, "swept": keys, "own": own}
        jobs.append({**about, "picture": drawing, "fault": fault, "links": _links(place, base)})
    return jobs


def _shared(section: Section) -> dict[str, str]:
    """The config keys with one value in all jobs."""
    first, *others = [flat(result.config) for result in section.results] or [{}]
    return {key: value for key, value in first.items() if all(config.get(key) == value for config in others)}


def _links(folder: Path, base: Path) -> list[dict[str, str]]:
    """The data files in a folder that exist, and interactive pages beside them."""
    files = [folder / name for name in DATA if (folder / name).is_file()]
    pages = sorted(path for path in folder.glob("*.html") if path.name != "report.html")
    return [_link(path, base) for path in [*files, *pages]]


def _link(path: Path, base: Path) -> dict[str, str]:
    relative = Path(os.path.relpath(path, base)).as_posix()
    return {"name": path.name, "href": quote(relative, safe="/")}


def number(value: float) -> str:
    """Four digits, or a dash where there is none."""
    return "–" if math.isnan(value) else f"{value:.4g}"


def brief(seeds: Sequence[str]) -> str:
    """The seeds by name, or the first and the last of more than eight."""
    return ", ".join(seeds) if len(seeds) <= 8 else f"{seeds[0]} … {seeds[-1]} ({len(seeds)})"


MAX_SVG = 400_000
"""Bytes of the largest drawing kept as lines; beyond it, pixels are smaller and open faster on a phone."""


@dataclass(frozen=True)
class Picture:
    """An image inside the page: its data URI, and width and height in CSS pixels."""

    uri: str
    width: int
    height: int


def picture(figure: Figure, dpi: int = 150, lines: bool = True) -> Picture:
    """The drawing as SVG, or as PNG of ``dpi`` where that is too large or ``lines`` is False.

    The same drawing gives the same bytes: no date, fixed ids.
    """
    kind, content = "svg+xml", _saved(figure, "svg") if lines else b""
    if not lines or len(content) > MAX_SVG:
        kind, content = "png", _saved(figure, "png", dpi)
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    return Picture(f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}", width, height)


def _saved(figure: Figure, kind: str, dpi: int = 150) -> bytes:
    buffer = io.BytesIO()
    rc = {**RC, "svg.hashsalt": "landscape", "svg.fonttype": "path"}
    write(figure, buffer, kind, dpi, rc, {"Date": None} if kind == "svg" else {})
    return buffer.getvalue()
