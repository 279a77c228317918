"""Disturbs the serial line of emulated boards: each fault ends in a message or in right answers.

``python -m tests.campaign.serial_line 100 0`` injects 100 faults, seed 0, over all cores.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import cache

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.toolchain import line
from edgeprune.toolchain.firmware import Firmware
from edgeprune.verify.run_serial import run
from tests.toolchain.boards import Board, of, plugged_in
from tests.toolchain.tiny import TINY, expected

CORES = ("cortex-m0plus", "cortex-m4", "cortex-m7", "cortex-m55", "rv32imc", "avr")
FAULTS = (
    "lost", "burst", "flipped", "added", "doubled", "reset", "pause", "silence", "unplugged",
    "noise", "foreign", "echo", "deaf", "mute", "cut", "slow",
)  # fmt: skip
INPUTS = 6
OUTPUT_BYTES = 4
BYTES = INPUTS * (16 + OUTPUT_BYTES + 12 + 2 * 15)  # about what a run moves
PAUSE_S = 0.8
SLOW_S = 0.002  # a byte


class Fault:
    """One fault, when so many bytes have passed."""

    def __init__(self, kind: str, at: int, rng: random.Random) -> None:
        self.kind, self.at, self.rng = kind, at, rng
        self.passed = 0

    def __call__(self, data: bytes, board: Board) -> bytes:
        """What becomes of these bytes."""
        here = self.at - self.passed
        self.passed += len(data)
        if here < 0:
            return self._afterwards(data, board)
        if here >= len(data):
            return data
        before, byte, after = data[:here], data[here], data[here + 1 :]
        match self.kind:
            case "lost":
                return before + after
            case "burst":
                return before + after[self.rng.randrange(40) :]
            case "flipped":
                return before + bytes([byte ^ 1 << self.rng.randrange(8)]) + after
            case "added":
                return before + self.rng.randbytes(3) + data[here:]
            case "doubled":
                return data + data
            case "noise":
                return before + bytes(self.rng.choices((0xC0, 0xDB, 0, 0x4F), k=400)) + data[here:]
            case "foreign":
                return before + self._foreign() + data[here:]
            case "cut":
                return before
            case "reset":
                board.say("system_reset")
            case "pause":
                board.say("stop")
                time.sleep(PAUSE_S)
                board.say("cont")
            case "silence":
                board.say("stop")
            case "unplugged":
                board.unplug()
        return data

    def _afterwards(self, data: bytes, board: Board) -> bytes:
        """The same for what comes behind it."""
        if self.kind in ("deaf", "mute") and board.upwards == (self.kind == "mute"):
            return b""
        if self.kind == "echo" and not board.upwards:
            os.write(board.ours, data)
        if self.kind == "slow":
            time.sleep(SLOW_S * len(data))
        return data

    def _foreign(self) -> bytes:
        """A whole frame of another firmware, or of another session."""
        kind, session = self.rng.choice((b"H", b"O", b"F", b"N")), self.rng.getrandbits(32)
        body = self.rng.randbytes(line._COST.size + OUTPUT_BYTES)
        return line.frame(kind, session, self.rng.randrange(INPUTS + 1), body)


@cache
def firmware(core: str) -> Firmware:
    """The self-test, for a core."""
    return of(TINY, core)


def inject(core: str, kind: str, rng: random.Random) -> str:
    """Run a model over a disturbed line.

    Returns:
        "right", or the message.

    Raises:
        AssertionError: wrong answers were taken for the board's.
    """
    given = np.random.default_rng(rng.randrange(1 << 30))
    inputs = given.integers(-128, 128, (INPUTS, 16), dtype=np.int8)
    with plugged_in(firmware(core), Fault(kind, rng.randrange(BYTES), rng)) as board:
        try:
            found = run(TINY, f"serial:{board.device}", inputs, start_s=6, patience_s=3)
        except EdgePruneError as error:
            return str(error)
        assert (found.outputs == expected(inputs)).all(), (core, kind)
        return "right"


def pairs(count: int) -> Iterator[tuple[str, str]]:
    """Cores and faults in turns, every core with every fault before a pair comes again."""
    for i in range(count):
        turn, fault = divmod(i, len(FAULTS))
        yield CORES[(i + turn) % len(CORES)], FAULTS[fault]


def main(count: int, seed: int) -> None:
    """Inject faults; ends with a traceback where one leads to a wrong verdict."""
    rng = random.Random(seed)
    ends: Counter[tuple[str, str]] = Counter()
    for core, kind in pairs(count):
        end = inject(core, kind, rng)
        ends[kind, "right" if end == "right" else "message"] += 1
    for (kind, end), n in sorted(ends.items()):
        sys.stdout.write(f"{kind:10} {end:8} {n}\n")
    sys.stdout.write(f"{count} faults, no wrong verdict\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
