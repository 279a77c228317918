"""Networks that keep something from call to call go all the way: from a file to every artifact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from edgeprune.emit.packages import PACKAGES, PHONES
from edgeprune.frontends import load
from edgeprune.ir import join_rows, run_steps
from edgeprune.verify import run_tflite
from tests.e2e.conftest import Command, report_of
from tests.emit.packages import run


class Cell(nn.Module):
    """One step of a small recurrent network."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(6, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, x: torch.Tensor, h: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        after = self.cell(x, h)
        return torch.softmax(self.head(after), dim=1), after


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("cell") / "cell.onnx"
    names = {"input_names": ["x", "h"], "output_names": ["y", "h_next"]}
    example = (torch.zeros(1, 6), torch.zeros(1, 8))
    torch.onnx.export(Cell().eval(), example, path, dynamo=False, **names)
    steps = np.random.default_rng(0).normal(size=(300, 6)).astype(np.float32)
    np.savez(path.with_name("steps.npz"), x=np.cumsum(steps, axis=0) * 0.3)
    return path


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_a_pair_of_input_and_output_becomes_a_state(
    edgeprune: Command, cell: Path, tmp_path: Path, dtype: str
) -> None:
    out, data = tmp_path / "out", cell.with_name("steps.npz")
    args = ("--state", "h:h_next", "--data", data, "--dtype", dtype, "-o", out)
    done = edgeprune("build", cell, *args, "--optimize", "ram")
    assert done.status == 0, done.err
    report = report_of(out)
    assert any("a model that keeps states is run layer by layer" in n for n in report["notes"])
    assert [row["name"] for row in report["interface"]["inputs"]] == ["x"]
    assert [row["name"] for row in report["interface"]["outputs"]] == ["y"]
    assert [row["name"] for row in report["interface"]["states"]] == ["h"]
    assert report["size"]["state_bytes"] == 8 * (1 if dtype == "int8" else 4)
    assert report["agreement"]["c_vs_tflite_mismatches"] == 0
    assert report["agreement"]["target_vs_host_mismatches"] == 0
    assert report["accuracy"]["c"] > 0.9, "of the source model's answers over the sequence"
    assert "cell_run(cell_state *state, void *arena" in (out / "c" / "cell.h").read_text()
    done = edgeprune("verify", out)
    assert done.status == 0, done.err
    done = edgeprune("run", out, "--on", "cortex-m0plus", "--count", "5", "--json")
    assert done.status == 0, done.err
    assert done.json["target_vs_host_mismatches"] == 0


def test_what_does_not_go_with_a_state_is_refused_in_words(
    edgeprune: Command, cell: Path, tmp_path: Path
) -> None:
    data = ("--data", cell.with_name("steps.npz"), "--dtype", "int8", "-o", tmp_path / "out")
    for args, what in (
        (("--state", "h:y"), "the same type"),
        (("--state", "h:no"), "pairs no input"),
        (("--state", "h:h_next", "--finetune", "2"), "keeps states from call to call"),
        (("--state", "h:h_next", "--package", "android"), "keep nothing from call to call"),
    ):
        done = edgeprune("build", cell, *args, *data)
        assert done.status == 2, done.err
        assert what in done.err
        assert not (tmp_path / "out").exists()


def test_packages_run_a_sequence(edgeprune: Command, cell: Path, tmp_path: Path) -> None:
    out, kinds = tmp_path / "out", [p for p in PACKAGES if p not in PHONES]
    args = ("--state", "h:h_next", "--data", cell.with_name("steps.npz"), "--dtype", "int8")
    done = edgeprune("build", cell, *args, "--package", ",".join(kinds), "-o", out)
    assert done.status == 0, done.err
    folder = out / "packages" / "make" / "cell"
    assert "self-test passed, 32 samples" in run(["make", "-s", "check"], folder)
    folder = out / "packages" / "single" / "cell"
    flags = "-std=c99 -Wall -Wextra -Werror -DCELL_SELFTEST".split()
    run(["gcc", *flags, "cell.c", "selftest_main.c", "-lm", "-o", "selftest"], folder)
    assert "passed" in run(["./selftest"], folder)
    readme = (folder / "README.md").read_text()
    assert "static cell_state state;" in readme
    assert "no state" not in readme


@pytest.mark.needs("EDGEPRUNE_DATA")
def test_a_wake_word_on_a_stream_answers_as_litert_does(data_dir: Path) -> None:
    path = data_dir / "public" / "okay_nabu_v2.tflite"
    graph = load(path)
    assert len(graph.states) == 6
    x = np.random.default_rng(0).integers(-128, 128, (200, 3, 40)).astype(np.int8)
    wanted = run_tflite.run(path.read_bytes(), x, signed=True)
    seen = run_steps(graph, [x])
    assert np.array_equal(join_rows([seen[v] for v in graph.results]), wanted)
    assert len(np.unique(np.concatenate([seen[v].ravel() for v in graph.states]))) == 256
