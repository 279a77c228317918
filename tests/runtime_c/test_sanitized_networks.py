"""A small share of what ``tests/sanitized_networks.py`` does for hours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "sanitized_networks.py"


@pytest.mark.slow
@pytest.mark.needs("gcc", "clang")
def test_the_c_of_random_networks_is_clean_and_computes_what_the_references_do() -> None:
    """In a process of its own, as LiteRT runs in a child of it."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "20", "400"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "under gcc and clang" in done.stdout
    assert "equal to LiteRT" in done.stdout
