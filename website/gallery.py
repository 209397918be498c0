"""The gallery: of every experiment its picture, command, claims and verdicts, read from what ``docs/results`` keeps."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from PIL import Image

from landscape.figure import naming
from landscape.figure.module import figure_of
from landscape.figure.publish import command_of, verdict_rows
from landscape.figure.redraw import job_folders
from landscape.result.saved import Result
from landscape.result.verdict import IDENTITIES, Verdict, counts
from website.remarks import Head

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
SCALES = ("full", "cpu", "reduced")
"""Highest first."""
KINDS = {"fig": "The paper's figures", "ext": "Extensions", "thm": "Theorems", "quickstart": "Quick start"}
"""The parts of the gallery in their order, by how the names of their experiments begin."""
SPELLED = {"relu": "ReLU", "conv": "convolutional", "mpdbm": "MP-DBM", "lstm": "LSTM", "mnist": "MNIST", "pca": "PCA"}
WORDS = {"fig": "Figure", "ext": "Extension", "thm": "Theorem"}
THUMBNAIL = 560
"""Pixels: twice the width of a card, for dense screens."""


@dataclass(frozen=True)
class Run:
    """One published page: the jobs in its folder and what they are judged to be."""

    folder: Path
    scale: str

    @cached_property
    def results(self) -> list[Result]:
        """The jobs, as their arrays were saved."""
        return [Result.load(folder) for folder in job_folders(self.folder)[0]]

    @cached_property
    def verdicts(self) -> list[Verdict]:
        """Judged now, from the arrays."""
        return list(figure_of(self.results).judge(self.results))

    @property
    def address(self) -> str:
        """The page of the run, below ``docs``."""
        return f"results/{self.folder.parent.name}/{self.scale}/README.md"

    @property
    def thumbnail(self) -> str:
        """The small picture, below ``docs``."""
        return f"gallery/small/{self.folder.parent.name}_{self.scale}.png"

    def told(self) -> str:
        """``14 hold, 4 do not hold``, without what there is none of."""
        found = counts(self.verdicts)
        words = {IDENTITIES: "identity"} if found[IDENTITIES] == 1 else {}
        return ", ".join(f"{num} {words.get(group, group)}" for group, num in found.items() if num)

    def picture(self) -> bytes:
        """The figure as small as a card of the gallery shows it."""
        with Image.open(self.folder / "figure.png") as image:
            small = image.convert("RGB")
            small.thumbnail((THUMBNAIL, 2 * THUMBNAIL), Image.Resampling.LANCZOS)
            written = io.BytesIO()
            small.quantize(128).save(written, "PNG", optimize=True)
        return written.getvalue()


@dataclass(frozen=True)
class Exhibit:
    """One experiment and its published runs, of the highest scale first; an experiment may have none yet."""

    name: str
    head: Head
    runs: tuple[Run, ...]

    @property
    def title(self) -> str:
        """``Figure 9: the two-weight linear net ...``"""
        return self.head.title or self.name

    @property
    def short(self) -> str:
        """``Figure 5, two solutions``, as the navigation has it."""
        found = re.fullmatch(r"(\D+)(\d+)_(.+)", self.name)
        if not found:
            return "Quick start"
        return f"{WORDS[found[1]]} {int(found[2])}, {' '.join(SPELLED.get(word, word) for word in found[3].split('_'))}"

    @property
    def kind(self) -> str:
        """Which part of the gallery it hangs in."""
        return next(words for prefix, words in KINDS.items() if self.name.startswith(prefix))


def exhibits() -> list[Exhibit]:
    """The thirteen figures, then extensions, theorems and the quick start."""
    yamls = {file.stem: file for file in (ROOT / "conf" / "experiment").glob("*.yaml")}
    yamls["quickstart"] = ROOT / "conf" / "config.yaml"
    known = [name for prefix in KINDS for name in sorted(yamls) if name.startswith(prefix)]
    return [Exhibit(name, Head.of(yamls[name].read_text(encoding="utf-8")), tuple(runs(name))) for name in known]


def runs(name: str) -> Iterator[Run]:
    """What is published of an experiment."""
    for scale in SCALES:
        if any((RESULTS / name / scale).glob("*/result.json")):
            yield Run(RESULTS / name / scale, scale)


def claims(verdicts: Sequence[Verdict]) -> list[str]:
    """A Markdown table, one row per claim: how many of its verdicts hold; by check, as the paper goes."""
    groups = [group for group, num in counts(verdicts).items() if num]
    rows = [f"| claim | | {' | '.join(groups)} |", "|---" * (2 + len(groups)) + "|"]
    for check, claim in sorted({(v.check, v.claim): None for v in verdicts}, key=lambda pair: by_number(pair[0])):
        found = counts([v for v in verdicts if (v.check, v.claim) == (check, claim)])
        cells = [check, claim.replace("|", "\\|"), *(str(found[group] or "") for group in groups)]
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def by_number(check: str) -> list[tuple[int, str]]:
    """Sorts ``ext2`` before ``ext10``."""
    return [(int(digits or 0), letters) for letters, digits in re.findall(r"(\D*)(\d*)", check)]


def page(exhibit: Exhibit) -> str:
    """The page of one experiment."""
    lines = [f"# {exhibit.title}", "", *exhibit.head.paragraphs(), ""]
    if exhibit.name != "quickstart":
        lines += [f"Its settings: [{exhibit.name}](../reference/config/experiment.md#{exhibit.name})."]
    if not exhibit.runs:
        lines += ["", "No run of it is published yet."]
    for run in exhibit.runs:
        lines += ["", *section(run)]
    lines += [
        "",
        "[What does not hold, and why](../results/README.md#what-does-not-hold-and-why-as-far-as-the-runs-show).",
    ]
    return "\n".join(lines) + "\n"


def section(run: Run) -> Iterator[str]:
    """What one run shows, at the scale that its heading says."""
    caps = naming.caps(run.results) if len(run.results) > 1 else naming.caps_of(run.results[0])
    yield f"## {run.scale.capitalize()} scale"
    yield ""
    if caps:
        yield f"Smaller than the experiment as it stands, in {'; '.join(f'`{cap}`' for cap in dict.fromkeys(caps))}."
        yield ""
    picture = f"../results/{run.folder.parent.name}/{run.scale}/figure.png"
    yield f"[![The figure at {run.scale} scale]({picture}){{ loading=lazy }}]({picture})"
    yield ""
    yield from ["```", *command_of(run.results).splitlines(), "```", ""]
    yield f"**Of {len(run.verdicts)} verdicts: {run.told()}.** Machine and seconds: [its page](../{run.address})."
    yield ""
    yield from claims(run.verdicts)
    yield ""
    yield f'??? note "Each of the {len(run.verdicts)} verdicts, as measured"'
    yield ""
    yield from (f"    {row}" for row in verdict_rows(run.verdicts))


def index(shown: Sequence[Exhibit]) -> str:
    """The page of small pictures."""
    lines = [
        "---",
        "hide: [toc]",
        "---",
        "",
        "# Gallery",
        "",
        "Every figure of the paper as we measured it, then what goes beyond the paper. Pictures, counts and commands",
        "are read from the [published runs](../results/README.md) when this site is built. *Full* is the paper's own",
        "size, or the experiment's where it is ours; *reduced* is smaller, and the page says in what. A claim is",
        "judged on each net, split and mode, so that one claim may have many verdicts; an *identity* is true by",
        "construction or by a theorem, and says nothing of the nets.",
    ]
    for kind in KINDS.values():
        here = [exhibit for exhibit in shown if exhibit.kind == kind]
        if here:
            lines += ["", f"## {kind}", "", '<div class="grid cards gallery" markdown>', ""]
            for exhibit in here:
                lines += card(exhibit)
            lines += ["</div>"]
    return "\n".join(lines) + "\n"


def card(exhibit: Exhibit) -> list[str]:
    """One card: picture, title, and what holds at each scale."""
    page = f"{exhibit.name}.md"
    lines = [f"-   **[{exhibit.title}]({page})**", ""]
    if exhibit.runs:
        small = exhibit.runs[0].thumbnail.removeprefix("gallery/")
        lines[:0] = [f"-   [![{exhibit.title}]({small}){{ loading=lazy }}]({page})", ""]
        lines[2] = f"    **[{exhibit.title}]({page})**"
    for run in exhibit.runs:
        lines += [f"    *{run.scale}*: {run.told()}", ""]
    if not exhibit.runs:
        lines += ["    *no published run yet*", ""]
    return lines
