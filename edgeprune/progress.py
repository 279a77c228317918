"""How long work says how far it is: a callback, so that nothing but the command line prints."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from threading import Event, RLock, Thread
from types import TracebackType

# (stage, steps done, steps in all; 0 and 0 where they are not counted)
Progress = Callable[[str, int, int], None]

SILENCE = 10.0  # seconds that a log may be without a line
FLICKER = 1.0  # seconds between two lines of stages that take turns


def silent(stage: str, done: int, total: int) -> None:
    """Say nothing."""


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """What a library says to the terminal, from Python and from C++, goes nowhere."""
    kept = [os.dup(fd) for fd in (1, 2)]
    sys.stdout.flush()
    with open(os.devnull, "w") as nowhere:
        try:
            for fd in (1, 2):
                os.dup2(nowhere.fileno(), fd)
            with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
                yield
        finally:
            for fd, copy in zip((1, 2), kept, strict=True):
                os.dup2(copy, fd)
                os.close(copy)


class Lines:
    """Progress as lines of text, for logs: one when a stage begins, and one in ten seconds.

    The latter also while a stage says nothing itself: a thread sees to it from ``with`` on.

    Args:
        say: takes a line.
        silence: seconds after which there is another line.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        *,
        silence: float = SILENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say, self._silence, self._clock = say, silence, clock
        self._start = self._last = clock()
        self._known: set[str] = set()
        self._now = ("", 0, 0)
        self._lock = RLock()
        self._over = Event()
        self._thread = Thread(target=self._beat, daemon=True)

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Told how far a stage is, see :data:`Progress`."""
        with self._lock:
            began, self._now = stage != self._now[0], (stage, done, total)
            if stage not in self._known or (began and self._since() >= FLICKER):
                self._line()
            self.remind()

    def remind(self) -> None:
        """A line, where there was none for too long."""
        with self._lock:
            if self._now[0] and self._since() >= self._silence:
                self._line()

    def __enter__(self) -> Lines:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(min(self._silence / 10, 0.5)):
            self.remind()

    def _since(self) -> float:
        return self._clock() - self._last

    def _line(self) -> None:
        stage, done, total = self._now
        self._known.add(stage)
        self._last = self._clock()
        count = f" {done:,} of {total:,}" if total and done else ""
        self._say(f"{self._last - self._start:7.1f} s  {stage}{count}")
