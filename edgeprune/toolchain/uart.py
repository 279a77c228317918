"""Talks with a harness over the emulated serial port, where there is no semihosting.

``targets/_firmware/avr_uart.c`` is the other end and describes the frames.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from edgeprune.toolchain.process import limited
from edgeprune.toolchain.watch import watched

LEAD = b"\0\0\0\x55"
"""Before the inputs, up to the mark: the emulator hands a byte over as soon as the receiver is on,
and firmware that then opens the line throws it away."""
_END_SECONDS = 10.0  # for the emulator to write its counts and go


def converse(
    command: list[str], folder: Path, inferences: int, *, patience_s: float
) -> tuple[str, int]:
    """Run an emulator whose serial port is its standard input and output.

    Args:
        command: the emulator.
        folder: holds ``input.bin``; gets ``output.bin``.
        inferences: how many inputs there are.
        patience_s: it is killed when an inference takes longer.

    Returns:
        What firmware and emulator logged, and the firmware's exit status.

    Raises:
        HungError: it was killed.
    """
    serial, stderr = folder / "serial.bin", folder / "stderr.txt"
    inputs = (folder / "input.bin").read_bytes()
    serial.write_bytes(LEAD + inferences.to_bytes(4, "little") + inputs)
    with serial.open("rb") as to, stderr.open("wb") as errors:
        process = subprocess.Popen(
            limited(command),
            cwd=folder,
            stdin=to,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    with watched(process, folder / "output.bin", patience_s=patience_s):
        log, status = _receive(process, folder)
        _end(process)
    return log + stderr.read_text(errors="replace"), status


def _receive(process: subprocess.Popen[bytes], folder: Path) -> tuple[str, int]:
    log: list[bytes] = []
    assert process.stdout is not None
    with (folder / "output.bin").open("wb", buffering=0) as output, process.stdout as stream:
        for kind, data in _frames(stream):
            if kind == b"X":
                return b"".join(log).decode("utf-8", "replace"), data[0]
            if kind == b"O":
                output.write(data)
            else:
                log.append(data)
    return b"".join(log).decode("utf-8", "replace"), 1


def _frames(stream: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    while len(head := stream.read(3)) == 3:
        yield head[:1], stream.read(int.from_bytes(head[1:], "little"))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Firmware cannot switch the machine off: ask the emulator to write its counts and go."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_END_SECONDS)
