"""Runs a built folder on an emulated core, or on a board, and compares it with this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.ir import Array
from edgeprune.pipeline.output import replace_file
from edgeprune.pipeline.verify import stored_vectors
from edgeprune.progress import Progress, silent
from edgeprune.report.page import page_of
from edgeprune.report.read import read_report
from edgeprune.report.schema import Measured, Report
from edgeprune.target import Target, list_targets, load_target
from edgeprune.toolchain.cmodel import read_model
from edgeprune.toolchain.size import measure
from edgeprune.verify import run_serial, run_target
from edgeprune.verify.agreement import differing
from edgeprune.verify.run_c import HostModel

CORE = "cortex-m4"  # where what a folder was built for is not emulated


def run_folder(
    folder: Path,
    target_name: str | None = None,
    *,
    count: int = 100,
    profile: bool = False,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Run the firmware of a folder on a core or board, compare every output with the host's.

    Args:
        folder: what a build wrote.
        target_name: an emulated target; or ``serial:`` and the device of a board's serial line, or
            ``probe``, whose figures are put into the folder's report. None: what it was built for,
            and a Cortex-M4 where that is not emulated.
        count: number of inferences; the stored inputs are repeated where there are fewer.
        profile: also count by layer, in the emulator.
        progress: told how far a board is.

    Returns:
        Cycles, instructions, stack, sections, mismatches, and the layers where asked for.

    Raises:
        EdgePruneError: a tool is missing, or the folder is no result of a build.
        FirmwareError: the firmware failed.
    """
    if count < 1:
        raise EdgePruneError("--count", f"{count} inferences cannot be run")
    if target_name is None:
        target_name = _own(str(read_report(folder)["target"]["name"]))
    is_board = run_serial.is_board(target_name)
    if is_board and profile:
        raise EdgePruneError("--profile", "layers are told apart in the emulator only")
    if target_name in ("", run_serial.PREFIX, f"{run_serial.PROBE}:"):
        hint = f"its serial line: --on {run_serial.PREFIX}/dev/ttyACM0; or --on {run_serial.PROBE}"
        raise EdgePruneError("--on", f"{target_name!r} names no board", hint)
    core = None if is_board else load_target(target_name, "--on")
    progress(f"run on {target_name}", 0, 0)
    report = read_report(folder)
    vectors = stored_vectors(folder, report)
    inputs = np.resize(vectors["inputs"], (count, *vectors["inputs"].shape[1:]))
    c_dir = folder / "c"
    if not c_dir.is_dir():
        raise EdgePruneError(str(c_dir), "is not there", "build again with c among --emit")
    with HostModel(c_dir) as host:
        expected = host.run(inputs)
    if core is None:
        return _on_board(folder, target_name, inputs, expected, report, progress)
    return _on_core(c_dir, core, inputs, expected, report, profile)


def _own(name: str) -> str:
    """The target of a report that runs here; one of the list, as reports are somebody else's."""
    return name if name in list_targets() and load_target(name).emulator else CORE


def _on_core(
    c_dir: Path,
    target: Target,
    inputs: Array,
    expected: Array,
    report: Report,
    profile: bool,
) -> dict[str, Any]:
    optimize = report["target"]["optimize"]
    found = run_target.run(c_dir, target, inputs, optimize=optimize, profile=profile)
    wrong = differing(found.outputs, expected)
    size = measure(c_dir, target, optimize=optimize)
    macs = report["after"]["macs"]
    record: dict[str, Any] = {
        "target": target.name,
        "machine": found.machine,
        "emulator": found.emulator,
        "measured_on": None,
        "toolchain": found.toolchain,
        "inferences": len(inputs),
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
        "built_for": report["target"]["name"],
        "note": about_kernels(str(report["target"]["name"]), target),
    }
    if profile and found.profile is not None:
        macs_of = {row["name"]: row["macs"] for row in report["layers"]}
        record["layers"] = profile_rows(found, macs_of)
    if (model := read_model(c_dir).fed) is not None:
        rows = run_target.run(c_dir, target, inputs, optimize=optimize, fed=True)
        more = differing(rows.outputs, expected)
        record["row_by_row"] = {
            "target_vs_host_mismatches": more,
            "instructions": rows.instructions,
            "arena_bytes": model.arena_bytes,
        }
        record["target_vs_host_mismatches"] += more
    return record


def about_kernels(built_for: str, target: Target) -> str | None:
    """What to say where the C has the kernels of another core than it runs on; None: nothing.

    Args:
        built_for: the target of the folder's report, listed or not.
        target: where it runs.
    """
    if built_for in (target.name, target.core):
        return None
    if built_for in list_targets() and load_target(built_for).kernels == target.kernels:
        return None
    return (
        f"the C has the kernels of {built_for}, for which it was built, and may be much slower "
        f"than a build for {target.name}: edgeprune build --target {target.name}"
    )


def _on_board(
    folder: Path,
    where: str,
    inputs: Array,
    expected: Array,
    report: Report,
    progress: Progress,
) -> dict[str, Any]:
    """Run it on a board; the report then says what was measured there."""
    found = run_serial.run(folder / "c", where, inputs, progress=progress)
    wrong = differing(found.outputs, expected)
    measured: Measured = {
        "cycles": found.cycles,
        "cycles_error": None if found.cycles is None else 0.0,
        "clock_hz": found.clock_hz,
        "ms": found.ms,
        "stack_bytes": found.stack_bytes,
        "measured_on": where,
    }
    before = report["run"]
    report["run"] = {**before, **measured}
    if before["measured_on"] is None:
        report["run"]["modelled"] = {
            "cycles": before["cycles"],
            "cycles_error": before["cycles_error"],
            "clock_hz": before["clock_hz"],
            "ms": before["ms"],
            "stack_bytes": before["stack_bytes"],
            "measured_on": None,
        }
    report["agreement"]["target_vs_host_mismatches"] = wrong
    page = page_of(report, str(folder / "report.json"))
    replace_file(folder, "report.json", json.dumps(report, indent=1, allow_nan=False) + "\n")
    replace_file(folder, "report.html", page)
    return {
        "target": report["target"]["name"],
        **measured,
        "inferences": len(inputs),
        "outputs_compared": int(found.outputs.size),
        "target_vs_host_mismatches": wrong,
        "resets": found.resets,
    }


def profile_rows(found: run_target.TargetRun, macs: Mapping[str, int]) -> list[dict[str, Any]]:
    """What layers take in an inference; one row for all turns of a loop.

    Args:
        found: a run that told the layers apart.
        macs: by layer.
    """
    assert found.profile is not None
    runs = len(found.profile.inferences)
    total = found.profile.total.instructions or 1
    rows = []
    for index, counts in sorted(found.profile.by_layer.items()):
        names = found.layers.get(index, ["(entry)"])
        n = counts.instructions / runs
        work = sum(macs.get(name, 0) for name in names)
        rows.append(
            {
                "name": names[0] + (f" x{len(names)}" if len(names) > 1 else ""),
                "macs": work,
                "instructions": n,
                "loads": counts.loads / runs,
                "cycles": None if found.cycles is None else round(counts.cycles / runs),
                "flash_stalls": round(counts.stalls / counts.cycles, 4) if counts.cycles else None,
                "instructions_per_mac": round(n / work, 4) if work else None,
                "share": round(counts.instructions / total, 4),
            }
        )
    return rows
