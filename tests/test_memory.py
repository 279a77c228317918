"""What the command keeps of the memory that arrays took."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from edgeprune import heap

FRAGMENTS = """
import sys
import click
import numpy as np
from edgeprune import cli

def held():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * 4096 >> 20

def fragments():
    np.ones(30 << 20, np.uint8)  # up to which glibc would keep what is let go
    before, kept = held(), []
    for turn in range(20):
        large = np.ones((12 << 20) + (turn << 18), np.uint8)
        kept.append(np.ones(100 << 10, np.uint8))  # lies behind it
        del large
    print(held() - before)

cli.app.add_command(click.Command("fragments", callback=fragments))
sys.argv[1:] = ["fragments"]
cli.main()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that keeps memory")
def test_the_command_holds_no_large_array_that_was_let_go() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FRAGMENTS], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 8  # MiB; glibc by itself: 29


THREADS = """
import sys
import threading
import click
import numpy as np
from edgeprune import cli

def held():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * 4096 >> 20

def filled(kept):
    pieces = [np.ones(100 << 10, np.uint8) for _ in range(400)]
    kept.append(pieces[-1])  # the heap cannot shrink

def threads():
    before, kept = held(), []
    for _ in range(4):
        thread = threading.Thread(target=filled, args=(kept,))
        thread.start()
        thread.join()
        filled(kept)
    print(held() - before)

cli.app.add_command(click.Command("threads", callback=threads))
sys.argv[1:] = ["threads"]
cli.main()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that keeps memory")
def test_what_one_thread_let_go_another_takes() -> None:
    done = subprocess.run(
        [sys.executable, "-c", THREADS], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 60  # MiB, of which 39 are in use at once; by itself glibc takes 78


VARIABLE = "THP_MEM_ALLOC_ENABLE"
PAGES = """
import os
import click
from edgeprune import cli

cli.app.add_command(click.Command("pages", callback=lambda: print(os.getenv(VARIABLE))))
cli.main()
"""


@pytest.mark.parametrize(("there", "asked", "wanted"), [
    (True, None, "1"), (False, None, None), (True, "0", "0"),
])  # fmt: skip
def test_large_pages_are_asked_for_where_the_kernel_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    there: bool, asked: str | None, wanted: str | None,
) -> None:  # fmt: skip
    monkeypatch.setattr(heap, "HUGE_PAGES", tmp_path if there else tmp_path / "none")
    monkeypatch.setattr(heap, "MALLOPT", {})
    monkeypatch.setenv(VARIABLE, asked or "")
    if asked is None:
        monkeypatch.delenv(VARIABLE)
    heap.bound()
    assert os.environ.get(VARIABLE) == wanted


def test_the_command_asks_for_them() -> None:
    """Before torch allocates, which reads it once."""
    wanted = "1" if heap.HUGE_PAGES.exists() else "None"
    code = PAGES.replace("VARIABLE", repr(VARIABLE))
    env = {k: v for k, v in os.environ.items() if k != VARIABLE}
    done = subprocess.run(
        [sys.executable, "-c", code, "pages"], capture_output=True, text=True, check=True, env=env
    )
    assert done.stdout.strip() == wanted


CYCLES = """
import gc
import click
from edgeprune import cli

cli.app.add_command(click.Command("cycles", callback=lambda: print(gc.get_threshold()[0])))
cli.main()
"""


def test_the_command_looks_for_cycles_a_tenth_as_often_as_python_does() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CYCLES, "cycles"], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) >= 10 * 700  # Python's own


HOLES = """
import numpy as np
from edgeprune import heap

def held():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * 4096 >> 20

heap.bound()
pieces = [np.ones(100 << 10, np.uint8) for _ in range(400)]
before = held()
del pieces[:-1]  # the last one lies behind all holes
heap.trim()
print(before - held())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that keeps memory")
def test_holes_in_the_heap_go_back_where_another_kind_of_work_begins() -> None:
    done = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 30  # MiB, of 39; without it none
