from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "fuzz_models.py"


@pytest.mark.parametrize("reader", ["onnx", "torch"])
def test_500_damaged_files_are_each_one_message_soon_and_in_bounded_memory(reader: str) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), reader, "500", "0"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "500 damaged files" in done.stdout
