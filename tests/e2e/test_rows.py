"""``--optimize ram``: layers run row by row, and everything else stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import Command, report_of
from tests.emit.packages import TARGET, WARNINGS, run, small_cnn, small_mlp


@pytest.mark.slow
@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
def test_layers_run_by_rows_in_a_smaller_arena_and_agree_everywhere(
    edgeprune: Command, mnist_cnn: Path, tmp_path: Path
) -> None:
    fast, small = tmp_path / "fast", tmp_path / "small"
    common = ("build", mnist_cnn, "--random-data", "--dtype", "int8")
    for out, aim in ((fast, "speed"), (small, "ram")):
        done = edgeprune(*common, "--optimize", aim, "--package", "single", "-o", out)
        assert done.status == 0, done.err
    before, after = report_of(fast), report_of(small)
    rows = after["memory"]["by_rows"]
    assert rows["arena_bytes_whole"] == before["size"]["arena_bytes"]
    assert after["size"]["arena_bytes"] < rows["arena_bytes_whole"]
    assert before["memory"]["by_rows"] is None
    for row in rows["values"]:
        assert row["bytes"] * row["of"] == row["whole_bytes"] * row["rows"]
    assert after["agreement"]["c_vs_tflite_mismatches"] == 0
    assert after["agreement"]["target_vs_host_mismatches"] == 0
    assert (small / "model.tflite").read_bytes() == (fast / "model.tflite").read_bytes()
    assert "Row by row" in (small / "report.html").read_text()
    done = edgeprune("verify", small)
    assert done.status == 0, done.err
    for out in (fast, small):
        folder = out / "packages" / "single" / "mnist_cnn"
        command = f"gcc -std=c99 {WARNINGS} -DMNIST_CNN_SELFTEST selftest_main.c mnist_cnn.c"
        run([*command.split(), "-lm", "-o", "test"], folder)
        assert "passed" in run([folder / "test"], folder)


def test_that_a_target_runs_layer_by_layer_all_the_same_is_said(
    edgeprune: Command, tmp_path: Path
) -> None:
    model = small_mlp(tmp_path / "net.onnx")
    args = ("--random-data", "--target", "avr", "--dtype", "int8", "--emit", "tflite")
    done = edgeprune("build", model, *args, "--optimize", "ram", "-o", tmp_path / "out")
    assert done.status == 0, done.err
    note = "--optimize ram is as speed here: avr runs layer by layer"
    assert note in report_of(tmp_path / "out")["notes"]


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
def test_layers_run_by_rows_before_channels_go_for_bytes_of_ram(
    edgeprune: Command, tmp_path: Path
) -> None:
    model = small_cnn(tmp_path / "net.onnx", channels=16)
    data = ("--data", model.with_suffix(".npz"), "--target", TARGET, "--dtype", "int8")
    reports = []
    for out, ram in (("all", ()), ("rows", (300,)), ("less", (700,))):
        asked = ("--ram", reports[0]["size"]["ram_bytes"] - ram[0]) if ram else ()
        done = edgeprune("build", model, *data, *asked, "-o", tmp_path / out)
        assert done.status == 0, done.err
        reports.append(report_of(tmp_path / out))
    whole, rows, less = reports
    assert whole["memory"]["by_rows"] is None
    assert rows["memory"]["by_rows"]["layers"], "it does not fit layer by layer"
    assert rows["size"]["ram_bytes"] <= whole["size"]["ram_bytes"] - 300
    assert rows["after"]["macs"] == whole["after"]["macs"], "no channel went"
    assert less["size"]["ram_bytes"] <= whole["size"]["ram_bytes"] - 700
    for report in reports:
        assert report["agreement"]["target_vs_host_mismatches"] == 0
