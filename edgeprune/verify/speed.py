"""How fast a ``.tflite`` runs as apps run it: LiteRT with its default delegate, on one thread.

Measured on this machine, which stands in for a phone: a ratio of two files in one run says more
than milliseconds do. No matrix tiles are used (:mod:`edgeprune.verify.stopwatch`).
"""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from edgeprune.errors import EdgePruneError
from edgeprune.scratch import workspace
from edgeprune.toolchain.process import run_limited
from edgeprune.verify._litert import DELEGATE, Interpreter

_SOURCES = Path(__file__).parents[2]
_PROGRAM = """
import sys
if sys.argv[1] not in sys.path:  # an installed package stays behind the standard library
    sys.path.insert(0, sys.argv[1])
from edgeprune.verify.stopwatch import main
main(sys.argv[2:])
"""
_SECONDS = 900.0  # the stopwatch ends by itself far earlier: what takes as long hangs


@dataclass(frozen=True)
class Speed:
    """Two files side by side, in milliseconds of an inference: the shortest of all rounds."""

    before_ms: float
    after_ms: float

    @property
    def ratio(self) -> float:
        """How many times as fast the second one is."""
        return self.before_ms / self.after_ms


def speed(before: bytes, after: bytes) -> Speed:
    """Time two files in turns: many short rounds, of which what else runs spares a few of each.

    Args:
        before: a well-formed ``.tflite``.
        after: another one.

    Raises:
        EdgePruneError: LiteRT does not take one of them, or does not come to an end.
    """
    with TemporaryDirectory(dir=workspace(), prefix="speed-") as temp:
        files = [Path(temp) / "before.tflite", Path(temp) / "after.tflite"]
        for file, content in zip(files, (before, after), strict=True):
            file.write_bytes(content)
        ms = Path(temp) / "ms.json"  # not printed: what else starts with a Python may print, too
        command = [sys.executable, "-P", "-c", _PROGRAM, *map(str, (_SOURCES, ms, *files))]
        try:
            status, said = run_limited(command, ".tflite", seconds=_SECONDS)
        except EdgePruneError:
            what = f"cannot be timed: LiteRT did not end a few inferences within {_SECONDS:g} s"
            hint = "build again while little else runs on this machine, or without --speedup"
            raise EdgePruneError(".tflite", what, hint) from None
        if status or not ms.exists():
            raise EdgePruneError(".tflite", f"cannot be timed: {_reason(status, said)}")
        answer = json.loads(ms.read_text(encoding="utf-8"))
    if "ms" not in answer:
        raise EdgePruneError(".tflite", answer["refused"])
    return Speed(*answer["ms"])


def speed_up(before: bytes, after: bytes, asked: float) -> Speed:
    """Time two files, and once more where the second one is not so many times as fast.

    What else a machine runs may last longer than all rounds: the shorter times of both count.

    Args:
        before: a well-formed ``.tflite``.
        after: another one.
        asked: how many times as fast it is to be.

    Raises:
        EdgePruneError: LiteRT does not take one of them, or does not come to an end.
    """
    found = speed(before, after)
    if found.ratio >= asked:
        return found
    again = speed(before, after)
    return Speed(min(found.before_ms, again.before_ms), min(found.after_ms, again.after_ms))


def _reason(status: int, said: str) -> str:
    """Why a program gave no answer: its signal, or else the last line that it printed."""
    if status < 0:
        return f"it ended by signal {-status} ({signal.strsignal(-status)})"
    return (said.strip().splitlines() or [f"it ended with status {status}"])[-1]


def outside_delegate(content: bytes) -> tuple[str, ...]:
    """The operators that the default delegate leaves to LiteRT's own kernels, in their order.

    Args:
        content: a well-formed ``.tflite``.

    Raises:
        EdgePruneError: LiteRT does not take it.
    """
    operators = Interpreter(content, default=True).operators
    taken: set[int] = set()
    makers = {t: i for i, op in enumerate(operators) if op.name != DELEGATE for t in op.outputs}
    for delegate in (op for op in operators if op.name == DELEGATE):
        given, open_ends = set(delegate.inputs), list(delegate.outputs)
        while open_ends:
            maker = makers.get(open_ends.pop())
            if maker is not None and maker not in taken:
                taken.add(maker)
                open_ends += [t for t in operators[maker].inputs if t not in given]
    rest = (op for i, op in enumerate(operators) if i not in taken)
    return tuple(op.name for op in rest if op.name != DELEGATE)
