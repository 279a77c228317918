"""Runs firmware in QEMU and tells every way in which it can go wrong."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from edgeprune.errors import EdgePruneError
from edgeprune.target import Emulator, Target
from edgeprune.toolchain.firmware import Firmware
from edgeprune.toolchain.process import limited, run_limited
from edgeprune.toolchain.uart import converse
from edgeprune.toolchain.watch import HungError, watched

_UART_PORT = "avr_uart.c"
_VERSION_SECONDS = 30
_DONE = re.compile(r"^DONE stack (\d+) inferences (\d+)$", re.MULTILINE)
_FAIL = re.compile(r"^FAIL (.*)$", re.MULTILINE)
_FAULT_ADDRESS = re.compile(r" at 0x([0-9a-f]{8})$")


class FirmwareError(EdgePruneError):
    """Firmware that locked up, faulted, hung, or wrote where it must not."""

    exit_status = 1


class EmulatorError(FirmwareError):
    """An emulator that ended, or hung, before the firmware said anything: its own fault, maybe."""


@dataclass(frozen=True)
class Outcome:
    """What a run of the harness reports."""

    stack_bytes: int  # the deepest that the model's stack got
    inferences: int


@cache
def emulator_version(program: str) -> str | None:
    """What reports say, "qemu 7.2.22"; None where the emulator is not installed."""
    if shutil.which(program) is None:
        return None
    try:
        _, text = run_limited([program, "--version"], program, seconds=_VERSION_SECONDS)
    except EdgePruneError:
        return None
    match = re.search(r"version (\d+(?:\.\d+)+)", text)
    return f"qemu {match.group(1)}" if match else None


def require_emulator(target: Target) -> Emulator:
    """The emulator of a target.

    Raises:
        EdgePruneError: the target has none, or it is not installed.
    """
    where = f"target {target.name}"
    if target.emulator is None:
        raise EdgePruneError(where, "is not emulated", "`edgeprune targets` lists those that are")
    if emulator_version(target.emulator.program) is None:
        hint = "`edgeprune doctor` says which package has it"
        raise EdgePruneError(where, f"{target.emulator.program} is not installed", hint)
    return target.emulator


def emulate(
    firmware: Firmware,
    folder: Path,
    inferences: int,
    arguments: Sequence[str],
    *,
    patience_s: float,
) -> Outcome:
    """Run a harness over ``input.bin`` of a folder; it leaves ``output.bin`` there.

    Args:
        firmware: what :func:`edgeprune.toolchain.firmware.build_harness` made.
        folder: where it runs.
        inferences: how many inputs there are.
        arguments: more arguments for the emulator.
        patience_s: an inference that takes longer counts as hung.

    Raises:
        FirmwareError: the firmware failed; the text says how and, for a fault, in which function.
        EdgePruneError: the emulator is missing.
    """
    target = firmware.target
    emulator = require_emulator(target)
    command = [emulator.program]
    if emulator.machine:
        command += ["-M", emulator.machine, "-display", "none", "-monitor", "none"]
    command += [*emulator.arguments, *arguments]
    where = f"{target.name} in {emulator.program}"
    try:
        if target.toolchain is not None and _UART_PORT in target.toolchain.port:
            uart = ["-chardev", "stdio,id=uart,signal=off", "-serial", "chardev:uart"]
            command += [*uart, "-bios", str(firmware.elf)]
            log, status = converse(command, folder, inferences, patience_s=patience_s)
        elif not emulator.machine:
            log, status = _run([*command, str(firmware.elf)], folder, patience_s)
        else:
            command += ["-serial", "none", "-semihosting-config", "enable=on,target=native"]
            log, status = _run([*command, "-kernel", str(firmware.elf)], folder, patience_s)
    except HungError as error:
        what = f"the firmware hangs: no output for {patience_s:g} s"
        output = folder / "output.bin"
        began = output.exists() and output.stat().st_size > 0
        raise (FirmwareError if began else EmulatorError)(where, what) from error
    return _judge(firmware, where, log, status)


def _run(command: list[str], folder: Path, patience_s: float) -> tuple[str, int]:
    process = subprocess.Popen(
        limited(command),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    with watched(process, folder / "output.bin", patience_s=patience_s):
        log, _ = process.communicate()
    return log.decode("utf-8", "replace"), process.returncode


def _judge(firmware: Firmware, where: str, log: str, status: int) -> Outcome:
    if "Lockup" in log:
        raise FirmwareError(where, "the core locked up: a fault that its fault handler ran into")
    if failed := _FAIL.search(log):
        raise FirmwareError(where, _with_function(firmware, failed.group(1)))
    done = _DONE.search(log)
    if status != 0 or done is None:
        last = "\n".join(log.strip().splitlines()[-5:])
        raise EmulatorError(where, f"the emulator ended with status {status}:\n{last}")
    return Outcome(int(done.group(1)), int(done.group(2)))


def _with_function(firmware: Firmware, text: str) -> str:
    match = _FAULT_ADDRESS.search(text)
    name = firmware.function_at(int(match.group(1), 16)) if match else ""
    return f"{text}, in {name}" if name else text
