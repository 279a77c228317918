"""A module for Zephyr, with Kconfig and a sample."""

from __future__ import annotations

from edgeprune.emit.packages.facts import Facts, Files, parts
from edgeprune.emit.packages.render import package


def zephyr(files: Files, facts: Facts) -> dict[str, bytes]:
    """The module, and a sample that runs the self-test."""
    c = parts(files, facts)
    sample = "samples/selftest"
    templates = {
        "zephyr/module.yml": "zephyr/module.yml",
        "zephyr/CMakeLists.txt": "zephyr/CMakeLists.txt",
        "zephyr/Kconfig": "zephyr/Kconfig",
        f"{sample}/CMakeLists.txt": "zephyr/sample_CMakeLists.txt",
        f"{sample}/prj.conf": "zephyr/prj.conf",
        f"{sample}/sample.yaml": "zephyr/sample.yaml",
        f"{sample}/src/main.c": "zephyr/main.c",
    }
    places = {"src": c.all_sources, "include": c.all_headers}
    return package("zephyr", files, facts, places, templates)
