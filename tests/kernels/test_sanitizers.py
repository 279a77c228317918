"""The kernel tests once more with the address and undefined-behaviour sanitizers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def libasan() -> str:
    out = subprocess.run(
        ["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    )
    return out.stdout.strip()


@pytest.mark.needs("gcc")
def test_no_kernel_touches_foreign_memory_or_overflows() -> None:
    """In a process of its own, because the sanitizers must be there before everything else."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider",
         *map(str, sorted(HERE.glob("test_portable_*.py"))), str(HERE / "test_codes.py"),
         "-k", "not on_the_core"],
        capture_output=True,
        text=True,
        check=False,
        cwd=HERE.parents[1],
        env={
            **os.environ,
            "EDGEPRUNE_TEST_SANITIZE": "1",
            "LD_PRELOAD": libasan(),
            "ASAN_OPTIONS": "detect_leaks=0",
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "passed" in done.stdout
