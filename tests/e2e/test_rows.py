"""``--optimize ram``: layers run row by row, and everything else stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from edgeprune.errors import CannotFitError
from edgeprune.pipeline.fitter import Fitter
from edgeprune.pipeline.forms import Candidate, Form
from edgeprune.pipeline.options import BuildOptions
from edgeprune.pipeline.prepare import prepare
from edgeprune.pruning.search import strategy
from edgeprune.target import load_target
from tests.compiler.test_by_rows import compiled
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


def image_file(path: Path) -> Path:
    """A file of integers, whose layers all go row by row, with samples beside it."""
    path = path.with_suffix(".tflite")
    path.write_bytes(compiled(16, "cortex-m4").tflite)
    x = np.random.default_rng(0).normal(size=(4, 16, 16, 3)).astype(np.float32)
    np.savez(path.with_suffix(".npz"), x=x)
    return path


@pytest.mark.slow
@pytest.mark.needs("arm-none-eabi-gcc")
@pytest.mark.parametrize("made", [image_file, small_cnn])
def test_a_network_that_does_not_fit_names_the_fewest_bytes_in_which_it_is_built(
    made: Callable[[Path], Path], tmp_path: Path
) -> None:
    path = made(tmp_path / "net.onnx")
    options = BuildOptions(tmp_path / "none", path, path.with_suffix(".npz"), criterion="l2")
    prepared = prepare(options)
    by_l2 = strategy(prepared.float_graph, prepared.rank, "l2", validation=prepared.validation)

    def built(ram: int) -> Candidate:
        form = Form("int8", "speed", load_target("cortex-m4"), ram=ram)
        fitter = Fitter(prepared, replace(options, ram=ram), form, by_l2)
        return fitter.unpruned(["net"]) if prepared.graph.is_quantised else fitter.fit()

    def refused(ram: int) -> CannotFitError:
        with pytest.raises(CannotFitError) as caught:
            built(ram)
        return caught.value

    error = refused(100)
    assert error.excess_bytes is not None
    least = 100 + error.excess_bytes
    assert f"and {least:,} of RAM" in str(error)
    for more in (0, 12):
        assert built(least + more).size.ram_bytes <= least + more
    assert built(least).size.ram_bytes == least
    assert refused(least - 1).excess_bytes == 1, "at any price"


def picture_network(path: Path) -> Path:
    """Pictures of 224x224 to four classes: separable blocks of a MobileNet, random weights."""

    def layer(reads: int, makes: int, kernel: int, stride: int, groups: int = 1) -> list[nn.Module]:
        return [nn.Conv2d(reads, makes, kernel, stride, kernel // 2, groups=groups), nn.ReLU()]

    torch.manual_seed(0)
    steps = layer(3, 8, 3, 2)
    for reads, makes, stride in ((8, 24, 1), (24, 32, 2), (32, 32, 2)):
        steps += layer(reads, reads, 3, stride, reads) + layer(reads, makes, 1, 1)
    network = nn.Sequential(*steps, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 4))
    x = torch.rand(12, 3, 224, 224)
    torch.onnx.export(network.eval(), (x[:1],), path, dynamo=False, verbose=False)
    np.savez(path.with_suffix(".npz"), x=x.numpy(), y=np.arange(12) % 4)
    return path


@pytest.mark.slow
@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
def test_a_network_of_large_pictures_is_pruned_and_runs_where_its_layers_do_not_fit(
    edgeprune: Command, tmp_path: Path
) -> None:
    model, out = picture_network(tmp_path / "net.onnx"), tmp_path / "out"
    data = ("--data", model.with_suffix(".npz"), "--dtype", "int8", "--keep-ratio", "0.9")
    done = edgeprune("build", model, *data, "--target", "nucleo-f446re", "-o", out)
    assert done.status == 0, done.err
    report = report_of(out)
    assert report["after"]["macs"] < report["before"]["macs"]
    rows, part = report["memory"]["by_rows"], 128 * 1024
    assert rows["arena_bytes_whole"] > part, "nor on one of 256 KB, with all its channels"
    assert rows["fed_by_rows"], "nor need the picture be there"
    assert report["size"]["ram_bytes"] < part
    assert report["agreement"]["c_vs_tflite_mismatches"] == 0
    assert report["agreement"]["target_vs_host_mismatches"] == 0
