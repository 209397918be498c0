"""A notebook as a page: its text, its code and what the code gave."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_EMPTY = re.compile(r"^\s*\n", re.MULTILINE)


def page(file: Path) -> str:
    """The notebook in Markdown, with its pictures inside."""
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    lines = [line for cell in cells for line in (*_cell(cell), "")]
    where = f"This page is the notebook `docs/notebooks/{file.name}` with what it gave when it last ran."
    title = next(k for k, line in enumerate(lines) if line.startswith("# "))
    return "\n".join([*lines[: title + 1], "", f"*{where}*", *lines[title + 1 :]]) + "\n"


def index(files: list[Path]) -> str:
    """The list of notebooks."""
    links = [f"- [{title(file)}]({file.stem}.md)" for file in files]
    return "\n".join(["# Notebooks", "", *links]) + "\n"


def title(file: Path) -> str:
    """Its first heading."""
    return next(line[2:] for line in page(file).splitlines() if line.startswith("# "))


def _cell(cell: dict[str, Any]) -> Iterator[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
        return
    yield from ["```python", source, "```", ""]
    for output in cell.get("outputs", ()):
        yield from _output(output)
        yield ""


def _output(output: dict[str, Any]) -> Iterator[str]:
    data = output.get("data", {})
    if "image/png" in data:
        said = "".join(data.get("text/plain", "")).strip("<>").split(" at 0x")[0]
        yield f'<img src="data:image/png;base64,{"".join(data["image/png"]).strip()}" alt="{said}">'
    elif "text/html" in data:
        html = "".join(data["text/html"])
        yield f"<div>{_EMPTY.sub('', html)}</div>"  # an empty line would end the block
    else:
        yield from ["```text", "".join(output.get("text") or data.get("text/plain", "")).rstrip("\n"), "```"]
