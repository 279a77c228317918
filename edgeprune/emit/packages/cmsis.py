"""A CMSIS-Pack, unpacked: its description and its files, and a layer for csolution projects."""

from __future__ import annotations

from edgeprune.emit.packages.facts import Facts, Files, parts
from edgeprune.emit.packages.render import package


def cmsis(files: Files, facts: Facts) -> dict[str, bytes]:
    """``edgeprune.<name>.pdsc`` with two components: the model and its self-test."""
    c = parts(files, facts)
    templates = {
        f"edgeprune.{facts.name}.pdsc": "cmsis/pdsc",
        f"{facts.name}.clayer.yml": "cmsis/clayer.yml",
    }
    places = {"src": c.all_sources, "include": c.all_headers}
    return package("cmsis", files, facts, places, templates)
