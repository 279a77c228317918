"""The main job on the model that comes with the package."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgeprune.cli.build import _command_line
from edgeprune.errors import EdgePruneError
from edgeprune.pipeline import manifest
from edgeprune.pipeline.options import BuildOptions
from edgeprune.pipeline.prepare import _refuse_states
from edgeprune.pipeline.run import about_kernels
from edgeprune.target import load_target
from tests.e2e.conftest import Command, report_of
from tests.emit.packages import small_cnn

CUTS = (300, 700)
"""Bytes less than what the whole network takes."""


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
def test_the_bundled_model_fits_64_kilobytes_and_everything_agrees(built_64k: Path) -> None:
    r = report_of(built_64k)
    assert r["schema"] == 1
    assert r["budget"] == {"flash_bytes": 65536, "ram_bytes": None, "fits": True}
    assert r["size"]["measured"] is True
    assert 0 < r["size"]["flash_bytes"] <= 65536
    assert r["agreement"]["n"] >= 1000
    assert r["agreement"]["c_vs_tflite_mismatches"] == 0
    assert r["agreement"]["target_vs_host_mismatches"] == 0
    assert r["run"]["instructions"] > 0
    assert r["accuracy"]["c"] == r["accuracy"]["tflite"]
    assert r["accuracy"]["n"] == 10000
    for name in ("model.tflite", "model.onnx", "c/manifest.json", "report.json"):
        assert (built_64k / name).is_file(), name


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
def test_no_neuron_that_would_fit_is_left_out(built_64k: Path) -> None:
    r = report_of(built_64k)
    hidden = r["after"]["channels"]["hidden"]
    per_neuron = r["size"]["weight_bytes"] / hidden
    assert r["after"]["macs"] < r["before"]["macs"]
    assert 65536 - r["size"]["flash_bytes"] < per_neuron + 32


@pytest.mark.slow
@pytest.mark.needs("arm-none-eabi-gcc")
def test_smaller_budgets_fit_and_never_give_larger_results(
    edgeprune: Command, tmp_path: Path
) -> None:
    model = small_cnn(tmp_path / "net.onnx", channels=16)
    given = (model, "--data", model.with_suffix(".npz"), "--criterion", "l2", "--dtype", "int8")

    def built(*more: object) -> int:
        done = edgeprune("build", *given, "--emit", "c", "-o", tmp_path / "b", *more)
        assert done.status == 0, done.err
        flash: int = report_of(tmp_path / "b")["size"]["flash_bytes"]
        return flash

    sizes = [built()]
    for cut in CUTS:
        budget = sizes[0] - cut
        sizes.append(built("--budget", budget))
        assert sizes[-1] <= budget
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.needs("arm-none-eabi-gcc")
def test_a_budget_below_the_floor_ends_with_status_1_and_the_floor(
    edgeprune: Command, tmp_path: Path
) -> None:
    done = edgeprune("build", "--budget", "512", "-o", tmp_path / "b")
    assert done.status == 1
    assert "smallest" in done.err
    assert "made of" in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.needs("arm-none-eabi-gcc")
def test_the_floor_that_is_named_can_be_built_and_one_byte_less_cannot(
    edgeprune: Command, tmp_path: Path
) -> None:
    model = small_cnn(tmp_path / "net.onnx")
    given = (model, "--data", model.with_suffix(".npz"), "--criterion", "l2")
    done = edgeprune("build", *given, "--budget", "100", "-o", tmp_path / "b")
    assert done.status == 1
    named = re.search(r"the floor is ([\d,]+) bytes of flash", done.err)
    assert named is not None
    floor = int(named[1].replace(",", ""))
    assert edgeprune("build", *given, "--budget", floor, "-o", tmp_path / "b").status == 0
    assert edgeprune("build", *given, "--budget", floor - 1, "-o", tmp_path / "c").status == 1


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
def test_milliseconds_bind_too(edgeprune: Command, tmp_path: Path) -> None:
    model = small_cnn(tmp_path / "net.onnx", channels=16)
    given = (model, "--data", model.with_suffix(".npz"), "--criterion", "l2", "--dtype", "int8")
    board = (*given, "--target", "nucleo-l4r5zi")
    whole_for = ("--optimize", "speed", "-o", tmp_path / "whole")
    assert edgeprune("build", *board, *whole_for).status == 0
    whole = report_of(tmp_path / "whole")
    assert whole["run"]["clock_hz"] == 120_000_000
    assert whole["run"]["ms"] == pytest.approx(whole["run"]["cycles"] / 120_000, abs=1e-4)
    by_layer = [row["cycles"] for row in whole["layers"] if row["kernel"]]
    assert 0 < sum(by_layer) < whole["run"]["cycles"]
    limit = 0.75 * whole["run"]["ms"]
    done = edgeprune("build", *board, "--max-ms", limit, "-o", tmp_path / "quick")
    assert done.status == 0, done.err
    quick = report_of(tmp_path / "quick")
    assert quick["run"]["ms"] <= limit
    assert 1 <= quick["after"]["channels"]["conv"] < 16
    assert quick["target"]["optimize"] == "speed"  # kernels that save bytes do less in that time
    never = edgeprune("build", *board, "--max-ms", "0.001", "-o", tmp_path / "never")
    assert never.status == 1
    assert "--max-ms: the smallest int8 network takes" in never.err
    assert "cycles, the limit is 120" in never.err


def test_a_limit_of_time_needs_a_clock(edgeprune: Command, tmp_path: Path) -> None:
    done = edgeprune("build", "--target", "cortex-m4", "--max-ms", "1", "-o", tmp_path / "core")
    assert done.status == 2
    assert "cortex-m4 has no clock" in done.err
    assert "nucleo-l4r5zi" in done.err


@pytest.mark.needs("arm-none-eabi-gcc")
def test_ram_binds_too(edgeprune: Command, tmp_path: Path) -> None:
    done = edgeprune("build", "--ram", "400", "-o", tmp_path / "b")
    assert done.status == 1
    assert "RAM" in done.err
    fits = edgeprune("build", "--ram", "2KB", "--dtype", "int8", "-o", tmp_path / "c")
    assert fits.status == 0, fits.err
    assert report_of(tmp_path / "c")["size"]["ram_bytes"] <= 2048


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
def test_verify_passes_on_what_was_built_and_fails_when_a_weight_changes(
    edgeprune: Command, built_64k: Path, tmp_path: Path
) -> None:
    good = edgeprune("verify", built_64k, "--json")
    assert good.status == 0, good.err
    assert json.loads(good.out)["passed"] is True
    broken = tmp_path / "broken"
    for file in built_64k.rglob("*"):
        if file.is_file():
            to = broken / file.relative_to(built_64k)
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(file.read_bytes())
    model = bytearray((broken / "model.tflite").read_bytes())
    spot = slice(len(model) // 4, len(model) // 2)  # weights of dozens of neurons
    model[spot] = bytes(b ^ 0x40 for b in model[spot])
    (broken / "model.tflite").write_bytes(bytes(model))
    bad = edgeprune("verify", broken)
    assert bad.status == 1


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
@pytest.mark.parametrize(
    "core", ["cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55"]
)
def test_the_firmware_runs_on_every_core(edgeprune: Command, built_64k: Path, core: str) -> None:
    done = edgeprune("run", built_64k, "--on", core, "--json")
    assert done.status == 0, done.err
    other = core in ("cortex-m0plus", "cortex-m3", "cortex-m55")
    assert ("the C has the kernels of cortex-m4" in done.err) is other
    assert (json.loads(done.out)["note"] is not None) is other
    assert done.json["target_vs_host_mismatches"] == 0
    assert done.json["inferences"] >= 100
    assert done.json["instructions"] > 0
    assert done.json["stack_bytes"] > 0


@pytest.mark.needs("arm-none-eabi-gcc")
def test_the_same_input_gives_the_same_bytes(edgeprune: Command, tmp_path: Path) -> None:
    for name, jobs in (("a", 1), ("b", 2)):
        args = ("--budget", "8KB", "--dtype", "int8", "--jobs", jobs, "-o", tmp_path / name)
        done = edgeprune("build", *args)
        assert done.status == 0, done.err
    first = {p.relative_to(tmp_path / "a"): p for p in (tmp_path / "a").rglob("*") if p.is_file()}
    assert len(first) > 5
    for path, file in first.items():
        # they have seconds in them, or the hashes of those that have
        if path.name not in ("report.json", "report.html", manifest.NAME):
            assert file.read_bytes() == (tmp_path / "b" / path).read_bytes(), path


@pytest.mark.needs("arm-none-eabi-gcc")
def test_work_and_neurons_bind_together_with_bytes(edgeprune: Command, tmp_path: Path) -> None:
    args = ("--max-macs", 20_000, "--keep-ratio", 0.6, "--budget", "40KB", "--dtype", "int8")
    done = edgeprune("build", *args, "-o", tmp_path / "b")
    assert done.status == 0, done.err
    r = report_of(tmp_path / "b")
    assert r["after"]["macs"] <= 20_000
    assert r["after"]["channels"]["hidden"] <= 60
    assert r["size"]["flash_bytes"] <= 40 * 1024


@pytest.mark.parametrize("args", [("--keep-ratio", 1.5), ("--max-macs", 0), ("--jobs", 0)])
def test_limits_that_are_none(edgeprune: Command, tmp_path: Path, args: tuple[str, float]) -> None:
    done = edgeprune("build", *args, "-o", tmp_path / "b")
    assert done.status == 2
    assert args[0] in done.err


@pytest.mark.parametrize(
    ("built_for", "on", "other"),
    [
        ("cortex-m4", "cortex-m4", False),
        ("nucleo-f446re", "cortex-m4", False),  # the same kernels
        ("cortex-m4", "cortex-m7", False),
        ("cortex-m4", "cortex-m55", True),
        ("cortex-m4", "cortex-m0plus", True),
        ("cortex-m0plus", "cortex-m4", True),
        ("rp2040-pico", "cortex-m0plus", False),
        ("/of/somebody/board.toml", "cortex-m4", True),
    ],
)
def test_kernels_of_another_core_are_told(built_for: str, on: str, other: bool) -> None:
    said = about_kernels(built_for, load_target(on))
    assert (said is not None) is other
    assert said is None or f"build --target {on}" in said


def test_the_command_that_is_kept_can_be_typed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["build", "my model's $1.onnx", "--data", "x.npz", "-o", "out put"]
    monkeypatch.setattr(sys, "argv", ["edgeprune", *words])
    assert shlex.split(_command_line()) == ["edgeprune", *words]
    monkeypatch.setattr(sys, "argv", ["edgeprune", "build", "/nets/my net.onnx"])
    assert _command_line() == "edgeprune build 'my net.onnx'", "nobody's folders"
    words = ["build", "--data=/srv/ada/x.npz", "-o/srv/ada/out", "--mean=0.5", "-o", "../a/b"]
    monkeypatch.setattr(sys, "argv", ["edgeprune", *words])
    assert _command_line() == "edgeprune build --data=x.npz -oout --mean=0.5 -o ../a/b"


def test_a_command_that_is_advised_can_be_typed_where_names_have_spaces() -> None:
    graph: Any = SimpleNamespace(states=("s",), said=str, name="net")
    options = BuildOptions(Path("out"), model=Path("my net.onnx"))
    with pytest.raises(EdgePruneError) as caught:
        _refuse_states(graph, options, builds=False)
    assert "edgeprune build 'my net.onnx'" in str(caught.value.hint)
