"""The long description of the package: README.md as it can be read away from the repository."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

RELATIVE = re.compile(r"\[([^\]]+)\]\((?!\w+://)[^)\s]+\)")


class ReadmeHook(MetadataHookInterface):
    """Sets the readme: links into the checkout become their text."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in what pyproject.toml leaves dynamic."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": RELATIVE.sub(r"\1", text)}
