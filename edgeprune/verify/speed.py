"""How fast a ``.tflite`` runs as apps run it: LiteRT with its default delegate, on one thread.

Measured on this machine, which stands in for a phone: a ratio of two files in one run says more
than milliseconds do.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from edgeprune.verify._litert import DELEGATE, Interpreter

_ROUNDS = 400
_ROUND_S = 0.0007
_WARM_UP = 3


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
        EdgePruneError: LiteRT does not take one of them.
    """
    runs = [_Run(before), _Run(after)]
    times: list[list[float]] = [[], []]
    for _ in range(_ROUNDS):
        for run, seen in zip(runs, times, strict=True):
            seen.append(run.milliseconds())
    return Speed(*map(min, times))


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
