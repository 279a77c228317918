"""A CMake project: added as a folder, fetched, or installed and found."""

from __future__ import annotations

from edgeprune.emit.packages.facts import Facts, Files, parts
from edgeprune.emit.packages.render import package


def cmake(files: Files, facts: Facts) -> dict[str, bytes]:
    """Library target ``<name>::<name>``, its installation, and the self-test for CTest."""
    c = parts(files, facts)
    places = {"src": c.all_sources, "include": c.all_headers}
    templates = {
        "CMakeLists.txt": "cmake/CMakeLists.txt",
        "test/selftest_main.c": "selftest_main.c",
    }
    return package("cmake", files, facts, places, templates)
