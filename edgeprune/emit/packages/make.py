"""A folder with a Makefile."""

from __future__ import annotations

from edgeprune.emit.packages.facts import Facts, Files, parts
from edgeprune.emit.packages.render import package


def make(files: Files, facts: Facts) -> dict[str, bytes]:
    """Static library and self-test with GNU Make."""
    c = parts(files, facts)
    places = {"src": c.all_sources, "include": c.all_headers}
    templates = {"Makefile": "make/Makefile", "test/selftest_main.c": "selftest_main.c"}
    return package("make", files, facts, places, templates)
