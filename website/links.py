"""Links of the repository's pages, which code hosts follow from file to file, as links between pages of the site."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
OUTSIDE = {
    "benchmarks/README.md": "outside/benchmarks.md",
    "CONTRIBUTING.md": "outside/contributing.md",
    "CHANGELOG.md": "outside/changelog.md",
    "CITATION.cff": "outside/citation.md",
    "LICENSE": "outside/license.md",
}
"""Files that stand outside ``docs/`` and have a page in the site, where they are there."""
TITLES = {
    "CONTRIBUTING.md": "Contributing",
    "CHANGELOG.md": "Changelog",
    "CITATION.cff": "Citation",
    "LICENSE": "Licence",
}
"""What the navigation calls those of them that it lists together."""
INSTEAD = {"README.md": "README.md", ".": "README.md", "docs": "README.md", "outputs/README.md": "outputs.md"}
"""Files and folders for which a page of ``docs/`` stands in the site."""
_CODE = re.compile(r"(^[ \t]*```.*?^[ \t]*```|`[^`\n]*`)", re.MULTILINE | re.DOTALL)
_TARGET = re.compile(r"(?<=\]\()([^)\s]+)(?=(?:\s+\"[^\"]*\")?\))")
_ELSEWHERE = re.compile(r"[a-zA-Z][a-zA-Z+.-]*:|#|/")


def targets(markdown: str) -> Iterator[str]:
    """What the links and pictures of a page point at, without those to other sites and within the page."""
    for piece in _CODE.split(markdown)[::2]:
        yield from (found for found in _TARGET.findall(piece) if not _ELSEWHERE.match(found))


def rewritten(markdown: str, origin: str, address: str, place: Callable[[str], str | None]) -> str:
    """The page with every link that the site places elsewhere.

    Args:
        markdown: the page. origin: the file that it is, below the repository.
        address: where it stands in the site, below ``docs``.
        place: (file or folder below the repository) -> where the site has it, with an anchor where it needs one; None
            leaves the link as it is, and MkDocs refuses it if it is dead.
    """

    def one(found: re.Match[str]) -> str:
        path, sign, fragment = found[0].partition("#")
        if _ELSEWHERE.match(found[0]):
            return found[0]
        placed = place(os.path.normpath(os.path.join(os.path.dirname(origin), path)))
        if placed is None:
            return found[0]
        page, _, anchor = placed.partition("#")
        relative = os.path.relpath(page, os.path.dirname(address) or ".")
        return relative + (sign + fragment or (f"#{anchor}" if anchor else ""))

    pieces = _CODE.split(markdown)
    return "".join(piece if k % 2 else _TARGET.sub(one, piece) for k, piece in enumerate(pieces))


_WORDS = re.compile(r"\[[\w./-]+\.md\]\(([^)\s#]+\.md)(#[^)\s]*)?\)")


def titled(markdown: str, address: str, title: Callable[[str], str | None]) -> str:
    """The page with ``[noise.md](noise.md)``, as a code host shows it best, by the title of that page.

    Args:
        markdown: the page. address: where it stands in the site.
        title: (address) -> the title of the page there, or None.
    """

    def one(found: re.Match[str]) -> str:
        words = title(os.path.normpath(os.path.join(os.path.dirname(address), found[1])))
        return f"[{words}]({found[1]}{found[2] or ''})" if words else found[0]

    return _WORDS.sub(one, markdown)


def place(path: str, known: Callable[[str], bool]) -> str | None:
    """Where the site has a file or folder of the repository.

    Args:
        path: below the repository.
        known: whether the site has a page or file at an address.
    """
    for one in (path, f"{path}/README.md"):
        if one in INSTEAD or one in OUTSIDE:
            return (INSTEAD | OUTSIDE)[one]
    if path.split("/")[0] == "conf":
        return _config(path)
    if path.startswith("docs/"):
        inside = path.removeprefix("docs/").replace(".ipynb", ".md")
        return next((one for one in (inside, f"{inside}/README.md", f"{inside}/index.md") if known(one)), None)
    return None


def _config(path: str) -> str:
    """``conf/model/maxout.yaml``: its heading on the page of its group."""
    from website.groups import CONF, Choice, address, anchor

    parts = Path(path).parts[1:]
    if not parts or parts == ("config.yaml",):
        return "reference/config/index.md"
    if path.endswith(".yaml"):
        choice = Choice(CONF.joinpath(*parts))
        return f"{address(choice.group)}#{anchor(choice)}"
    return address("/".join(parts))
