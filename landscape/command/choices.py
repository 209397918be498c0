"""What ``--help`` lists: the groups of the config by what they decide, and the experiments by what they show."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from textwrap import fill

from omegaconf import OmegaConf

from landscape.ground.progress import WIDTH

THEMES = {
    "what is trained": (
        *("recipe", "model", "data", "cost", "optimizer"),
        *("training/lr_schedule", "training/momentum_schedule"),
    ),
    "where J is looked at": ("endpoints", "path", "alphas"),
    "what is measured": ("measurement",),
    "how it runs": ("limits", "compute", "tracker"),
}
SILENT = ("schema", "default")
"""Names in a group that nobody chooses."""
KINDS = {
    "fig": "figures of the paper",
    "thm": "what is proven, beside what is measured",
    "ext": "beyond the paper",
    "": "others",
}


def make_known(folders: Sequence[Path]) -> None:
    """Let the text of ``--help`` name what is in these config folders; safe to call again."""
    for name, listed in (("group_list", group_list), ("experiment_list", experiment_list)):
        OmegaConf.register_new_resolver(name, _over(listed, folders), replace=True)


def _over(listed: Callable[[Sequence[Path]], str], folders: Sequence[Path]) -> Callable[[], str]:
    return lambda: listed(folders)


def group_list(folders: Sequence[Path]) -> str:
    """Every group of these folders with its options, under what it decides; groups of somebody's own last."""
    files = [file.relative_to(place) for place in folders for file in sorted(place.rglob("*.yaml"))]
    found: dict[str, dict[str, None]] = {}
    for file in files:
        if len(file.parts) > 1 and file.parts[0] not in ("experiment", "hydra") and file.stem not in SILENT:
            found.setdefault(file.parent.as_posix(), {})[file.stem] = None
    # Every endpoints has a grid of its name.
    found["alphas"] = {name: None for name in found.get("alphas", {}) if name not in found.get("endpoints", {})}
    known = [group for groups in THEMES.values() for group in groups]
    themes = {**THEMES, "others": tuple(group for group in found if group not in known)}
    lines = []
    for theme, groups in themes.items():
        if any(found.get(group) for group in groups):
            lines.append(f"  {theme}")
            lines += [_item(f"{group}=", ", ".join(found[group]), 14) for group in groups if found.get(group)]
    return "\n".join(lines)


def experiment_list(folders: Sequence[Path]) -> str:
    """A line or two per experiment, by kind: its name and what the first comment line of its yaml says."""
    files = {file.stem: file for place in folders for file in sorted((place / "experiment").glob("*.yaml"))}
    lines = []
    for kind, about in KINDS.items():
        own = [name for name in sorted(files) if name.startswith(kind) and (kind or name[:3] not in KINDS)]
        lines += [f"  {about}"] * bool(own) + [_item(name, _says(files[name]), 27) for name in own]
    return "\n".join(lines)


def _says(file: Path) -> str:
    comments = [line.lstrip("# ") for line in _lines(file) if line.startswith("#")]
    line = next((line for line in comments if line and not line.startswith("@package")), "")
    return re.sub(r"(?<=[.?!]) [^.?!]*$", "", line)  # without a sentence that goes on in the next line


def _lines(file: Path) -> Iterable[str]:
    try:
        return file.read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return []


def _item(word: str, said: str, indent: int) -> str:
    """A word, and behind it what is said, which goes on below itself; below the word where that is long."""
    room = " " * (indent + 4)
    head = f"    {word:<{indent}}"
    if len(word) >= indent:
        return f"    {word}\n" + fill(said, WIDTH, initial_indent=room, subsequent_indent=room, break_on_hyphens=False)
    return fill(said, WIDTH, initial_indent=head, subsequent_indent=room, break_on_hyphens=False)
