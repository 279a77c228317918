"""analyze, sweep, extract and specialists, from the command line."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest

from edgeprune import bundled
from edgeprune.pipeline.frontier import _command
from edgeprune.pipeline.options import BuildOptions
from edgeprune.pipeline.pareto import pareto_model
from edgeprune.pipeline.values import parse_labels, parse_numbers
from tests.e2e.conftest import Command, report_of
from tests.e2e.test_bad_input import dense_model, samples
from tests.emit.packages import small_mlp


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A thousand of the bundled images."""
    b = bundled.load_data()
    path = tmp_path_factory.mktemp("few") / "few.npz"
    np.savez(path, x=b.x_train[:1000], y=b.y_train[:1000])
    return path


def test_analyze_lists_every_neuron_from_harmful_to_useful(
    edgeprune: Command, few: Path, tmp_path: Path
) -> None:
    out = tmp_path / "a"
    done = edgeprune("analyze", bundled.model_path(), "--data", few, "--no-pictures", "-o", out)
    assert done.status == 0, done.err
    found = json.loads((out / "analysis.json").read_text())
    changes = [n["accuracy_change"] for n in found["neurons"]]
    assert len(changes) == 100
    assert changes == sorted(changes, reverse=True)
    assert (out / "neurons.csv").read_text().count("\n") == 101
    assert "<svg" in (out / "analysis.html").read_text()


def test_a_sweep_gives_every_level_and_the_plot(
    edgeprune: Command, few: Path, tmp_path: Path
) -> None:
    args = ("--levels", "30,60", "--runs", 2, "--criterion", "l2", "-o", tmp_path / "s")
    done = edgeprune("sweep", bundled.model_path(), "--data", few, *args)
    assert done.status == 0, done.err
    found = json.loads((tmp_path / "s" / "sweep.json").read_text())
    assert [(t["level"], t["runs"]) for t in found["trends"]] == [(0.3, 2), (0.6, 2)]
    assert "<svg" in (tmp_path / "s" / "sweep.html").read_text()


@pytest.mark.parametrize("levels", ["0,50", "ten", "100", "50:10:", "8XB"])
def test_levels_that_are_none(edgeprune: Command, tmp_path: Path, levels: str) -> None:
    done = edgeprune("sweep", "--levels", levels, "-o", tmp_path / "s")
    assert done.status == 2
    assert "--levels" in done.err


def test_extract_reports_recall_with_specificity(
    edgeprune: Command, few: Path, tmp_path: Path
) -> None:
    args = ("--data", few, "--classes", "3,7", "-o", tmp_path / "e")
    done = edgeprune("extract", bundled.model_path(), *args)
    assert done.status == 0, done.err
    found = json.loads((tmp_path / "e" / "extract.json").read_text())
    assert [r["label"] for r in found["labels"]] == [3, 7]
    assert all(r["detector"]["balanced_accuracy"] > 0.85 for r in found["labels"])
    assert [c["labels"] for c in found["cumulative"]] == [[3], [3, 7]]


@pytest.mark.needs("arm-none-eabi-gcc")
def test_a_specialist_is_firmware_like_any_other(
    edgeprune: Command, few: Path, tmp_path: Path
) -> None:
    out = tmp_path / "three"
    args = ("--data", few, "--classes", "3", "--budget", "16KB", "--dtype", "int8", "-o", out)
    done = edgeprune("build", bundled.model_path(), *args)
    assert done.status == 0, done.err
    r = report_of(out)
    assert r["size"]["flash_bytes"] <= 16384
    assert r["agreement"]["c_vs_tflite_mismatches"] == 0
    rows = r["classes"]["rows"]
    assert np.mean([row["after"] for row in rows]) > 0.8


@pytest.mark.parametrize("classes", ["x", "3,", "12"])
def test_classes_that_are_none(edgeprune: Command, few: Path, tmp_path: Path, classes: str) -> None:
    args = ("--data", few, "--classes", classes, "--dtype", "int8", "-o", tmp_path / "c")
    done = edgeprune("build", bundled.model_path(), *args)
    assert done.status == 2, done.err
    assert "--classes" in done.err


@pytest.mark.needs("arm-none-eabi-gcc")
def test_the_frontier_is_of_built_networks(edgeprune: Command, few: Path, tmp_path: Path) -> None:
    args = ("--pareto", "--levels", "30KB,8KB", "--dtype", "int8", "--criterion", "l2")
    done = edgeprune("sweep", bundled.model_path(), "--data", few, *args, "-o", tmp_path / "p")
    assert done.status == 0, done.err
    points = json.loads((tmp_path / "p" / "pareto.json").read_text())["points"]
    assert {p["budget_bytes"] for p in points} == {None, 30 * 1024, 8 * 1024}
    assert all(p["flash_bytes"] <= (p["budget_bytes"] or p["flash_bytes"]) for p in points)
    assert any(p["chosen"] for p in points)
    assert "<svg" in (tmp_path / "p" / "pareto.html").read_text()


def test_a_network_of_mixed_bits_is_called_so_on_the_frontier(tmp_path: Path) -> None:
    model = small_mlp(tmp_path / "net.onnx")
    data = model.with_suffix(".npz")
    options = BuildOptions(
        tmp_path / "p", model, data, target="host", dtype="mixed", criterion="l2", bits=(2, 2)
    )
    found = pareto_model(options, levels=(0.1,), of="share")
    forms = {p["budget_bytes"] is None: p["dtype"] for p in found["points"]}
    assert forms == {True: "int8", False: "mixed"}


def test_the_command_of_a_network_says_all_that_was_asked_for(tmp_path: Path) -> None:
    asked = BuildOptions(tmp_path, Path("net.onnx"), mean=(0.4914009, 1 / 3), labels=("no", "a b"))
    words = shlex.split(_command(asked, 100))
    given = dict(zip(words[3::2], words[4::2], strict=True))
    assert parse_numbers(given["--mean"], "--mean") == asked.mean
    assert parse_labels(given["--labels"]) == asked.labels


def test_choices_of_criterion_and_schedule_are_shown(edgeprune: Command) -> None:
    from edgeprune.pruning.criteria import CRITERIA
    from edgeprune.pruning.ranking import SCHEDULES

    for command in ("build", "fit", "sweep"):
        said = edgeprune(command, "--help").out
        words = set(said.replace(",", " ").replace(".", " ").split())
        assert {"obs", *CRITERIA, *SCHEDULES} <= words, command


def test_one_run_has_no_spread_and_several_have(edgeprune: Command, tmp_path: Path) -> None:
    given = (dense_model(tmp_path / "m.onnx"), "--data", samples(tmp_path / "d.npz"))
    sweep = ("sweep", *given, "--levels", "40", "--mean", "0.5", "--std", "2")
    one = edgeprune(*sweep, "--runs", 1, "-o", tmp_path / "one")
    two = edgeprune(*sweep, "--runs", 2, "-o", tmp_path / "two")
    assert (one.status, two.status) == (0, 0), one.err + two.err
    assert "+-" not in one.err
    assert "+-" in two.err
