"""A PlatformIO library, for every framework and platform."""

from __future__ import annotations

from edgeprune.emit.packages.facts import Facts, Files, parts
from edgeprune.emit.packages.render import package


def platformio(files: Files, facts: Facts) -> dict[str, bytes]:
    """The library with a project that runs the self-test on the computer and on a board."""
    c = parts(files, facts)
    templates = {
        "library.json": "platformio/library.json",
        "examples/selftest/platformio.ini": "platformio/platformio.ini",
        "examples/selftest/src/main.c": "selftest_main.c",
    }
    places = {"src": c.all_sources, "include": c.all_headers}
    return package("platformio", files, facts, places, templates)
