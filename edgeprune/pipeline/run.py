"""Runs a built folder on an emulated core and compares it with this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.pipeline.verify import stored_vectors
from edgeprune.report.schema import read_report
from edgeprune.target import load_target
from edgeprune.toolchain.size import measure
from edgeprune.verify import run_target
from edgeprune.verify.agreement import differing
from edgeprune.verify.run_c import HostModel


def run_folder(
    folder: Path, target_name: str, *, count: int = 100, profile: bool = False
) -> dict[str, Any]:
    """Build the firmware of a folder, run it on a core, compare every output with the host's.

    Args:
        folder: what a build wrote.
        target_name: an emulated target.
        count: number of inferences; the stored inputs are repeated where there are fewer.
        profile: also count by layer.

    Returns:
        Cycles, instructions, stack, sections, mismatches, and the layers where asked for.

    Raises:
        EdgePruneError: a tool is missing, or the folder is no result of a build.
        FirmwareError: the firmware failed.
    """
    if count < 1:
        raise EdgePruneError("--count", f"{count} inferences cannot be run")
    report = read_report(folder)
    vectors = stored_vectors(folder, report)
    target = load_target(target_name)
    inputs = np.resize(vectors["inputs"], (count, *vectors["inputs"].shape[1:]))
    optimize = report["target"].get("optimize", "speed")
    c_dir = folder / "c"
    if not c_dir.is_dir():
        raise EdgePruneError(str(c_dir), "is not there", "build again with c among --emit")
    with HostModel(c_dir) as host:
        expected = host.run(inputs)
    found = run_target.run(c_dir, target, inputs, optimize=optimize, profile=profile)
    wrong = differing(found.outputs, expected)
    size = measure(c_dir, target, optimize=optimize)
    macs = report["after"]["macs"]
    record: dict[str, Any] = {
        "target": target.name,
        "machine": found.machine,
        "emulator": found.emulator,
        "toolchain": found.toolchain,
        "inferences": count,
        **found.time,
        "outputs_compared": int(found.outputs.size),
        "target_vs_host_mismatches": wrong,
        "instructions": found.instructions,
        "instructions_min": found.instructions_min,
        "instructions_per_mac": round(found.instructions / macs, 4)
        if found.instructions is not None and macs
        else None,
        "loads": found.loads,
        "stack_bytes": found.stack_bytes,
        "sections": {
            "text": size.code_bytes,
            "rodata": size.rodata_bytes,
            "data": size.data_bytes,
            "bss": size.bss_bytes,
        },
        "flash_bytes": size.flash_bytes,
        "arena_bytes": size.arena_bytes,
    }
    if profile and found.profile is not None:
        record["layers"] = _layers(found, report)
    return record


def _layers(found: run_target.TargetRun, report: dict[str, Any]) -> list[dict[str, Any]]:
    assert found.profile is not None
    macs = {row["name"]: row["macs"] for row in report["layers"]}
    runs = len(found.profile.inferences)
    total = found.profile.total.instructions or 1
    rows = []
    for index, counts in sorted(found.profile.by_layer.items()):
        name = found.layer_names[index] if index >= 0 else "(entry)"
        n = counts.instructions / runs
        work = macs.get(name, 0)
        rows.append(
            {
                "name": name,
                "instructions": n,
                "loads": counts.loads / runs,
                "cycles": None if found.cycles is None else round(counts.cycles / runs),
                "flash_stalls": round(counts.stalls / counts.cycles, 4) if counts.cycles else None,
                "instructions_per_mac": round(n / work, 4) if work else None,
                "share": round(counts.instructions / total, 4),
            }
        )
    return rows
