"""Puts the self-test of a built folder onto a board, as whole firmware."""

from __future__ import annotations

import shlex
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeprune.emit.packages.sketch import sketch
from edgeprune.errors import EdgePruneError
from edgeprune.report.read import read_report
from edgeprune.report.schema import Report
from edgeprune.scratch import workspace
from edgeprune.target import Target, load_target
from edgeprune.toolchain.cmodel import CModel, read_model
from edgeprune.toolchain.compiler import Optimize, run_tool
from edgeprune.toolchain.emulator import FirmwareError
from edgeprune.toolchain.firmware import build_serial, model_id
from edgeprune.toolchain.flasher import (
    BUILD_SECONDS,
    FLASHERS,
    WRITE_SECONDS,
    chosen,
    filled_in,
    flasher_version,
)
from edgeprune.toolchain.process import run_limited


@dataclass(frozen=True)
class Plan:
    """Firmware that was built, and how it gets onto the board.

    Attributes:
        board: its profile.
        arguments: what is run.
        record: board, program, command and bytes of the firmware, for people and programs.
    """

    board: Target
    arguments: tuple[str, ...]
    record: dict[str, Any]


def flash_plan(
    folder: Path,
    board: str,
    *,
    port: str | None = None,
    tool: str | None = None,
    probe: bool = False,
) -> Plan:
    """Build the firmware; nothing is written to the board yet.

    Args:
        folder: what a build wrote.
        board: a board's name, or the path of its profile.
        port: its serial line, where the tool needs it.
        tool: the program that writes it; None: the first that is installed.
        probe: whether the self-test talks through a debug probe, not over the serial line.

    Raises:
        EdgePruneError: the folder is no build for this board, or a tool is missing.
        CannotFitError: it does not fit the board.
    """
    report = read_report(folder)
    target = load_target(board, "--board")
    _check_board(target, board, report)
    line = chosen(target, tool)
    model = read_model(folder / "c")
    values: dict[str, str | None] = {"port": port}
    built = Path(tempfile.mkdtemp(dir=workspace(), prefix="flash-"))
    filled_in(line, {"elf": "", "hex": "", "folder": "", **values}, f"target {target.name}")
    if target.serial is not None:
        values |= _linked(model, target, report["target"]["optimize"], built, probe=probe)
    elif probe:
        what = f"{target.name} is flashed with an Arduino core, which talks over its serial line"
        raise EdgePruneError("--probe", what, "leave it out, then --on serial:PORT")
    else:
        values |= _sketched(model, target, built)
    arguments = filled_in(line, values, f"target {target.name}")
    record = {
        "board": target.name,
        "tool": arguments[0],
        "command": shlex.join(arguments),
        "bytes": _bytes_of(Path(str(values["hex"]))),
    }
    return Plan(target, tuple(arguments), record)


def write_flash(plan: Plan) -> None:
    """Run what writes the firmware.

    Raises:
        FirmwareError: it failed; the text has its last lines.
    """
    status, text = run_limited(plan.arguments, plan.board.name, seconds=WRITE_SECONDS)
    if status != 0:
        last = "\n".join(text.strip().splitlines()[-10:])
        what = f"{plan.arguments[0]} ended with status {status}:\n{last}"
        raise FirmwareError(plan.board.name, what, "is the board plugged in?")


def _check_board(target: Target, board: str, report: Report) -> None:
    if target.kind != "board":
        hint = "`edgeprune targets` lists boards"
        raise EdgePruneError("--board", f"{target.name} is a {target.kind}, not a board", hint)
    built_for = str(report["target"]["name"])
    if built_for not in (target.name, target.core):
        what = f"the folder was built for {built_for}, {target.name} has a {target.core}"
        raise EdgePruneError("--board", what, f"build with --target {shlex.quote(board)}")


def _linked(
    model: CModel, target: Target, optimize: Optimize, built: Path, *, probe: bool
) -> dict[str, str]:
    """Firmware with start-up code and linker script of our own."""
    firmware = build_serial(model, target, optimize=optimize, probe=probe)
    elf, intel = built / f"{model.name}.elf", built / f"{model.name}.hex"
    shutil.copyfile(firmware.elf, elf)
    objcopy = firmware.compiler.tool("objcopy")
    run_tool([objcopy, "-O", "ihex", elf, intel], model.name, makes=intel)
    return {"elf": str(elf), "hex": str(intel), "folder": str(built)}


def _sketched(model: CModel, target: Target, built: Path) -> dict[str, str]:
    """Firmware with an Arduino core, built by arduino-cli."""
    where = f"target {target.name}"
    if flasher_version("arduino-cli") is None:
        hint = FLASHERS["arduino-cli"]
        raise EdgePruneError(where, "arduino-cli, which builds for it, is not installed", hint)
    place = built / "selftest"
    for path, content in sketch(model, model_id(model)).items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(content)
    out = built / "out"
    command = ["arduino-cli", "compile", "--fqbn", target.arduino, "--output-dir", str(out)]
    status, text = run_limited([*command, str(place)], target.name, seconds=BUILD_SECONDS)
    if status != 0:
        last = "\n".join(text.strip().splitlines()[-10:])
        raise EdgePruneError(where, f"arduino-cli cannot build the sketch:\n{last}")
    stem = str(out / "selftest.ino")
    return {"elf": f"{stem}.elf", "hex": f"{stem}.hex", "folder": str(out)}


def _bytes_of(intel: Path) -> int | None:
    """Bytes of code and data in an Intel HEX file; None where there is none."""
    if not intel.is_file():
        return None
    rows = intel.read_text("ascii", "replace").splitlines()
    return sum(int(row[1:3], 16) for row in rows if row[7:9] == "00")
