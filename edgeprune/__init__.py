"""Makes trained networks fit microcontrollers: prune, quantise, compile to C, TFLite and ONNX.

>>> import edgeprune
>>> built = edgeprune.build(budget="64KB", out="build")  # doctest: +SKIP
>>> built.report["size"]["flash_bytes"] <= 65536  # doctest: +SKIP
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgeprune.errors import CannotFitError, EdgePruneError

__version__ = "0.1.0"

if TYPE_CHECKING:
    from edgeprune.api.building import build, fit
    from edgeprune.api.exploring import analyze, explore, extract, sweep
    from edgeprune.api.folders import compare, flash, log, report_folder, run, verify_folder
    from edgeprune.frontends import load
    from edgeprune.pruning.compensate import compensate
    from edgeprune.pruning.finetune import finetune
    from edgeprune.pruning.lossless import fold
    from edgeprune.pruning.search import prune

# The public names and where they live; imported when they are first used, so that
# ``import edgeprune`` stays quick.
_PUBLIC = {
    "analyze": "edgeprune.api.exploring",
    "build": "edgeprune.api.building",
    "compare": "edgeprune.api.folders",
    "compensate": "edgeprune.pruning.compensate",
    "explore": "edgeprune.api.exploring",
    "extract": "edgeprune.api.exploring",
    "finetune": "edgeprune.pruning.finetune",
    "fit": "edgeprune.api.building",
    "flash": "edgeprune.api.folders",
    "fold": "edgeprune.pruning.lossless",
    "load": "edgeprune.frontends",
    "log": "edgeprune.api.folders",
    "prune": "edgeprune.pruning.search",
    "report_folder": "edgeprune.api.folders",
    "run": "edgeprune.api.folders",
    "sweep": "edgeprune.api.exploring",
    "verify_folder": "edgeprune.api.folders",
}

__all__ = [
    "CannotFitError",
    "EdgePruneError",
    "__version__",
    "analyze",
    "build",
    "compare",
    "compensate",
    "explore",
    "extract",
    "finetune",
    "fit",
    "flash",
    "fold",
    "load",
    "log",
    "prune",
    "report_folder",
    "run",
    "sweep",
    "verify_folder",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used; its arguments are checked at this door."""
    if name in _PUBLIC:
        from importlib import import_module

        from edgeprune.arguments import named

        found: Any = named(getattr(import_module(_PUBLIC[name]), name))
        found.__module__ = __name__  # where pickle finds it
        globals()[name] = found
        return found
    raise AttributeError(f"module 'edgeprune' has no attribute {name!r}")


def __dir__() -> list[str]:
    """All public names, also those that were not used yet: what a notebook completes."""
    return __all__
