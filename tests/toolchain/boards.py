"""Boards for tests: emulated cores behind a pty, with a line that can be disturbed."""

from __future__ import annotations

import os
import select
import subprocess
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from edgeprune.target import load_target
from edgeprune.toolchain.cmodel import read_model
from edgeprune.toolchain.firmware import Firmware, build_serial

Disturb = Callable[[bytes, "Board"], bytes]
"""What becomes of bytes on their way; it may also do something to the board."""

MACHINES = {"nucleo-f446re": ("qemu-system-arm", "netduinoplus2", 1)}
"""Boards whose own firmware a machine of another part runs: program, -M, which serial port."""


def untouched(data: bytes, board: Board) -> bytes:
    return data


class Board:
    """An emulator between whose serial port and ours a thread carries bytes.

    Attributes:
        device: what `serial:` names.
        upwards: whether the bytes that are under way come from the board.
    """

    def __init__(self, firmware: Firmware, disturb: Disturb = untouched) -> None:
        self.disturb = disturb
        self.upwards = False
        self.ours, ours = os.openpty()
        self.theirs, theirs = os.openpty()
        for end in (self.ours, ours, self.theirs, theirs):
            tty.setraw(end)
        self.device = os.ttyname(ours)
        self.process = subprocess.Popen(
            command(firmware, os.ttyname(theirs)),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.open = [self.ours, ours, self.theirs, theirs]
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._carry, daemon=True)
        self.thread.start()

    def say(self, to_monitor: str) -> None:
        """A command of QEMU's monitor: system_reset, stop, quit."""
        assert self.process.stdin is not None
        self.process.stdin.write(to_monitor.encode() + b"\n")
        self.process.stdin.flush()

    def unplug(self) -> None:
        """The line is gone, in the middle of whatever happens on it."""
        self.over.set()
        os.close(self.ours)
        self.open.remove(self.ours)

    def close(self) -> None:
        self.over.set()
        self.thread.join()
        self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()
        for end in self.open:
            os.close(end)

    def _carry(self) -> None:
        ways = {self.ours: self.theirs, self.theirs: self.ours}
        while not self.over.is_set():
            for end in select.select(list(ways), [], [], 0.05)[0]:
                self.upwards = end == self.theirs
                data = self.disturb(os.read(end, 256), self)
                while data and not self.over.is_set():
                    if select.select([], [ways[end]], [], 0.05)[1]:
                        data = data[os.write(ways[end], data[:64]) :]


def command(firmware: Firmware, device: str) -> list[str]:
    target = load_target(firmware.target.name)
    assert target.emulator is not None
    program, machine, ports = MACHINES.get(
        target.name, (target.emulator.program, target.emulator.machine, 0)
    )
    line = [program, "-M", machine, "-display", "none", "-monitor", "stdio"]
    line += [*target.emulator.arguments, "-chardev", f"serial,id=line,path={device}"]
    line += ["-serial", "null"] * ports + ["-serial", "chardev:line"]
    return [*line, "-bios" if "avr" in program else "-kernel", str(firmware.elf)]


@contextmanager
def plugged_in(firmware: Firmware, disturb: Disturb = untouched) -> Iterator[Board]:
    """A board that runs a firmware."""
    board = Board(firmware, disturb)
    try:
        yield board
    finally:
        board.close()


def of(folder: Path, core: str) -> Firmware:
    """The self-test of a folder of C."""
    return build_serial(read_model(folder), load_target(core))
