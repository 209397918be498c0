"""What hatchling asks while it builds: the README as a package index can show it, without docs/ and pictures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

RELATIVE = r"\((?![a-z]+://|mailto:|#)[^)]*\)"
PICTURE = re.compile(rf"!\[[^]]*]{RELATIVE}\n*")
LINK = re.compile(rf"\[([^]]*)]{RELATIVE}")
END = "\n*The pages and pictures that are named here are in the source distribution, under `docs/`.*\n"


class Readme(MetadataHookInterface):
    """``readme``, which pyproject.toml says is dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Leave out pictures of this folder, and keep the words of links into it."""
        text = (Path(self.root) / "README.md").read_text("utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": LINK.sub(r"\1", PICTURE.sub("", text)) + END}
