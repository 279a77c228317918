"""Bytes are saved by channels and by bits together, and everything still agrees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgeprune.errors import EdgePruneError
from edgeprune.pipeline.choose import Chooser, Room
from edgeprune.pipeline.options import BuildOptions, parse_bits
from edgeprune.pipeline.prepare import prepare
from edgeprune.target import load_target
from tests.e2e.conftest import Command, invoke, report_of
from tests.emit.packages import small_mlp

pytestmark = pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
TIGHT = 3000
MIXED = ("--dtype", "mixed", "--criterion", "l2", "--schedule", "single")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = small_mlp(tmp_path_factory.mktemp("bits") / "net.onnx", inputs=40, hidden=60)
    x = np.random.default_rng(2).normal(size=(200, 40)).astype(np.float32)
    np.savez(path.with_suffix(".npz"), x=x)
    return path


@pytest.fixture(scope="module")
def built(model: Path) -> Path:
    out = model.parent / "tight"
    data = model.with_suffix(".npz")
    done = invoke("build", model, "--data", data, "--budget", TIGHT, *MIXED, "-o", out)
    assert done.status == 0, done.err
    return out


def test_a_tight_budget_is_met_with_few_bits_and_every_artifact_agrees(built: Path) -> None:
    r = report_of(built)
    bits = {row["name"]: row["bits"] for row in r["layers"] if row["bits"]}
    assert min(bits.values()) < 8
    assert r["size"]["flash_bytes"] <= TIGHT
    assert r["agreement"]["c_vs_tflite_mismatches"] == 0
    assert r["agreement"]["target_vs_host_mismatches"] == 0


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4", "cortex-m55"])
def test_packed_weights_run_on_every_core(edgeprune: Command, built: Path, core: str) -> None:
    done = edgeprune("run", built, "--on", core)
    assert done.status == 0, done.err


def test_auto_means_channels_and_bits_where_bytes_are_short(
    edgeprune: Command, model: Path, tmp_path: Path
) -> None:
    given = (model, "--data", model.with_suffix(".npz"), "--budget", TIGHT, *MIXED[2:])
    assert edgeprune("build", *given, "--emit", "c", "-o", tmp_path / "b").status == 0
    report = report_of(tmp_path / "b")
    tried = {row["label"].split(",")[0]: row["accuracy"] for row in report["frontier"]}
    assert report["dtype"] == "mixed"
    assert "int4" not in tried
    assert tried["mixed"] > tried["int8"]


def test_bits_bound_what_mixed_gives(edgeprune: Command, model: Path, tmp_path: Path) -> None:
    given = (model, "--data", model.with_suffix(".npz"), "--budget", TIGHT, *MIXED, "--emit", "c")
    assert edgeprune("build", *given, "--bits", "8", "-o", tmp_path / "b").status == 0
    assert {row["bits"] for row in report_of(tmp_path / "b")["layers"]} == {8, None}


@pytest.mark.parametrize("text", ["5", "8-2", "", "2-", "two"])
def test_bits_that_weights_cannot_have_are_refused(text: str) -> None:
    with pytest.raises(EdgePruneError, match="bits"):
        parse_bits(text)


@pytest.mark.slow
def test_more_bytes_never_give_less_accuracy_on_the_samples_that_choose(model: Path) -> None:
    options = BuildOptions(
        model.parent / "none", model, model.with_suffix(".npz"), dtype="mixed", criterion="l2"
    )
    prepared = prepare(options)
    chooser = Chooser(prepared, options)

    def accuracies() -> Iterator[float]:
        for budget in (2800, 3400):
            yield chooser.pruned(load_target("cortex-m4"), Room(budget, None)).accuracy

    found = list(accuracies())
    assert found == sorted(found)


def test_files_have_no_packed_weights(edgeprune: Command, model: Path, tmp_path: Path) -> None:
    given = (model, "--data", model.with_suffix(".npz"), "--budget", TIGHT, *MIXED)
    done = edgeprune("build", *given, "--target", "android", "-o", tmp_path / "b")
    assert done.status == 2
    assert "--dtype" in done.err
