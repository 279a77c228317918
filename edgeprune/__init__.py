"""Makes trained networks fit microcontrollers: prune, quantise, compile to C, TFLite and ONNX.

>>> import edgeprune
>>> built = edgeprune.build(budget="64KB", out="build")  # doctest: +SKIP
>>> built.report["size"]["flash_bytes"] <= 65536  # doctest: +SKIP
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from edgeprune.api import build, verify_folder
    from edgeprune.frontends import load
    from edgeprune.pruning.analyze import analyze
    from edgeprune.pruning.compensate import compensate
    from edgeprune.pruning.finetune import finetune
    from edgeprune.pruning.lossless import fold
    from edgeprune.pruning.search import prune
    from edgeprune.pruning.subnet import extract
    from edgeprune.pruning.sweep import sweep

# The public names and where they live; imported when they are first used, so that
# ``import edgeprune`` stays quick.
_PUBLIC = {
    "build": "edgeprune.api",
    "verify_folder": "edgeprune.api",
    "load": "edgeprune.frontends",
    "prune": "edgeprune.pruning.search",
    "compensate": "edgeprune.pruning.compensate",
    "finetune": "edgeprune.pruning.finetune",
    "fold": "edgeprune.pruning.lossless",
    "analyze": "edgeprune.pruning.analyze",
    "extract": "edgeprune.pruning.subnet",
    "sweep": "edgeprune.pruning.sweep",
}

__all__ = [
    "__version__",
    "analyze",
    "build",
    "compensate",
    "extract",
    "finetune",
    "fold",
    "load",
    "prune",
    "sweep",
    "verify_folder",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name in _PUBLIC:
        from importlib import import_module

        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'edgeprune' has no attribute {name!r}")
