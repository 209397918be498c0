"""The reference of ``conf/``: every group, every choice, every key with what stands beside it, read from the yaml."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import griffe
import yaml

from website.keys import Key, keys_of, targets_of
from website.remarks import PACKAGE, Head, prose

ROOT = Path(__file__).parents[1]
CONF = ROOT / "conf"
ABOUT = {
    "model": "What is trained.",
    "data": "What it is trained on.",
    "cost": "What it is trained for: the cost per example, of which J is the mean.",
    "optimizer": "How one update follows from a gradient.",
    "training": "The trainer: seeds, epochs, schedules, early stopping, checkpoints.",
    "training/lr_schedule": "How the learning rate changes while a network trains.",
    "training/momentum_schedule": "How the momentum changes.",
    "recipe": "Model, data and cost with the numbers of their training. An experiment chooses one.",
    "endpoints": "Which two points of parameter space the path joins.",
    "path": "The line, the trained curve or the plane between or around them.",
    "alphas": "Where on the path to look.",
    "objective": "How J is evaluated over a whole split.",
    "measurement": "What is measured along the path.",
    "limits": "Caps that bring any experiment to a smaller scale.",
    "tracker": "Where numbers are logged besides the job's own folder.",
    "compute": "Where the jobs of a sweep run.",
    "experiment": "One figure each: a few lines of differences. Chosen with a plus: `+experiment=NAME`.",
}
"""The groups in the order of the sentence: trains, picks, lays, takes, draws."""


MISSING = "???"
_PAGES = re.compile(r"(?<![/\w])docs/(\w+)\.md")


@dataclass(frozen=True)
class Choice:
    """One yaml: ``group=name``."""

    file: Path

    @property
    def group(self) -> str:
        """``model``; of a group in a group ``training/lr_schedule``."""
        return self.file.parent.relative_to(CONF).as_posix()

    @property
    def name(self) -> str:
        """As it is chosen on the command line."""
        return self.file.stem

    @cached_property
    def text(self) -> str:
        """The file."""
        return self.file.read_text(encoding="utf-8")

    @property
    def head(self) -> Head:
        """The comment that it opens with."""
        return Head.of(self.text)

    @cached_property
    def content(self) -> dict[str, Any]:
        """The file as yaml, what its defaults say included under that name."""
        return yaml.safe_load(self.text) or {}

    @property
    def starts_from(self) -> list[str]:
        """Choices of the same group that it changes."""
        own = {file.stem for file in self.file.parent.glob("*.yaml")}
        return [item for item in self.content.get("defaults", ()) if isinstance(item, str) and item in own]

    @property
    def selects(self) -> list[tuple[str, str]]:
        """(group, choice) of other groups, in the order of the file."""
        chosen = [item for item in self.content.get("defaults", ()) if isinstance(item, dict)]
        pairs = [
            (str(key).removeprefix("override ").strip("/"), value) for item in chosen for key, value in item.items()
        ]
        return [(group, str(value)) for group, value in pairs if not group.startswith("hydra") and value is not None]

    def targets(self) -> Iterator[str]:
        """What its nodes make: classes and functions, outermost first."""
        yield from targets_of(self.content)

    def settings(self) -> list[Key]:
        """Its keys as they stand in the file, those of nested nodes by their dotted names."""
        return keys_of(self.text)


def groups() -> dict[str, list[Choice]]:
    """Every group of ``conf/`` with its choices; of Hydra's own, which only this project's root uses, none."""
    found: dict[str, list[Choice]] = {group: [] for group in ABOUT}
    for file in sorted(CONF.rglob("*.yaml")):
        choice = Choice(file)
        if choice.group not in (".", *(g for g in (choice.group,) if g.startswith("hydra"))):
            found.setdefault(choice.group, []).append(choice)
    return found


def address(group: str) -> str:
    """The page of a group, below ``docs``."""
    return f"reference/config/{group.partition('/')[0]}.md"


def anchor(choice: Choice) -> str:
    """Where on the page of its group a choice stands."""
    return choice.name if "/" not in choice.group else f"{choice.group.rpartition('/')[2]}-{choice.name}"


def _extensions() -> griffe.Extensions:
    return griffe.load_extensions("website.docstrings")


@cache
def _package() -> griffe.Object | griffe.Alias:
    """The package as griffe reads it, without importing it."""
    return griffe.load("landscape", search_paths=[ROOT], docstring_parser="google", extensions=_extensions())


def documented(target: str) -> tuple[str, dict[str, str]]:
    """The first paragraph of what a ``_target_`` says of itself, and its arguments; nothing of what is not ours."""
    if not target.startswith("landscape."):
        return "", {}
    found = _package()[target.removeprefix("landscape.")]
    said = found.docstring.parsed if found.docstring else []
    text = next((part.value for part in said if part.kind is griffe.DocstringSectionKind.text), "")
    arguments = {
        a.name: a.description for p in said if p.kind is griffe.DocstringSectionKind.parameters for a in p.value
    }
    return _plain(text.partition("\n\n")[0]), {name: _plain(words) for name, words in arguments.items()}


def _plain(text: str) -> str:
    """One line, in the words of yaml; shapes such as [N, 64] are no links."""
    text = re.sub(r"\b(None|True|False)\b", lambda found: {"None": "null"}.get(found[0], found[0].lower()), text)
    return " ".join(text.split()).replace("[", "\\[")


def page(group: str, choices: list[Choice], nested: dict[str, list[Choice]]) -> str:
    """The page of a group; groups inside it follow its own choices."""
    lines = [f"# {group}", "", ABOUT.get(group, ""), ""]
    if group != "experiment":
        lines += [f"`python -m landscape {group}=NAME`, with `NAME` one of the headings below.", ""]
    for choice in choices:
        lines += ["", *section(choice)]
    for inner, further in nested.items():
        lines += ["", f"## {inner.rpartition('/')[2]}", "", f"{ABOUT.get(inner, '')} `+{inner}=NAME` chooses one:"]
        for choice in further:
            lines += ["", *section(choice)]
    return (
        "\n".join(line if line.startswith("    ") else _PAGES.sub(r"[\1.md](../../\1.md)", line) for line in lines)
        + "\n"
    )


def section(choice: Choice) -> Iterator[str]:
    """All about one choice."""
    yield f"##{'#' * choice.group.count('/')} `{choice.name}` {{ #{anchor(choice)} data-toc-label='{choice.name}' }}"
    yield ""
    yield from choice.head.paragraphs(with_title=True)
    targets = list(dict.fromkeys(choice.targets()))
    for target in targets:
        text, _ = documented(target)
        yield f"Makes `{target}`: {text}" if text else f"Makes `{target}`."
        yield ""
    links = [f"[{base}](#{base})" for base in choice.starts_from]
    if links:
        yield f"As {', '.join(links)}, but for what stands here."
        yield ""
    chosen = [f"{group} {_link(group, name, choice)}" for group, name in choice.selects]
    if chosen:
        yield f"Selects {', '.join(chosen)}."
        yield ""
    keys = choice.settings() or _fields(targets)
    if keys:
        yield from table(keys, said_of(choice))
        yield ""
    yield f'??? abstract "conf/{choice.file.relative_to(CONF).as_posix()}"'
    yield ""
    yield "    ```yaml"
    yield from (f"    {line}".rstrip() for line in choice.text.splitlines())
    yield "    ```"


def said_of(choice: Choice) -> dict[str, str]:
    """What docstrings say of the keys that have no comment: of the constructor, or of the one that its base makes."""
    prefix = "" if PACKAGE not in choice.text else f"{choice.group}."
    bases = [Choice(choice.file.with_name(f"{base}.yaml")) for base in choice.starts_from]
    targets = [target for one in (choice, *bases) for target in one.targets()]
    said = {f"training.{name}": words for name, words in documented("landscape.training.Training")[1].items()}
    for target in reversed(targets):
        said |= {f"{prefix}{name}": words for name, words in documented(target)[1].items()}
    return said


def _fields(targets: list[str]) -> list[Key]:
    """The keys of a choice that leaves all to the schema, which is the dataclass that it makes."""
    own = [target for target in targets if target == "landscape.training.Training"]
    return [
        Key(str(field.name), {"None": "null", "True": "true", "False": "false"}.get(text, text.strip("\"'")), "")
        for target in own
        for field in _package()[target.removeprefix("landscape.")].parameters
        if field.name != "self" and (text := str(field.default))
    ]


def table(keys: list[Key], said: dict[str, str]) -> Iterator[str]:
    """Key, value and what it does: the comment beside it, else what the docstring says of the argument."""
    yield "| key | value | what it is |"
    yield "|---|---|---|"
    for key in keys:
        words = prose(key.comment) if key.comment else said.get(key.name, "")
        value = "*to be given*" if key.value == MISSING else f"`{key.value}`" if key.value else ""
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in (f"`{key.name}`", value, words)) + " |"


def _link(group: str, name: str, of: Choice) -> str:
    file = CONF / group / f"{name}.yaml"
    if not file.is_file():
        return f"`{name}`"
    place = f"#{anchor(Choice(file))}"
    return f"[{name}]({place if address(group) == address(of.group) else Path(address(group)).name + place})"


def index(found: dict[str, list[Choice]]) -> str:
    """The page of the root: its own keys, and every group with its choices."""
    root = Choice(CONF / "config.yaml")
    lines = [
        "# Config groups",
        "",
        "What a run is made of. `python -m landscape` composes one choice of each group; `group=choice` takes another,",
        "`group.key=value` changes a number, `a=1,2` sweeps. `--cfg job` prints what a command composes and runs",
        "nothing. All of this is read from the files in `conf/` when this site is built; every choice shows its file.",
        "",
        "| group | what it is | choices |",
        "|---|---|---|",
    ]
    defaults = dict(root.selects)
    for group, choices in found.items():
        own = Path(address(group)).name
        links = [
            f"**[{c.name}]({own}#{anchor(c)})**" if defaults.get(group) == c.name else f"[{c.name}]({own}#{anchor(c)})"
            for c in choices
        ]
        name = f"[{group}]({own})" if "/" not in group else f"[{group}]({own}#{group.rpartition('/')[2]})"
        lines.append(f"| {name} | {ABOUT.get(group, '')} | {', '.join(links)} |")
    lines += [
        "",
        "In bold what a run takes where nothing is chosen; `alphas` follows `endpoints`.",
        "",
        "## Keys of the root",
        "",
    ]
    lines += [
        *root.head.paragraphs(with_title=True),
        *table([k for k in root.settings() if not k.name.startswith("hydra")], {}),
    ]
    return "\n".join(lines) + "\n"
