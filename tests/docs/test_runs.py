"""README and every page run: block after block in a folder of its own, as its reader would type them.

Python is run as it stands. A command that trains is run with the caps of ``SMALL`` in front of it, and reads digits
where it asks for a download. ``COMPOSED`` and ``PARSED``, in ``typed.py``, say which commands are not run, and why.
What a page prints below a snippet must be what it prints, up to what another machine changes in the numbers.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from matplotlib.figure import Figure
from torch import nn

from landscape.figure import style

from .pages import PAGES, WRITTEN, blocks, files_of_all_pages
from .typed import CAPS, COMPOSED, PARSED, REFUSED, Reader, like, unlike


@pytest.fixture
def reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[[str], Reader]:
    """A folder to type in, found by imports; pictures of commands are laid out and not rendered."""
    save = style.save

    def saved(figure: Figure, folder: Path, name: str = "figure") -> Path:
        figure.savefig = lambda target, **_: target.write(b"blank")  # type: ignore[method-assign, misc]
        return save(figure, folder, name)

    monkeypatch.setattr(style, "save", saved)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in files_of_all_pages():
        monkeypatch.delitem(sys.modules, Path(name).stem, raising=False)
    torch.manual_seed(0)
    return lambda page: Reader(page, tmp_path, capfd)


def a_net(read: Reader) -> None:
    """What README's three lines and the start page take as given."""
    x, y = torch.randn(40, 4), torch.arange(40) % 3
    before, after = nn.Linear(4, 3), nn.Linear(4, 3)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=8)
    given = {"net": after, "before": before, "after": after, "loader": loader, "loss_fn": nn.CrossEntropyLoss()}
    read.names.update(given)


def files_of_the_quick_start(read: Reader) -> None:
    """Directions, and a checkpoint per epoch, of the net that commands take where they name none."""
    from landscape.model import MLP

    (read.folder / "ckpts").mkdir()
    for width, name in ((100, "ckpts/epoch_{}.pt"), (CAPS["width"], "d{}.pt")):
        net = MLP(inputs=64, classes=10, widths=[width, width], activation=nn.ReLU())
        for k in range(4):
            for weight in net.parameters():
                nn.init.normal_(weight, std=0.1)
            torch.save(net.state_dict(), read.folder / name.format(k))


def two_checkpoints(read: Reader) -> None:
    """Of the net of modules.md."""
    made: dict[str, Any] = {}
    exec(files_of_all_pages()["my_package.py"], made)
    for name in ("a", "b"):
        torch.save(made["MyNet"](hidden=64).state_dict(), read.folder / f"{name}.pt")


BEFORE: dict[str, Callable[[Reader], None]] = {
    "README.md": a_net,
    "docs/README.md": a_net,
    "docs/surfaces.md": files_of_the_quick_start,
    "docs/pca.md": files_of_the_quick_start,
    "docs/symmetry.md": two_checkpoints,
}


def one(metric: str, curve: Any) -> float:
    """A number of a curve of one line."""
    return float(curve.summary()[metric][0])


def the_library(read: Reader) -> None:
    assert read.names["curves"]["valid"].num_examples == 397 and read.names["surface"].objective.shape == (13, 13, 1)
    assert "lowest J" in read.told and "largest residual" in read.told and "a and b hold the same" in read.told


def the_surfaces(read: Reader) -> None:
    assert read.names["surface"].objective.shape == (3, 4, 1) and len(read.names["run"].path["first"]) == 9
    assert (read.folder / "run.html").stat().st_size > 1_000_000


def the_curves(read: Reader) -> None:
    assert one("end_barrier", read.names["on_curve"]) < 0.3 * one("end_barrier", read.names["on_line"])


def the_tolerance(read: Reader) -> None:
    assert 0 < read.names["bound"].max() <= 1e-3 * 1.25  # of a drop of 1.24
    assert read.names["curve"].noise["passes"][0] < 30 and read.names["surface"].noise["bound"].max() > 0


def the_axes(read: Reader) -> None:
    assert "Principal axes of a run about their mean: 40 points" in read.told


def the_symmetries(read: Reader) -> None:
    assert read.names["near"].difference <= 1e-12
    assert 4 * one("chord_barrier", read.names["curve"]) < read.names["before"]
    assert "{'0': 8}" in read.told and "inner=36" in read.told and "{'channels': 8, 'units': 10}" in read.told


def the_curvature(read: Reader) -> None:
    assert "largest λ_max" in read.told and read.names["curve"].num_examples == 500


def the_data(read: Reader) -> None:
    results = [json.loads(file.read_text()) for file in (read.folder / "outputs").glob("*/*/*/result.json")]
    assert any("test is valid, since none was given" in result["versions"].get("data", "") for result in results)


def the_tutorial(read: Reader) -> None:
    """The table of verdicts is that of the command above it."""
    page = (Path(__file__).parents[2] / read.page).read_text("utf-8")
    rows = [[cell.strip() for cell in row.split(" | ")] for row in re.findall(r"^\| (1\w \| .*) \|$", page, re.M)]
    (sweep,) = (read.folder / "outputs" / "tutorial").glob("*/sweep.json")
    found = {(v["check"], v["subject"].split(", ")[1]): v for v in json.loads(sweep.read_text())["verdicts"]}
    assert len(rows) == len(found) == 6
    for check, split, claim, measured, expected, holds in rows:
        verdict = found[check, split]
        assert (claim, holds) == (verdict["claim"], "yes" if verdict["holds"] else "NO")
        assert expected.replace("\\|", "|") == verdict["expected"] and like(measured, verdict["measured"]), verdict


AFTER: dict[str, Callable[[Reader], None]] = {
    "docs/library.md": the_library,
    "docs/surfaces.md": the_surfaces,
    "docs/curves.md": the_curves,
    "docs/tolerance.md": the_tolerance,
    "docs/pca.md": the_axes,
    "docs/symmetry.md": the_symmetries,
    "docs/curvature.md": the_curvature,
    "docs/data.md": the_data,
    "docs/tutorial.md": the_tutorial,
}

QUICK = ("README.md", "docs/README.md", "docs/library.md")
"""Their Python runs with every test: it is what a newcomer types first."""


@pytest.mark.parametrize("page", QUICK)
def test_the_first_snippets_run(page: str, reader: Callable[[str], Reader]) -> None:
    read = reader(page)
    BEFORE.get(page, lambda _: None)(read)
    read.read(("python",))
    AFTER.get(page, lambda _: None)(read)


ALL = [page for page in WRITTEN if any(b.language == "python" or b.commands for b in blocks(page))]


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in ALL if page not in QUICK])
def test_a_page_runs(page: str, reader: Callable[[str], Reader]) -> None:
    read = reader(page)
    read.folder.joinpath("outputs").mkdir(exist_ok=True)
    BEFORE.get(page, lambda _: None)(read)
    read.read(("python", "sh"))
    AFTER.get(page, lambda _: None)(read)


def test_what_is_not_run_is_there() -> None:
    """No reason for a command that no page has any more."""
    commands = [command for page in PAGES for block in blocks(page) for command in block.commands]
    assert not [part for part in (*COMPOSED, *PARSED, *REFUSED) if not any(part in command for command in commands)]


def test_likeness_sees_what_differs() -> None:
    assert like("rise 0.052 of 1,000, NO", "rise  0.0519 of 1,000, NO") and like("floor 2e-07", "floor 4e-07")
    assert not like("rise 0.052", "fall 0.052") and not like("J 2.30", "J 1.30") and not like("a", "")
    assert unlike("b 1\nc 2", "a\nb 1.01\nx\nc 2") == "" and unlike("c 2\nb 1", "b 1\nc 2") == "b 1"
