"""The page in a real headless Chromium: nothing sticks out on a phone, every image shows, nothing is fetched."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from landscape.report.section import read

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "chrome-headless-shell")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason=f"no browser on PATH: {', '.join(NAMES)}"),
]

# Another page holds it in a frame of a phone's width, measures it, and then does what a reader's hands would.
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
    card: view.getComputedStyle(rows[0]).display, font: parseFloat(view.getComputedStyle(rows[0]).fontSize),
    ...filtered(page, view), ...zoomed(page, view)});
};
const filtered = (page, view) => {
  const said = page.getElementById("filter-said"), all = said.textContent, num = {};
  for (const value of ["do not hold", "hold", "not judged", "identities", ""]) {
    const choice = page.getElementById("filter-verdict");
    choice.value = value;
    choice.dispatchEvent(new view.Event("input"));
    num[value] = [...page.querySelectorAll("tr[data-verdict]")].filter(row => !row.hidden).length;
  }
  const words = page.getElementById("filter-words");
  words.value = "VALID 1c";
  words.dispatchEvent(new view.Event("input"));
  const some = said.textContent;
  page.getElementById("filter-clear").click();
  return { num, all, some, again: said.textContent };
};
const zoomed = (page, view) => {
  const svg = page.querySelector("svg.plot"), figure = svg.closest("figure"), told = figure.querySelector(".readout");
  const path = figure.querySelector(".lines path"), drawn = path.getAttribute("d");
  const press = key => svg.dispatchEvent(new view.KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  const ticks = () => [...figure.querySelectorAll("g.x text")].map(text => text.textContent).join(" ");
  const whole = ticks();
  press("ArrowRight");
  const read = told.textContent;
  press("+"); press("+"); press("+");
  const closer = ticks();
  press("0");
  const back = ticks(), same = path.getAttribute("d") === drawn;
  figure.querySelector(".legend li").click();
  return { whole, read, closer, back, same, off: path.getAttribute("d") };
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
    num, total = seen["num"], len(read(sweep).verdicts)
    assert num.pop("") == sum(num.values()) == total and num["do not hold"] > 0
    assert seen["all"] == seen["again"] == f"{total} verdicts" and "in 1 of 1 sections" in seen["some"]
    assert seen["whole"] == seen["back"] != seen["closer"] and seen["same"] and seen["off"] == ""
    name = re.fullmatch(r"α = \S+: J = (\S+) \(relu, optimizer.lr=0.[12], seed [012], training\)", seen["read"])
    assert name and any(
        np.isclose(float(name[1]), r.curves["train/deterministic"].objective).any() for r in read(sweep).results
    )


def test_page_prints(sweep: Path, tmp_path: Path, page: Callable[..., str]) -> None:
    """It becomes a PDF of several pages."""
    page(sweep)
    target = tmp_path / "print.pdf"
    chromium(tmp_path, f"--print-to-pdf={target}", (sweep / "report.html").as_uri())
    assert len(re.findall(rb"/Type\s*/Page\b", target.read_bytes())) >= 2
