"""Kills a program that makes no progress."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgeprune.toolchain.process import end


class HungError(Exception):
    """The process gave no output for as long as it was allowed to."""


@contextmanager
def watched(process: subprocess.Popen[bytes], output: Path, *, patience_s: float) -> Iterator[None]:
    """Kill a process whose output file does not grow for a while, and at the latest in the end.

    Raises:
        HungError: it was killed for that.
    """
    over, hung = threading.Event(), threading.Event()

    def watch() -> None:
        known = 0
        while not over.wait(patience_s):
            size = output.stat().st_size if output.exists() else 0
            if size == known:
                hung.set()
                end(process)
                return
            known = size

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        end(process)
        watcher.join()
    if hung.is_set():
        raise HungError
