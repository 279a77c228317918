"""A network over a window is built as one on a stream, and proven against the window."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import Command, report_of


@pytest.mark.needs("EDGEPRUNE_DATA", "arm-none-eabi-gcc", "qemu-system-arm")
def test_the_wake_word_s_stream_is_exactly_the_window_s(
    edgeprune: Command, data_dir: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = edgeprune("build", data_dir / "public" / "sww_int8.tflite", "--stream", "-o", out)
    assert done.status == 0, done.err
    report = report_of(out)
    assert report["interface"]["inputs"][0]["shape"] == [1, 1, 40]
    assert report["size"]["state_bytes"] == 3_536
    assert report["after"]["macs"] == 46_040
    assert report["agreement"]["source"]["rule"] == "exact"
    assert report["agreement"]["source"]["max_relative"] == 0
    assert report["agreement"]["c_vs_tflite_mismatches"] == 0
    assert report["agreement"]["target_vs_host_mismatches"] == 0
