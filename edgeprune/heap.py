"""When memory that was let go is looked for, and what glibc keeps of it.

Other C libraries have no such functions.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import os
from contextlib import suppress
from pathlib import Path

MALLOPT = {-3: 4 << 20, -1: 64 << 20, -8: 1}
"""Arrays of so many bytes go back to the system when they are let go (M_MMAP_THRESHOLD), and what
is free at the end of the heap where it is as much (M_TRIM_THRESHOLD); one heap for all threads
(M_ARENA_MAX), as they hardly ever work at once."""

CYCLES = 10_000
"""Objects made over those let go before Python looks among them for cycles that nothing refers to.
At the 700 of Python 3.11 its looking takes part of a small network's build, most of it while
packages are imported, and it finds no arrays."""

HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage")
"""Where a kernel that has them says so; torch warns of one that has not."""


def bound() -> None:
    """Keep glibc from keeping what large arrays took, and Python from looking for what is rare.

    Its own bound rises to the largest array that was let go, 32 MB at the most. The values of a
    network's layers come and go below that, in a heap that they break into pieces, so that it grows
    to twice of what is ever in use. Nor does a thread get what another let go, where each has a
    heap of its own.

    What comes anew from the system is cleared page by page: torch, which reads the variable when it
    first allocates, asks for pages of 2 MB where it takes as much, as numpy does by itself.
    """
    gc.set_threshold(CYCLES)
    atexit.register(gc.freeze)  # the process takes everything with it: nothing is to be looked for
    if HUGE_PAGES.exists():
        os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    with suppress(OSError, AttributeError, TypeError):
        for option, size in MALLOPT.items():
            ctypes.CDLL(None).mallopt(option, size)


def trim() -> None:
    """Give the holes in the heap back, where work of one kind ends and that of another begins."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
