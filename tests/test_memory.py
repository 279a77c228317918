"""What the command keeps of the memory that arrays took."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

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
