"""The comment that opens a yaml of ``conf/``, as Markdown."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SAID = r"\+?[a-z][a-z_]*(?:\.\w+)*=[^\s;:)`]*[^\s;:)`.,]"
_COMMAND = re.compile(rf"python -m \w+(?: {_SAID})*|pip install '[^']*'|'{_SAID}'|{_SAID}(?: {_SAID})*")
_NAME = re.compile(r"(?<![\w./-])[a-z]\w*(?:\.\w+)*(?:_\w+)(?:\.\w+)*(?![\w/])|(?<![\w/])landscape(?:\.\w+)+")
_CODE = re.compile(rf"`[^`]*`|(?<![\w`.])(?:{_COMMAND.pattern})|{_NAME.pattern}")
_SPECIAL = re.compile(r"([\\*_<])")
_SENTENCE = re.compile(r"(?<!et al)[.?](?=\s+(?:[A-Z`\"]|python)|$)")
_OPENS = re.compile(r"[A-Z`\"]|python -m")
PACKAGE = "# @package"
WIDTH = 119
"""Columns of a full line: what ends before, though the next word had fitted, ends a paragraph."""


@dataclass(frozen=True)
class Head:
    """What a yaml says of itself before its first key."""

    lines: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Head:
        """The comments on top; the line that is Hydra's is none of them."""
        lines = []
        for line in text.splitlines():
            if not line.startswith("#"):
                break
            if not line.startswith(PACKAGE):
                lines.append(line.removeprefix("#").strip())
        return cls(tuple(lines))

    @property
    def title(self) -> str:
        """The first sentence without its full stop: ``Figure 5: maxout, between two solutions, and ...``."""
        text = " ".join(self.lines)
        end = _SENTENCE.search(text)
        return text[: end.end()].removesuffix(".") if end else text

    def paragraphs(self, with_title: bool = False) -> list[str]:
        """What follows the title, or all, with an empty line after each paragraph."""
        parts: list[str] = []
        last = ""
        for line in self.lines:
            has_room = len(last) + len(line.partition(" ")[0]) + 6 <= WIDTH
            is_new = (
                not parts or line.startswith(("Expect:", "python -m")) or (has_room and _OPENS.match(line) is not None)
            )
            parts[len(parts) - (not is_new) :] = [line if is_new else f"{parts[-1]} {line}"]
            last = line
        if parts and not with_title:
            parts[0] = parts[0][len(self.title) :].lstrip(". ")
        return [line for part in parts if part for line in (prose(part), "")]


def prose(comment: str) -> str:
    """A comment as Markdown: commands, keys and names as code, all else as it stands."""
    parts, end = [], 0
    for found in _CODE.finditer(comment):
        code = found[0].strip("`").removeprefix("'").removesuffix("'") if found[0][0] in "`'" else found[0]
        parts += [_SPECIAL.sub(r"\\\1", comment[end : found.start()]), f"`{code}`"]
        end = found.end()
    return "".join([*parts, _SPECIAL.sub(r"\\\1", comment[end:])])
