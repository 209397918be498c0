"""The page in a real headless Chromium: nothing sticks out on a phone, every image shows, nothing is fetched."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "chrome-headless-shell")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason=f"no browser on PATH: {', '.join(NAMES)}"),
]

# The page itself has no script, so another page holds it in a frame of a phone's width and measures it.
HARNESS = """<!DOCTYPE html><meta charset="utf-8"><iframe id="f" src="report.html" width="%d" height="800"></iframe>
<pre id="out"></pre><script>
document.getElementById("f").onload = event => {
  const page = event.target.contentDocument, view = event.target.contentWindow, images = [...page.images];
  page.querySelectorAll("details").forEach(part => { part.open = true; });
  const rows = [...page.querySelectorAll("table.verdicts tbody tr")];
  document.getElementById("out").textContent = JSON.stringify({
    width: page.documentElement.scrollWidth, room: page.documentElement.clientWidth,
    broken: images.filter(image => !image.naturalWidth).length, images: images.length,
    fetched: view.performance.getEntriesByType("resource").filter(e => !e.name.startsWith("data:")).length,
    card: view.getComputedStyle(rows[0]).display, font: parseFloat(view.getComputedStyle(rows[0]).fontSize)});
};</script>"""


def chromium(folder: Path, *arguments: str) -> str:
    """Run the browser once and return what it prints."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses its sandbox to root
    command = [str(BROWSER), "--headless", "--disable-gpu", "--allow-file-access-from-files", *sandbox]
    command += [f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=10000", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize(("width", "display"), [(360, "block"), (1200, "table-row")])
def test_page_fits_its_window(width: int, display: str, sweep: Path, tmp_path: Path, page: Callable[..., str]) -> None:
    """With every fold open nothing is wider than the window; verdicts are cards on a phone, a table on a desk."""
    page(sweep)
    (sweep / "harness.html").write_text(HARNESS % width)
    shown = chromium(tmp_path, "--dump-dom", (sweep / "harness.html").as_uri())
    found = re.search(r'<pre id="out">(.*?)</pre>', shown)
    assert found and found[1], shown[-1000:]
    seen = json.loads(found[1])
    assert seen["width"] <= seen["room"] <= width
    assert (seen["broken"], seen["images"], seen["fetched"]) == (0, 3, 0)
    assert seen["card"] == display and seen["font"] >= 13


def test_page_prints(sweep: Path, tmp_path: Path, page: Callable[..., str]) -> None:
    """It becomes a PDF of several pages."""
    page(sweep)
    target = tmp_path / "print.pdf"
    chromium(tmp_path, f"--print-to-pdf={target}", (sweep / "report.html").as_uri())
    assert len(re.findall(rb"/Type\s*/Page\b", target.read_bytes())) >= 2
