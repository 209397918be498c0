"""Somebody who types a page, block after block, and which commands they leave out."""

from __future__ import annotations

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

from tests.cli.conftest import status_of

from .pages import PAGES, Block, blocks, files_of_all_pages

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
