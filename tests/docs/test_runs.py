"""README and every page run: block after block in a folder of its own, as its reader would type them.

Python is run as it stands. A command that trains is run with the caps of ``SMALL`` in front of it, and reads digits
where it asks for a download. ``COMPOSED`` and ``PARSED`` say which commands are not run, and why. What a page prints
below a snippet must be what the snippet prints, up to what another machine changes in the numbers.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from glob import glob
from importlib import import_module
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.figure import Figure
from torch import nn

from landscape.figure import style
from tests.cli.conftest import status_of

from .pages import PAGES, WRITTEN, Block, blocks, files_of_all_pages

CAPS = {"epochs": 2, "examples": 100, "measured_examples": 40, "alphas": 5, "width": 40}
SMALL = ["limits=smoke", *(f"limits.{cap}={value}" for cap, value in CAPS.items())]
ONCE = "hydra.mode=RUN"
"""One job of a command that is no sweep: the same job in the same folder, composed a third as often."""

COMPOSED = {
    "compute=joblib": "processes that each import torch; tests/command/launch and tests/cli/test_shards.py start them",
    "compute=ray": "needs Ray; make test-ray runs it",
    "compute=slurm": "needs SLURM; make test-slurm runs it",
    "tracker.mode=online": "needs an account; tests/tracker has a server that stands in for it",
    "training.batch_size=50 training.max_epochs=30": "the tutorial's five seeds; its other command is run whole",
    "recipe=maxout training.num_seeds=3": "its neighbour is the same with two other nets",
    "ext07_conditioning": "tests/cli/test_experiments.py runs it, and every experiment, at smoke scale",
    "measurement=curvature": "its page's Python takes them; tests/measurement/test_curvature.py the rest",
    "path=linear,bezier,polygon": "docs/command.md has a Bézier curve; tests/cli/test_curves.py both",
    "path=bezier,polygon": "likewise",
    "align=null,weights,activations,random": "docs/command.md has weights; tests/command/test_alignment.py all",
    "alphas=adaptive limits=reduced": "tests/cli/test_next_commands.py runs it small",
}
"""Read and composed, every job's config whole; a part of the command, and why no more than that."""

PARSED = {
    "landscape.paper": "all thirteen experiments; tests/cli/test_paper.py runs it",
    "hydra/sweeper=optuna": "needs a plugin of Hydra's that is no dependency",
    "make ": "tests/docs/test_pages.py knows its targets; CI runs them",
    "pip ": "tests/docs/test_pages.py knows the extras",
    "wandb ": "needs an account or a terminal; tests/tracker runs leet and sync",
    "ls -d": "a pipe into wandb",
    " DIR": "stands for a folder of the reader's",
    "outputs/a outputs/b": "stand for folders of the reader's",
    "--wandb": "needs W&B runs of a real sweep; tests/report/test_wandb_report.py makes one",
    "data=...": "stands for data of the reader's",
    "landscape.collect": "draws what has been drawn; tests/command/collect runs it",
    "--help": "tests/cli/test_command_line.py reads it",
}
"""Not run at all; a part of the command, and why."""

WHOLE = ("name=tutorial", "objective.memory=90KiB")
"""Run without caps: the page has its numbers."""

REFUSED = ("objective.memory=90KiB",)
"""The page shows how it is refused: status 2."""


def bare(command: str) -> str:
    """Without what is said about it."""
    return shlex.join(shlex.split(command, comments=True))


FIRST = {bare(command): page for page in reversed(PAGES) for block in blocks(page) for command in block.commands}
"""Which page has it first: there it is run, and not again."""


@dataclass
class Reader:
    """Somebody who types a page, in one folder."""

    page: str
    folder: Path
    capfd: pytest.CaptureFixture[str]
    names: dict[str, Any] = field(default_factory=dict)
    printed: str = ""
    told: str = ""
    """What the last snippet has printed, and what all have."""

    def read(self, languages: tuple[str, ...]) -> None:
        own = {block.file: block.text for block in blocks(self.page) if block.file}
        for name, text in {**files_of_all_pages(), **own}.items():
            place = self.folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        for block in blocks(self.page):
            if block.file or (block.language not in languages and block.language != "text"):
                continue
            where = f"{block.page}:{block.line}"
            if block.language == "python":
                self.printed = self.run(block)
                self.told += self.printed
            elif block.language == "text" and "$ " not in block.text and self.printed:
                assert not unlike(block.text, self.printed), f"{where}: {unlike(block.text, self.printed)}"
            if "sh" in languages:
                for command in block.commands:
                    if FIRST[bare(command)] == self.page:
                        self.type(command, where)

    def run(self, block: Block) -> str:
        self.capfd.readouterr()
        exec(compile("\n" * (block.line - 1) + block.text, block.page, "exec"), self.names)
        plt.close("all")
        return self.capfd.readouterr().out

    def type(self, command: str, where: str) -> None:
        words = shlex.split(command, comments=True)
        if words[0] == "landscape" or any(part in command.partition(" #")[0] for part in PARSED):
            return
        program, arguments = words[2], words[3:]
        status = 0
        if program == "landscape":
            composed = any(part in command for part in COMPOSED)
            caps = () if any(part in command for part in WHOLE) else SMALL
            status = status_of(*caps, *settings(arguments, composed))
            for scale in self.folder.glob("outputs/*/smoke"):  # the page calls this full
                if not scale.with_name("full").exists():
                    scale.with_name("full").symlink_to(scale)
        else:
            arguments = [path for word in arguments for path in (sorted(glob(word)) if "*" in word else [word])]
            main: Callable[..., int | None] = import_module(f"{program}.__main__").main
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(sys, "argv", [program, *arguments])
                try:
                    status = int(main() or 0)
                except SystemExit as stop:
                    status = int(stop.code or 0)
        told = "".join(self.capfd.readouterr())
        assert status == (2 if any(part in command for part in REFUSED) else 0), f"{where}: {command}\n{told}"
        assert "Traceback" not in told, f"{where}: {command}\n{told}"


def settings(arguments: list[str], composed: bool) -> list[str]:
    """The command's own, without W&B and forecast; what it would download is digits."""
    asks = " ".join(arguments)
    ours = [pair for pair in ("tracker=none", "forecast=off") if pair.partition("=")[0] not in asks]
    if re.search(r"experiment=fig0[1-7]|data=mnist", asks):
        arguments = [*(word for word in arguments if word != "data=mnist"), "data=digits"]
    sweeps = re.search(r"=[^\[{(\s]*,|experiment=|shards=|forecast=only|--", asks)
    if composed:  # of a sweep the first job
        return [*ours, *(re.sub(r"^([^=\[({]+=[^\[({,]*),.*", r"\1", word) for word in arguments), "--cfg", "job"]
    return [*ours, *([] if sweeps else [ONCE]), *arguments]


NUMBER = re.compile(r"(?<![\w.])-?\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.]\d)")


def unlike(told: str, printed: str) -> str:
    """The first line of the page that the output does not have, in this order; numbers may differ as machines do."""
    rest = iter(printed.splitlines())
    for line in told.rstrip().splitlines():
        if not any(like(line, other) for other in rest):
            return line
    return ""


def like(line: str, other: str) -> bool:
    """The same words; numbers to 15 %, or to a hundredth; of rounding, below 1e-5, nothing but that it is so small."""
    if " ".join(NUMBER.sub("#", line).split()) != " ".join(NUMBER.sub("#", other).split()):
        return False
    pairs = zip(NUMBER.findall(line), NUMBER.findall(other), strict=True)
    return all(
        abs(a - b) <= max(0.15 * abs(a), 0.01) or max(abs(a), abs(b)) < 1e-5
        for a, b in ((float(x.replace(",", "")), float(y.replace(",", ""))) for x, y in pairs)
    )


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
