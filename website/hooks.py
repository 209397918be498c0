"""What MkDocs calls: pages are generated, links placed, formulas set, and the built site is looked through."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

from website import face, formulas, gallery, groups, links, notebooks, offline

log = logging.getLogger("mkdocs.hooks.website")
HERE = Path(__file__).parent
ROOT = HERE.parent
ASSETS = ("site.css", "icon.svg", "iframe-worker.js")


def generated() -> Iterator[tuple[str, str | bytes]]:
    """(address below ``docs``, content) of every page and picture that is in no file."""
    shown = gallery.exhibits()
    yield "gallery/index.md", gallery.index(shown)
    for exhibit in shown:
        yield f"gallery/{exhibit.name}.md", gallery.page(exhibit)
        for run in exhibit.runs[:1]:
            yield run.thumbnail, run.picture()
    yield "reference/python.md", face.page()
    found = groups.groups()
    yield "reference/config/index.md", groups.index(found)
    for group, choices in found.items():
        if "/" not in group:
            nested = {inner: further for inner, further in found.items() if inner.startswith(f"{group}/")}
            yield groups.address(group), groups.page(group, choices, nested)
    books = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
    yield "notebooks/index.md", notebooks.index(books)
    for book in books:
        yield f"notebooks/{book.stem}.md", notebooks.page(book)
    for name in ASSETS:
        yield f"website/{name}", (HERE / name).read_text(encoding="utf-8")


def on_config(config: MkDocsConfig) -> None:
    """The navigation with every ``folder/*`` written out."""
    shown = gallery.exhibits()
    parts = {kind: [exhibit for exhibit in shown if exhibit.kind == kind] for kind in gallery.KINDS.values()}
    folders: dict[str, list[Any]] = {
        "gallery/*": [{kind: [{e.short: f"gallery/{e.name}.md"} for e in some]} for kind, some in parts.items()],
        "reference/config/*": [groups.address(group) for group in groups.groups() if "/" not in group],
        "outside/*": [{title: links.OUTSIDE[path]} for path, title in links.TITLES.items() if (ROOT / path).is_file()],
        "notebooks/*": [f"notebooks/{book.stem}.md" for book in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))],
        "results/*": [
            {kind: [{f"{e.short}: {run.scale}": run.address} for e in some for run in e.runs]}
            for kind, some in parts.items()
        ],
    }
    config.nav = _expanded(config.nav, folders)


def _expanded(nav: Any, folders: dict[str, list[Any]]) -> Any:
    if isinstance(nav, dict):
        return {title: _expanded(inner, folders) for title, inner in nav.items()}
    if isinstance(nav, list):
        return [
            item
            for entry in nav
            for item in folders.get(entry if isinstance(entry, str) else "", [_expanded(entry, folders)])
        ]
    return nav


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The files of ``docs/`` and, beside them, what is generated and what stands outside."""
    for address, content in generated():
        files.append(File.generated(config, address, content=content))
    for path, address in links.OUTSIDE.items():
        file = ROOT / path
        if file.is_file():
            text = file.read_text(encoding="utf-8")
            if file.suffix != ".md":
                text = f"# {file.name}\n\n```text\n{text}```\n"
            files.append(File.generated(config, address, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links that leave ``docs/`` stay in the site, and formulas need no script."""
    address = page.file.src_uri
    origins = {outside: path for path, outside in links.OUTSIDE.items()}
    origin = origins.get(address, "" if page.file.generated_by else f"docs/{address}")
    if address.startswith("notebooks/"):
        origin = f"docs/{address}"
    if address.startswith("results/") and address.count("/") > 1:
        page.meta.update(search={"exclude": True}, hide=["toc"])  # wide tables, which the gallery has too
    if origin:
        markdown = links.rewritten(markdown, origin, address, lambda path: links.place(path, known(files)))
    markdown = links.titled(markdown, address, titles(files))
    return formulas.as_mathml(markdown) if "$$" in markdown else markdown


def titles(files: Files) -> Any:
    """The first heading of the page at an address."""

    def title(address: str) -> str | None:
        file = files.get_file_from_path(address)
        lines = file.content_string.splitlines() if file is not None else []
        return next((line[2:].strip() for line in lines if line.startswith("# ")), None)

    return title


def known(files: Files) -> Any:
    """Whether the site has a file at an address."""
    return lambda address: (
        (file := files.get_file_from_path(address)) is not None and file.inclusion is not InclusionLevel.EXCLUDED
    )


def on_post_build(config: MkDocsConfig) -> None:
    """A warning, which a strict build fails by, for whatever a page would fetch from outside."""
    site = Path(config.site_dir)
    for file, address in offline.outside_loads(site):
        log.warning("%s loads %s: the site must work without the internet", file, address)
    log.info("%.1f MB in %s", offline.megabytes(site), site)
