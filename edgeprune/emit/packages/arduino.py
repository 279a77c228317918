"""An Arduino library, in the layout of the library specification 1.5."""

from __future__ import annotations

from edgeprune.emit.packages.facts import Facts, Files, parts
from edgeprune.emit.packages.render import package


def arduino(files: Files, facts: Facts) -> dict[str, bytes]:
    """The library with an example sketch that runs the self-test and one inference."""
    c = parts(files, facts)
    templates = {
        "library.properties": "arduino/library.properties",
        "keywords.txt": "arduino/keywords.txt",
        "examples/SelfTest/SelfTest.ino": "arduino/SelfTest.ino",
    }
    places = {"src": (*c.all_sources, *c.all_headers)}
    return package("arduino", files, facts, places, templates)
