"""A model of two inputs and two outputs goes all the way, with and without a budget."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from edgeprune.emit.packages import OF_ONE, PACKAGES
from tests.e2e.conftest import Command, report_of
from tests.emit.packages import run


class Network(nn.Module):
    """An image and some measurements in, a class and an estimate out."""

    def __init__(self) -> None:
        super().__init__()
        self.image = nn.Sequential(nn.Conv2d(1, 6, 3, stride=2), nn.ReLU(), nn.Flatten())
        self.numbers = nn.Linear(5, 12)
        self.scores = nn.Linear(6 * 5 * 5 + 12, 4)
        self.estimate = nn.Linear(12, 2)

    def forward(self, image: torch.Tensor, numbers: torch.Tensor) -> tuple[torch.Tensor, ...]:
        h = torch.relu(self.numbers(numbers))
        both = torch.cat([self.image(image), h], dim=1)
        return torch.softmax(self.scores(both), dim=1), self.estimate(h)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    example = (torch.zeros(1, 1, 12, 12), torch.zeros(1, 5))
    path = tmp_path_factory.mktemp("ports") / "net.onnx"
    names = {"input_names": ["image", "numbers"], "output_names": ["scores", "estimate"]}
    torch.onnx.export(Network().eval(), example, path, dynamo=False, **names)
    rng = np.random.default_rng(0)
    image = rng.normal(size=(120, 1, 12, 12)).astype(np.float32)
    numbers = rng.normal(size=(120, 5)).astype(np.float32)
    np.savez(path.with_name("named.npz"), image=image, numbers=numbers)
    np.savez(path.with_name("numbered.npz"), x0=image, x1=numbers)
    return path


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
@pytest.mark.parametrize("limits", [(), ("--budget", "4KB")], ids=["whole", "pruned"])
def test_every_artifact_of_a_model_with_many_ports_agrees(
    edgeprune: Command, model: Path, tmp_path: Path, limits: tuple[str, ...]
) -> None:
    out, data = tmp_path / "out", model.with_name("named.npz")
    done = edgeprune("build", model, "--data", data, "--dtype", "int8", *limits, "-o", out)
    assert done.status == 0, done.err
    report = report_of(out)
    assert report["agreement"]["c_vs_tflite_mismatches"] == 0
    assert report["agreement"]["target_vs_host_mismatches"] == 0
    interface = report["interface"]
    assert [row["name"] for row in interface["inputs"]] == ["image", "numbers"]
    assert [row["shape"] for row in interface["outputs"]] == [[4], [2]]
    header = (out / "c" / "net.h").read_text()
    assert "const int8_t *input0, const int8_t *input1, int8_t *output0, int8_t *output1" in header
    done = edgeprune("verify", out)
    assert done.status == 0, done.err
    done = edgeprune("run", out, "--on", "cortex-m0plus", "--count", "3", "--json")
    assert done.status == 0, done.err
    assert done.json["target_vs_host_mismatches"] == 0


def test_data_by_name_and_by_number_are_the_same(
    edgeprune: Command, model: Path, tmp_path: Path
) -> None:
    for kind in ("named", "numbered"):
        data = model.with_name(f"{kind}.npz")
        args = ("--data", data, "--dtype", "float32", "-o", tmp_path / kind)
        done = edgeprune("build", model, *args)
        assert done.status == 0, done.err
    one, other = (tmp_path / kind / "model.tflite" for kind in ("named", "numbered"))
    assert one.read_bytes() == other.read_bytes()


def test_missing_inputs_and_labels_that_say_nothing_are_refused(
    edgeprune: Command, model: Path, tmp_path: Path
) -> None:
    with np.load(model.with_name("named.npz")) as file:
        arrays = dict(file)
    np.savez(tmp_path / "less.npz", image=arrays["image"])
    done = edgeprune("build", model, "--data", tmp_path / "less.npz", "-o", tmp_path / "out")
    assert done.status == 2
    assert "the model has the inputs image, numbers" in done.err
    for name in ("y", "estimate"):
        np.savez(tmp_path / "y.npz", **{name: np.zeros(120, int)}, **arrays)
        done = edgeprune("build", model, "--data", tmp_path / "y.npz", "-o", tmp_path / "out")
        assert done.status == 2
        assert f"{name}: labels say nothing about a model with 2 outputs" in done.err
        assert f"leave {name} out" in done.err


def test_a_self_test_compares_all_outputs(edgeprune: Command, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    args = ("--data", model.with_name("named.npz"), "--dtype", "float32", "-o", out)
    assert edgeprune("build", model, *args).status == 0
    text = (out / "c" / "net_selftest.c").read_text()
    assert "output0[i]" in text
    assert "output1[i]" in text


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_packages_show_every_port(
    edgeprune: Command, model: Path, tmp_path: Path, dtype: str
) -> None:
    out = tmp_path / "out"
    kinds = [p for p in PACKAGES if p not in OF_ONE]
    given = ("--data", model.with_name("named.npz"), "--dtype", dtype, "--target", "host")
    done = edgeprune("build", model, *given, "--package", ",".join(kinds), "-o", out)
    assert done.status == 0, done.err
    folder = out / "packages" / "make" / "net"
    assert "passed" in run(["make", "check"], folder)
    readme = (folder / "README.md").read_text()
    for row in ("| input0 | image: ", "| input1 | numbers: ", "| output1 | estimate: "):
        assert row in readme
    (code,) = re.findall(r"^```c\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    (folder / "mine.c").write_text(code)
    run("gcc -std=c99 -Wall -Wextra -Werror -Iinclude -c mine.c".split(), folder)
    library = out / "packages" / "arduino" / "net"
    sketch = (library / "examples" / "SelfTest" / "SelfTest.ino").read_text()
    assert "net_run(arena, sizeof arena, input0, input1, output0, output1);" in sketch
    done = edgeprune("build", model, *given, "--package", "make,python", "-o", tmp_path / "no")
    assert done.status == 2
    assert "--package python" in done.err
    assert not (tmp_path / "no").exists()
