"""Means of channels that drop their axis are those that keep it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from masked import masked_hook
from onnx_models import model, node
from tflite_files import Step, Value, constant, file_of

from edgeprune.emit import to_onnx, to_tflite
from edgeprune.frontends import from_onnx, from_tflite
from edgeprune.frontends.normalize import normalize
from edgeprune.ir import Graph, couple, predict, run
from edgeprune.pruning.compact import compact
from edgeprune.pruning.groups import removable


def onnx_file(keep: bool) -> bytes:
    """A layer, less the mean of its channels, and a layer."""
    rng = np.random.default_rng(0)
    held = {"w": rng.normal(size=(4, 6)), "v": rng.normal(size=(6, 3))}
    constants = {k: a.astype(np.float32) for k, a in held.items()}
    nodes = [
        node("MatMul", "x", "w", outputs=["h"]),
        node("ReduceMean", "h", "last", keepdims=keep, outputs=["m"]),
        node("Identity" if keep else "Unsqueeze", *["m", "last"][: 2 - keep], outputs=["k"]),
        node("Sub", "h", "k", outputs=["c"]),
        node("MatMul", "c", "v"),
    ]
    return model(nodes, {"x": [1, 5, 4]}, {**constants, "last": np.int64([-1])})


def tflite_file(keep: bool) -> bytes:
    """The same."""
    rng = np.random.default_rng(0)
    w, v = (rng.normal(size=s).astype(np.float32) for s in ((6, 4), (3, 6)))
    mean, spread = (1, 5, 1) if keep else (1, 5), (1, 5, 1)
    values = [
        *(Value((1, 5, n), "float32") for n in (4, 6)), Value(mean, "float32"),
        *(Value((1, 5, n), "float32") for n in (1, 6, 3)), constant(w), constant(v),
        constant(np.int32([2])), constant(np.int32(spread)),
    ]  # fmt: skip
    layer = {"keepNumDims": True}, "FullyConnectedOptions"
    steps = [
        Step("FULLY_CONNECTED", [0, 6], 1, *layer),
        Step("MEAN", [1, 8], 2, {"keepDims": keep}, "ReducerOptions"),
        Step("RESHAPE", [2, 9], 3),
        Step("SUB", [1, 3], 4, {}, "SubOptions"),
        Step("FULLY_CONNECTED", [4, 7], 5, *layer),
    ]
    return file_of(values, steps, [0], [5])


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("form", ["onnx", "tflite"])
def test_a_mean_whose_axis_is_dropped_and_put_back_lets_channels_go(form: str, keep: bool) -> None:
    if form == "onnx":
        graph = from_onnx.loads(onnx_file(keep))
    else:
        graph = from_tflite.parse(tflite_file(keep), "m.tflite")
    coupling = couple(graph)
    assert removable(coupling).sum() == 6
    removed = np.zeros(coupling.count, bool)
    removed[np.flatnonzero(removable(coupling))[[1, 4]]] = True
    small = compact(graph, coupling, removed)
    x = np.random.default_rng(1).normal(size=(7, 5, 4)).astype(np.float32)
    hook = masked_hook(graph, coupling, removed)
    with torch.inference_mode():
        masked = run(graph, {graph.inputs[0]: torch.from_numpy(x)}, hook=hook)[graph.outputs[0]]
    np.testing.assert_allclose(predict(small, x), masked.numpy(), rtol=1e-4, atol=1e-5)


def summed(*, divided: bool) -> Graph:
    """Channels by the sum of their squares, or by a sixth of it, between layers."""
    rng = np.random.default_rng(0)
    held = {"w": rng.normal(size=(4, 6)), "v": rng.normal(size=(6, 3)), "count": np.array(6)}
    nodes = [
        node("MatMul", "x", "w", outputs=["h"]),
        node("Mul", "h", "h", outputs=["q"]),
        node("ReduceSum", "q", "last", keepdims=1, outputs=["s"]),
        node("Div" if divided else "Identity", *["s", "count"][: 1 + divided], outputs=["t"]),
        node("Mul", "h", "t", outputs=["m"]),
        node("MatMul", "m", "v"),
    ]
    constants = {k: a.astype(np.float32) for k, a in held.items()}
    file = model(nodes, {"x": [1, 5, 4]}, {**constants, "last": np.int64([-1])})
    return from_onnx.loads(file)


@pytest.mark.parametrize("form", ["onnx", "tflite"])
def test_a_sum_that_was_written_is_read_as_a_sum(form: str) -> None:
    graph = summed(divided=False)
    if form == "onnx":
        again = from_onnx.loads(to_onnx.emit(graph))
    else:
        again = normalize(from_tflite.parse(to_tflite.emit(graph), "m.tflite"))
    assert not removable(couple(graph)).any()
    assert not removable(couple(again)).any()


def test_a_sum_over_the_number_of_its_channels_is_a_mean() -> None:
    assert removable(couple(summed(divided=True))).sum() == 6
