"""Times ``.tflite`` files in turns, in a process that does nothing else.

XNNPACK computes with the matrix tiles of a processor that has some (Intel's AMX). These hold 16 x
64 bytes, so that a convolution takes as long for some channels as for a tile of them, which is so
on no phone.
What a process asked for once it keeps, as do its forks: hence a program of its own.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import sys
import time
from pathlib import Path

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.verify._litert import Interpreter

_ROUNDS, _LEAST_ROUNDS = 400, 3
_ROUND_S = 0.0007
_ROUNDS_S = 10.0  # of all rounds: slow files have fewer
_WARM_UP = 3
_STACK = ctypes.create_string_buffer(8192)  # holds all registers but the tiles


class _SignalStack(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


def refuse_tiles() -> None:
    """Have this process do without matrix tiles.

    Linux gives none to a process with a stack for signals that is too small to store them.

    Raises:
        EdgePruneError: Linux does not take that stack, as of a process that has asked for tiles.
    """
    if sys.platform == "linux" and platform.machine() == "x86_64":
        stack = _SignalStack(ctypes.addressof(_STACK), 0, len(_STACK))
        if ctypes.CDLL(None, use_errno=True).sigaltstack(ctypes.byref(stack), None):
            why = os.strerror(ctypes.get_errno())
            what = "cannot be timed without this machine's matrix tiles, which no phone has: "
            raise EdgePruneError(".tflite", f"{what}sigaltstack says {why!r}")


def shortest(contents: list[bytes]) -> list[float]:
    """Milliseconds of an inference of each file: the shortest of many rounds, in turns.

    Files that take so long that ten seconds go by before have fewer rounds, three at the least.

    Args:
        contents: well-formed ``.tflite`` files.

    Raises:
        EdgePruneError: LiteRT does not take one of them.
    """
    runs = [_Run(content) for content in contents]
    rounds: list[list[float]] = []
    end = time.perf_counter() + _ROUNDS_S
    while len(rounds) < _LEAST_ROUNDS or (len(rounds) < _ROUNDS and time.perf_counter() < end):
        rounds.append([run.milliseconds() for run in runs])
    return [min(times) for times in zip(*rounds, strict=True)]


class _Run:
    """A file that is run again and again on the same input."""

    def __init__(self, content: bytes) -> None:
        self._interpreter = Interpreter(content, default=True)
        self._feeds = [np.zeros(d["shape"], d["dtype"]) for d in self._interpreter.inputs]
        start = time.perf_counter()
        for _ in range(_WARM_UP):
            self._interpreter.run(self._feeds)
        one = (time.perf_counter() - start) / _WARM_UP
        self._count = max(1, round(_ROUND_S / max(one, 1e-6)))

    def milliseconds(self) -> float:
        """Of an inference, in the mean of a round."""
        start = time.perf_counter()
        for _ in range(self._count):
            self._interpreter.invoke()
        return 1000 * (time.perf_counter() - start) / self._count


def main(files: list[str]) -> None:
    """Write the milliseconds of files as JSON to the first one named, or why there are none."""
    answer: dict[str, list[float] | str]
    try:
        refuse_tiles()
        answer = {"ms": shortest([Path(name).read_bytes() for name in files[1:]])}
    except EdgePruneError as error:
        answer = {"refused": error.what}
    Path(files[0]).write_text(json.dumps(answer), encoding="utf-8")
