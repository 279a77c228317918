"""int8 files under ONNX Runtime's own optimisations, which compute in integers, on every CPU.

Without VNNI, x86 processors multiply uint8 by int8 with ``vpmaddubsw``: it adds two products in 16
bits and saturates. What these kernels would do is computed here, whatever CPU runs the tests.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import numpy_helper
from onnx_models import model, node

from edgeprune.emit.to_onnx import emit
from edgeprune.frontends.from_onnx import loads
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import DType, Graph, Port, run_int
from edgeprune.quantize.rewrite import quantise
from edgeprune.verify import run_onnx

LINEAR = {"QLinearConv": (0, 3), "QGemm": (0, 3), "QLinearMatMul": (0, 3)}
"""ONNX Runtime's fused operators, and where their values and weights are."""


def heavy(*shape: int) -> np.ndarray:
    """Weights that are nearly all as large as their channel's largest, so that pairs saturate."""
    signs = np.random.default_rng(1).choice([-1, 1, 1], size=shape)
    return (signs * 0.05).astype(np.float32)


@pytest.fixture(scope="module")
def graph() -> Graph:
    nodes = [
        node("Conv", "x", "w1", "b1", outputs=["a"]),
        node("Relu", "a", outputs=["r"]),
        node("Conv", "r", "w2", outputs=["c"]),
        node("Relu", "c", outputs=["q"]),
        node("Flatten", "q", outputs=["f"]),
        node("Gemm", "f", "w3", "b3"),
    ]
    weights = {
        "w1": heavy(8, 4, 3, 3), "b1": np.zeros(8, np.float32), "w2": heavy(8, 8, 1, 1),
        "w3": heavy(4 * 4 * 8, 6), "b3": np.zeros(6, np.float32),
    }  # fmt: skip
    net = fuse(loads(model(nodes, {"x": [1, 4, 6, 6]}, weights)))
    ranges = {v: (-4.0, 4.0) for v in net.activations}
    ranges |= {n.output: (0.0, 8.0) for n in net.nodes[:-1]}
    return quantise(net, ranges, DType.INT8)


@pytest.fixture(scope="module")
def samples(graph: Graph) -> np.ndarray:
    shape = graph.types[graph.inputs[0]].shape
    return np.random.default_rng(2).integers(60, 128, (40, *shape)).astype(np.int8)


def optimised(content: bytes, folder: Path) -> tuple[ort.InferenceSession, onnx.ModelProto]:
    """A model as ONNX Runtime takes it by default, and what it made of the graph."""
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return session, onnx.load(folder / "optimised.onnx")


def accumulated(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Sums of products as x86 without VNNI computes them: exact but for uint8 by int8."""
    x = x.astype(np.int64)
    if w.dtype == np.uint8:
        return x @ w.astype(np.int64)
    products = x[:, :, None] * w.astype(np.int64)
    pairs = products.reshape(len(x), -1, 2, w.shape[1]).sum(axis=2)
    return pairs.clip(-(2**15), 2**15 - 1).sum(axis=1)


@pytest.mark.parametrize("signed", [False, True])
def test_sums_are_exact_in_kernels_that_add_two_products_in_16_bits(
    graph: Graph, samples: np.ndarray, signed: bool
) -> None:
    content = onnx.load_from_string(emit(graph, signed=signed))
    stored = {t.name: numpy_helper.to_array(t) for t in content.graph.initializer}
    (weights,) = (w for w in stored.values() if w.dtype.itemsize == 1 and w.shape == (6, 128))
    x = samples.reshape(40, -1)[:, :128].astype(np.int16) + 128  # ONNX Runtime makes it uint8
    weights, zero = weights.T, 128 if weights.dtype == np.uint8 else 0
    exact = x.astype(np.int64) @ (weights.astype(np.int64) - zero)
    sums = accumulated(x, weights) - zero * x.sum(axis=1, keepdims=True, dtype=np.int64)
    assert np.array_equal(sums, exact) is not signed


def test_what_onnx_runtime_fuses_multiplies_no_unsigned_values_by_signed_weights(
    graph: Graph, tmp_path: Path
) -> None:
    _, made = optimised(emit(graph), tmp_path)
    types = {t.name: t.data_type for t in made.graph.initializer}
    fused = [n for n in made.graph.node if n.op_type in LINEAR]
    assert len(fused) == 3
    assert {types[n.input[LINEAR[n.op_type][1]]] for n in fused} == {onnx.TensorProto.UINT8}


def test_answers_under_default_optimisations_are_those_without(
    graph: Graph, samples: np.ndarray, tmp_path: Path
) -> None:
    content = emit(graph)
    session, _ = optimised(content, tmp_path)
    step = graph.types[graph.outputs[0]].quant
    assert step is not None
    plain = run_onnx.session(content)
    scale, zero = graph.types[graph.inputs[0]].quant.scalar  # type: ignore[union-attr]
    real = ((samples.astype(np.float32) - zero) * np.float32(scale)).transpose(0, 3, 1, 2)
    gaps = [
        np.abs(session.run(None, {"x": x[None]})[0] - plain.run(None, {"x": x[None]})[0]).max()
        for x in real
    ]
    assert max(gaps) <= 1.5 * step.scale[0]


def test_int8_inputs_of_the_user_become_uint8_inside_and_are_the_same_numbers(
    graph: Graph, samples: np.ndarray, tmp_path: Path
) -> None:
    v = graph.inputs[0]
    port = Port("x", (1, 4, 6, 6), dtype=DType.INT8, perm=(2, 0, 1))
    given = replace(graph, ports={**graph.ports, v: port})
    content = emit(given)
    session, made = optimised(content, tmp_path)
    assert session.get_inputs()[0].type == "tensor(int8)"
    assert sum(n.op_type in LINEAR for n in made.graph.node) == 3
    theirs = run_onnx.run_raw(content, samples)
    ours = run_int(graph, {v: samples})[graph.outputs[0]]
    assert np.abs(theirs.astype(int) - ours).max() <= 1
