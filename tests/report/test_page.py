"""The page: whole, escaped, without anything from outside, and true to the results."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from landscape.figure import sweep as sweep_figure
from landscape.report.__main__ import main
from landscape.report.section import read
from landscape.result.saved import Result
from landscape.result.verdict import Verdict

from .conftest import HOSTILE, job, saved

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Strict(HTMLParser):
    """Reads a page and insists that every element is closed in order; keeps tags, ids, links, images and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.scripts: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if "script" in self.open:
            self.scripts.append(data)
        elif "style" not in self.open:
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of every such element."""
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def words(self) -> str:
        """All text with single spaces."""
        return " ".join("".join(self.text).split())


def test_everything_is_in_one_file(sweep: Path, page: Callable[..., str]) -> None:
    """No style sheet, no frame, no address of the network; images are data; linked files exist."""
    text = page(sweep)
    parsed = Strict(text)
    assert not {"link", "iframe", "object", "embed", "base", "form"} & {tag for tag, _ in parsed.tags}
    assert (
        "http" not in re.sub(r"http-equiv", "", text)
        and "@import" not in text
        and "url(" not in text.replace("url(#", "")
    )
    images = parsed.all("img")
    assert len(images) == 3, "the sweep and each job alone"
    for image in images:
        kind, _, content = image["src"].partition(";base64,")
        start = {"data:image/svg+xml": b"<?xml", "data:image/png": b"\x89PNG"}[kind]
        assert base64.b64decode(content, validate=True).startswith(start) and image["alt"]
        assert int(image["width"]) > 100 and int(image["height"]) > 100
    anchors = {link["href"][1:] for link in parsed.all("a") if link["href"].startswith("#")}
    assert all((sweep / link["href"]).is_file() for link in parsed.all("a") if link["href"][1:] not in anchors)
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids)) and anchors <= set(ids)
    assert sum(a.get("name") == "viewport" and "device-width" in a["content"] for a in parsed.all("meta")) == 1
    assert "@media print" in text and len(text) < 2_000_000


@pytest.mark.usefixtures("blank_figures")
def test_every_verdict_number_and_setting_is_told(sweep: Path, page: Callable[..., str]) -> None:
    """Claim, measured, expected and note of each verdict; scale, versions, times, seeds, device, configs."""
    words = Strict(page(sweep)).words
    for verdict in sweep_figure.judge(read(sweep).results):
        for told in (verdict.check, verdict.claim, verdict.source, verdict.measured, verdict.expected, verdict.note):
            assert " ".join(told.split()) in words
    for told in (
        "full scale",
        "landscape 0.1.0, torch 2.13.0",
        "a CPU, 1 thread",
        "7.5 s",
        "15 s",
        "0, 1, 2",
        "optimizer.momentum = 0.9",
        "optimizer.lr = 0.2",
        "3 of 6 runs: 50 % [19, 81]",
        "python -m landscape +experiment=mine training.max_epochs=40",
    ):
        assert told in words, told
    assert "/somewhere" not in words, "where a run was written is no part of its config"


@pytest.mark.usefixtures("blank_figures")
def test_one_script_runs_and_it_is_ours(sweep: Path, page: Callable[..., str]) -> None:
    """The policy of the page names the hash of its own script, so that no other can run, and no handler in markup."""
    parsed = Strict(page(sweep))
    (policy,) = [meta["content"] for meta in parsed.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    (script,) = parsed.scripts
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert rules.pop("script-src") == f"'sha256-{digest}'" and parsed.all("script") == [{}]
    assert rules == {
        **dict.fromkeys(("default-src", "base-uri", "form-action"), "'none'"),
        "img-src": "data:",
        "style-src": "'unsafe-inline'",
    }
    for word in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval", "Function", "fetch", "import"):
        assert word not in script, word


def test_hostile_text_stays_text(make: Any, tmp_path: Path, page: Callable[..., str]) -> None:
    """Names, settings, notes, devices, statements, caps, errors and folders with markup in them add no element."""
    plain, evil = job(0.1), job(0.1)
    evil = replace(evil, config={"note": HOSTILE, HOSTILE: 1}, versions={HOSTILE: HOSTILE})
    evil = replace(evil, overrides=[f"note={HOSTILE}"], **dict.fromkeys(("name", "scale", "device"), HOSTILE))
    evil = replace(evil, **{key: [HOSTILE] for key in ("caps", "statements", "training_status", "seeds")})
    failed = replace(evil, status="failed", error=HOSTILE)
    folder = tmp_path / "javascript:x <b>'\""
    quiet = Strict(page(saved(tmp_path / "plain", [plain, plain, plain]) and tmp_path / "plain"))
    loud = Strict(page(saved(folder, [plain, evil, failed])))
    assert {tag for tag, _ in loud.tags} <= {tag for tag, _ in quiet.tags} | {"ul", "li", "p"}
    assert not [key for _, attributes in loud.tags for key in attributes if key.startswith("on")]
    assert loud.scripts == quiet.scripts, "the one script, whatever the results"
    assert any(HOSTILE in path.get("data-name", "") for path in loud.all("path"))
    assert HOSTILE in " ".join(loud.text) and "49" not in loud.words.split()
    assert all(image["src"].startswith("data:image/") for image in loud.all("img"))
    assert all(not re.match(r"\w+:|//", link["href"]) for link in loud.all("a"))


@pytest.mark.usefixtures("blank_figures")
def test_links_from_another_folder_lead_to_the_data(tmp_path: Path, page: Callable[..., str]) -> None:
    """--output elsewhere: links go up and down again, with odd letters of folders quoted."""
    folder = saved(tmp_path / "a b#c%20?/full", [job(0.1), job(0.2)])
    from urllib.parse import unquote

    parsed = Strict(page(folder, "--output", tmp_path / "out/deep/page.html"))
    links = [link for link in parsed.all("a") if not link["href"].startswith("#")]
    assert len(links) == 6, "json and npz of two jobs, and the two tables"
    assert all((tmp_path / "out/deep" / unquote(link["href"])).is_file() for link in links)
    assert all("#" not in link["href"] and "?" not in link["href"] for link in links)


@pytest.mark.usefixtures("blank_figures")
def test_many_folders_have_a_table_of_contents(tmp_path: Path, page: Callable[..., str]) -> None:
    """A folder of sweeps gives a section each; the contents lead to them, and small scales are marked."""
    saved(tmp_path / "my_sweep/full", [job(0.1)])
    small = replace(job(0.3), name="other", scale="smoke", caps=["training.max_epochs 100 -> 2"])
    saved(tmp_path / "other/smoke", [small])
    text = page(tmp_path)
    parsed = Strict(text)
    contents = text[text.index('<table class="cards" id="contents">') : text.index("</nav>")]
    assert re.findall(r'href="([^"]*)"', contents) == ["#part1", "#part2"]
    assert {a["id"] for a in parsed.all("section")} == {"summary", "part1", "part2"}
    assert 'class="scale smoke"' in text and "smoke scale" in parsed.words
    assert "Smaller than the paper: training.max_epochs 100 -> 2" in parsed.words
    assert "what a smaller scale shows is no reproduction" in parsed.words
    assert text == page(tmp_path / "my_sweep/full", tmp_path / "other/smoke"), "asked one by one, and once more"


@pytest.mark.usefixtures("blank_figures")
def test_of_many_verdicts_the_rates_come_first(tmp_path: Path, page: Callable[..., str]) -> None:
    """Beyond forty verdicts they are folded under the rates; every one of them is still in the page."""
    few, many = (Strict(page(saved(tmp_path / str(num), [job(0.1 * k) for k in range(1, num + 1)]))) for num in (2, 5))
    assert few.words.index("The start guesses uniformly") < few.words.index("How often each claim holds")
    folds = [attributes for attributes in many.all("details") if attributes.get("class") == "verdicts"]
    assert len(folds) == 1 and not [a for a in few.all("details") if a.get("class") == "verdicts"]
    num = len(read(tmp_path / "5").verdicts)
    assert num > 40 and f"Each of the {num} verdicts, job by job" in many.words
    assert many.words.index("How often each claim holds") < many.words.index(f"Each of the {num} verdicts")
    assert sum(a.get("data-label") == "measured" for a in many.all("td")) == num


def test_a_failed_job_is_told_and_the_rest_is_shown(tmp_path: Path, page: Callable[..., str]) -> None:
    """A failed job and one without a result are named; the finished one is drawn."""
    folder = saved(tmp_path / "s", [job(0.1), replace(job(0.2), status="failed", error="Traceback\nValueError: boom")])
    (folder / "sweep.json").write_text('{"jobs": [{"key": "job0"}, {"key": "job1"}, {"key": "job2"}]}')
    figure = read(folder).figure
    assert figure is not None and figure.get_supxlabel().startswith("1 of 3 jobs: ")
    parsed = Strict(page(folder))
    assert "Left out: job job1 failed: ValueError: boom" in parsed.words
    assert "Left out: job job2 left no result" in parsed.words
    assert len(parsed.all("img")) == 1


def test_a_figure_that_fails_costs_only_itself(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    """The page is written with the fault in it, and the command says so with status 1."""
    folder = saved(tmp_path / "s", [job(0.1)])

    def broken(results: list[Result]) -> list[Verdict]:
        raise ZeroDivisionError("no judge <today>")

    monkeypatch.setattr(sweep_figure, "judge", broken)
    assert main([str(folder)]) == 1
    assert "ZeroDivisionError: no judge <today>" in capsys.readouterr().err
    assert "ZeroDivisionError: no judge <today>" in Strict((folder / "report.html").read_text()).words
