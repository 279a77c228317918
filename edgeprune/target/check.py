"""Profiles that cannot be."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edgeprune.errors import EdgePruneError
from edgeprune.target.facts import Target

_FQBN = re.compile(r"[\w.-]+:[\w.-]+:[\w.-]+(:[\w.,=-]+)?")


def check(where: str, target: Target) -> None:
    """Refuse sizes that cannot be, and facts without a source."""
    positive = {"clock_hz": target.clock_hz, "flash_bytes": target.flash_bytes}
    positive["ram_bytes"] = target.ram_bytes
    for key, value in positive.items():
        if value is not None and value <= 0:
            raise EdgePruneError(f"{where}: {key}", f"must be positive, is {value}")
    for key, limit in (("flash", target.flash_limit), ("ram", target.ram_limit)):
        reserved = getattr(target, f"reserved_{key}_bytes")
        if reserved < 0:
            raise EdgePruneError(f"{where}: reserved_{key}_bytes", f"is negative: {reserved}")
        if limit is not None and limit <= 0:
            whole = getattr(target, f"{key}_bytes")
            what = f"reserves {reserved} of {whole} bytes: nothing is left for a model"
            raise EdgePruneError(f"{where}: reserved_{key}_bytes", what)
    if target.kind == "board" and (target.flash_bytes is None or target.ram_bytes is None):
        hint = "add them, as the data sheet says"
        raise EdgePruneError(where, "a board needs flash_bytes and ram_bytes", hint)
    if target.arduino and not _FQBN.fullmatch(target.arduino):
        what = f"is no name of a board: {target.arduino!r}"
        raise EdgePruneError(f"{where}: arduino", what, "such as arduino:avr:uno")
    if target.kind in ("core", "board") and target.toolchain is None:
        raise EdgePruneError(where, "needs a [toolchain], or a core that has one")
    if target.toolchain and target.fpu == "none" and _told_of_fpu(target.toolchain.flags):
        what = f"is 'none', and the compiler is told of one: {' '.join(target.toolchain.flags)}"
        raise EdgePruneError(f"{where}: fpu", what, "its flags want -mfloat-abi=soft, and no -mfpu")
    if target.kernels[-1:] != ("portable",):
        raise EdgePruneError(f"{where}: kernels", "must end with 'portable'")


def _told_of_fpu(flags: Sequence[str]) -> bool:
    """Whether flags of gcc for Arm let it use an FPU, or pass floats in its registers."""
    abi = [f for f in flags if f.startswith("-mfloat-abi=")][-1:]
    if abi == ["-mfloat-abi=soft"]:
        return False
    return abi == ["-mfloat-abi=hard"] or any(f.startswith("-mfpu=") for f in flags)
