"""An environment with what `pip install edgeprune` brings and nothing else.

The packages of this environment, less all that neither pyproject.toml nor what it names asks for:
importing one of those fails as if it were not installed.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]

HOOK = """\
import json, pathlib, sys
from importlib.machinery import PathFinder

absent = json.loads(pathlib.Path(__file__).with_name("absent.json").read_text())
modules, distributions = (frozenset(names) for names in absent)


class Declared(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        found = super().find_spec(name, path, target)
        vendored = found is not None and "thirdparty" in str(found.origin)
        if vendored or name.partition(".")[0] not in modules:
            return found  # what a package brings in a folder of its own is there
        return None

    @classmethod
    def find_distributions(cls, *context):
        found = PathFinder.find_distributions(*context)
        return (d for d in found if d.name.lower().replace("_", "-") not in distributions)


sys.meta_path[:] = [Declared if finder is PathFinder else finder for finder in sys.meta_path]
"""


def requirements(extras: Sequence[str]) -> list[str]:
    """What pyproject.toml asks for, with some of its extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    chosen = (project["optional-dependencies"][extra] for extra in extras)
    return [*project["dependencies"], *(r for rows in chosen for r in rows)]


def closure(wanted: Sequence[str]) -> frozenset[str]:
    """Distributions that these requirements bring, by their canonical names."""
    found: set[str] = set()
    todo = [Requirement(row) for row in wanted]
    done: set[tuple[str, frozenset[str]]] = set()
    while todo:
        row = todo.pop()
        name = canonicalize_name(row.name)
        if (name, frozenset(row.extras)) in done:
            continue
        done.add((name, frozenset(row.extras)))
        try:
            more = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # for another system
        found.add(name)
        for text in more:
            needed = Requirement(text)
            extras = ("", *row.extras)
            if needed.marker is None or any(needed.marker.evaluate({"extra": e}) for e in extras):
                todo.append(needed)
    return frozenset(found)


@cache
def absent(extras: tuple[str, ...] = ()) -> frozenset[str]:
    """Modules of this environment that the declared dependencies do not bring."""
    kept = closure(requirements(extras)) | {"edgeprune", "pip"}
    return frozenset(
        module
        for module, owners in metadata.packages_distributions().items()
        if not {canonicalize_name(owner) for owner in owners} & kept
    )


def environment(folder: Path, extras: tuple[str, ...] = ()) -> dict[str, str]:
    """Variables for a process that sees the declared dependencies only.

    Args:
        folder: an empty one that the process needs as long as it runs.
        extras: of pyproject.toml, that are installed too.
    """
    kept = closure(requirements(extras))
    others = {canonicalize_name(d.name) for d in metadata.distributions()} - kept - {"edgeprune"}
    names = [sorted(absent(extras)), sorted(others)]
    (folder / "absent.json").write_text(json.dumps(names))
    (folder / "sitecustomize.py").write_text(HOOK)
    path = [str(folder), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
