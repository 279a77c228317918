"""The generated C as a Python module, built with cffi: the device's answers on a computer."""

from __future__ import annotations

from edgeprune.emit.packages.facts import Facts, Files, parts
from edgeprune.emit.packages.render import package


def python(files: Files, facts: Facts) -> dict[str, bytes]:
    """The module, what builds it, and its test."""
    c = parts(files, facts)
    templates = {
        f"{facts.name}.py": "python/module.py",
        f"build_{facts.name}.py": "python/build.py",
        f"test_{facts.name}.py": "python/test.py",
    }
    sources = tuple(s for s in c.all_sources if not s.endswith(".S"))
    places = {"c": (*sources, *c.all_headers)}
    dtypes = [facts.record["interface"][k][0]["dtype"] for k in ("inputs", "outputs")]
    return package("python", files, facts, places, templates, c_sources=sources, dtypes=dtypes)
