"""Choices by computed conditions in int8: near float, and LiteRT's bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch_modules import Applied

from edgeprune.emit import to_tflite
from edgeprune.frontends import load
from edgeprune.frontends.from_torch import export
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import dequantise_array, predict, quantise_array, run_int
from edgeprune.quantize import observe, quantise
from edgeprune.quantize.choices import choices
from edgeprune.verify import run_tflite

LEFT = torch.tensor([[-1e4, 0, 0], [0, 0, 0]])
RIGHT = torch.tensor([[0, 0, 0.0], [0, 0, -1e4]])
FUNCTIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "a gate": lambda x: (x > 0.3).float() * x[:, :1],
    "a choice": lambda x: torch.where(x.abs() < 1, x, -0.5 * x),
    "a jump": lambda x: functional.hardshrink(x, 1.0),
    "signs": torch.sign,
    "scores that are masked": lambda x: x.masked_fill(x[:, :1] < -0.5, -torch.inf).softmax(1),
    "large offsets of scores": lambda x: (x + (x[:, :1] < -0.5).float() * -1e9).softmax(1),
    "offsets that were moved": lambda x: (
        x.reshape(-1, 2, 3) + (x[:, 1:4] < -0.5).float().unsqueeze(1) * -1e9
    ).softmax(2),
    "masks one behind the other": lambda x: (
        x.reshape(-1, 2, 3) + LEFT + RIGHT + (x[:, :1] < -9).float()[..., None] * -1e9
    ).softmax(2),
    "logic": lambda x: ((x > 0) & (x[:, :1] < 0) | (x > 2)).float(),
}


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_int8_chooses_as_float_does_except_at_the_bound(tmp_path: Path, name: str) -> None:
    module = Applied(FUNCTIONS[name])
    x = torch.randn((400, 6), generator=torch.Generator().manual_seed(0)) + 0.01
    x[:, 0] = x[:, 0].abs() - 0.45  # softmaxes keep one element at the least
    graph = fuse(load(export(module, x[:1], tmp_path / "net.pt2")))
    rows = x.numpy()
    seen = observe(graph, rows)
    typed = quantise(graph, {v: (o.low, o.high) for v, o in seen.items()})
    (v,), (y,) = typed.inputs, typed.outputs
    fed = quantise_array(rows, typed.types[v])
    made = run_int(typed, {v: fed})[y]
    assert np.array_equal(made, run_tflite.run(to_tflite.emit(typed), fed, threads=1))
    far = np.abs(dequantise_array(made, typed.types[y]) - predict(graph, rows))
    assert (far > 0.05).mean() < 0.03  # of those within half a step of the bound


def test_truth_that_calibration_did_not_see_is_held(tmp_path: Path) -> None:
    module = Applied(lambda x: (x > 0.5).float() * 3 - 1)
    graph = fuse(load(export(module, torch.zeros(1, 4), tmp_path / "net.pt2")))
    compare = next(n for n in graph.nodes if n.op.kind == "compare")
    seen = observe(graph, np.zeros((5, 4), np.float32))
    typed = quantise(graph, {v: (o.low, o.high) for v, o in seen.items()})
    quant = typed.types[compare.output].quant
    assert quant is not None
    assert quant.scalar == (np.float32(1 / 255), -128)


def test_a_choice_of_a_choice_that_calibration_did_not_see_has_the_range_of_its_values(
    tmp_path: Path,
) -> None:
    module = Applied(lambda x: (x[:, :1] > 5).float() * ((x > 5).float() * x) - 0.1 * x)
    graph = fuse(load(export(module, torch.zeros(1, 4), tmp_path / "net.pt2")))
    seen = observe(graph, np.linspace(-4, 4, 20, dtype=np.float32).reshape(5, 4))
    ranges = {v: (o.low, o.high) for v, o in seen.items()}
    widest = ranges[graph.inputs[0]]
    chosen = [
        n.output
        for n in graph.nodes
        if n.op.kind == "mul" and not any(v in graph.constants for v in n.inputs)
    ]
    assert len(chosen) == 2
    found = choices(graph, ranges)
    assert [found[v] for v in chosen] == [widest, widest]
