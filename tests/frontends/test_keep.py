"""What is not chosen does not matter, infinite or NaN; NaN passes no test but !=."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from host_c import answers_of_c
from torch.nn import functional
from torch_modules import Applied

from edgeprune.emit import to_onnx, to_tflite
from edgeprune.frontends import load
from edgeprune.frontends.from_torch import export
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import Array, Graph, predict
from edgeprune.ops.compare import RESULTS, Compare
from edgeprune.verify import run_onnx, run_tflite

T = torch.Tensor
FUNCTIONS: dict[str, Callable[[T], T]] = {
    "a guarded logarithm": lambda x: torch.where(x > 0.5, x.log(), x),
    "a guarded quotient": lambda x: torch.where(x != 0, 1 / x, x),
    "a filled one": lambda x: (1 / x).masked_fill(x == 0, 2.0),
    "the other side": lambda x: torch.where(~(x > 0.5), x * 2, x.log()),
    "by another column": lambda x: torch.where(x[:, :1] > 0, x, 1 / x),
    "by a constant": lambda x: torch.where(torch.arange(6) < 1, 1 / x, x),
    "filled by a constant": lambda x: (1 / x).masked_fill(torch.arange(6) > 0, 0.0),
    "a threshold": lambda x: functional.threshold(x, 0.5, -2.0),
    "two conditions": lambda x: torch.where((x > 0) & (x < 1), x.sqrt(), x),
}


def rows() -> Array:
    """Numbers on both sides of every bound, and zeros, of which functions are infinite or NaN."""
    x = np.random.default_rng(0).normal(size=(64, 6)).astype(np.float32)
    x.flat[::7] = 0
    x[:, 0] = np.abs(x[:, 0]) + np.float32(0.1)
    return x


def everywhere(graph: Graph, x: Array, folder: Path) -> dict[str, Array]:
    """By format what it answers, and what the files do when they are read again."""
    files = {"tflite": to_tflite.emit(graph), "onnx": to_onnx.emit(graph)}
    made = {"torch": predict(graph, x), "c": answers_of_c(graph, x, folder / "c")}
    made["tflite file"] = run_tflite.run(files["tflite"], x)
    made["onnx file"] = run_onnx.run(files["onnx"], graph, x)
    for kind, content in files.items():
        (folder / f"again.{kind}").write_bytes(content)
        again = load(folder / f"again.{kind}")
        made[f"{kind} read"] = predict(again, x)
        if kind == "tflite":
            made["tflite written again"] = run_tflite.run(to_tflite.emit(again), x)
    return made


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_what_is_not_chosen_does_not_matter(tmp_path: Path, name: str) -> None:
    module, x = Applied(FUNCTIONS[name]), rows()
    with torch.no_grad():
        wanted = module(torch.from_numpy(x)).numpy()
    assert np.isfinite(wanted).all()
    graph = fuse(load(export(module, torch.from_numpy(x[:1]), tmp_path / "net.pt2")))
    for kind, found in everywhere(graph, x, tmp_path).items():
        found = found.reshape(wanted.shape)
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6, err_msg=kind)


@pytest.mark.parametrize("negated", [False, True])
@pytest.mark.parametrize("test", list(RESULTS))
def test_nan_passes_no_test_but_that_of_a_difference(
    tmp_path: Path, test: str, negated: bool
) -> None:
    from op_cases import Case

    op = Compare(test, 0.5, negated)  # type: ignore[arg-type]
    x = np.array([[np.nan, np.inf, -np.inf, 0.5, 0.25, 1.0]], np.float32)
    passed = {
        "<": x < 0.5,
        "<=": x <= 0.5,
        "==": x == 0.5,
        "!=": x != 0.5,
        ">=": x >= 0.5,
        ">": x > 0.5,
    }
    wanted = (passed[test] != negated).astype(np.float32)
    for kind, found in everywhere(Case(op, (6,)).graph(), x, tmp_path).items():
        assert np.array_equal(found.reshape(wanted.shape), wanted), kind
