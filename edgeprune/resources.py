"""Finds the folders that travel with the package: the C runtime and the target profiles.

They lie beside the package in a checkout and inside it (``edgeprune/_data``) in an installed wheel.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


@cache
def _folder(name: str) -> Path:
    for parent in (PACKAGE / "_data", PACKAGE.parent):
        if (parent / name).is_dir():
            return parent / name
    raise AssertionError(f"the installation lacks its folder {name!r}")


def targets_dir() -> Path:
    """The folder with one sub-folder a target, and ``_firmware`` with what they share."""
    return _folder("targets")


def firmware_dir() -> Path:
    """Start-up code, linker scripts and the harness that runs a model on a core."""
    return targets_dir() / "_firmware"


def runtime_dir() -> Path:
    """The C runtime: ``include``, ``src`` and ``arch``."""
    return _folder("runtime_c")


def license_file() -> Path:
    """The licence of the package, and so of the C runtime that is copied out of it."""
    for parent in (PACKAGE / "_data", PACKAGE.parent):
        if (parent / "LICENSE").is_file():
            return parent / "LICENSE"
    raise AssertionError("the installation lacks its LICENSE")
