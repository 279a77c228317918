from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from onnx_models import model, node

from edgeprune.emit.to_onnx import emit
from edgeprune.errors import EdgePruneError
from edgeprune.frontends.from_onnx import loads
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import (
    DType,
    Graph,
    Node,
    TensorType,
    build_graph,
    predict,
    quantise_array,
    run,
    run_int,
)
from edgeprune.ops import Add, Dense, Softmax
from edgeprune.quantize.rewrite import quantise
from edgeprune.verify import run_onnx

R = np.random.default_rng(3)


def w(*shape: int) -> np.ndarray:
    return (R.normal(size=shape) / np.sqrt(max(1, np.prod(shape[1:])))).astype(np.float32)


NETWORKS = {
    "residual": [
        node("Conv", "x", "w1", "b1", pads=[1, 1, 1, 1], outputs=["a"]),
        node("Relu", "a", outputs=["r"]),
        node("Conv", "r", "w2", pads=[1, 1, 1, 1], outputs=["c"]),
        node("Add", "c", "r", outputs=["s"]),
        node("Clip", "s", "zero", "six", outputs=["t"]),
        node("GlobalAveragePool", "t", outputs=["p"]),
        node("Flatten", "p", outputs=["f"]),
        node("Gemm", "f", "w3", outputs=["g"]),
        node("Softmax", "g", axis=1),
    ],
    "depthwise and concat": [
        node("Conv", "x", "w4", group=3, outputs=["a"]),
        node("MaxPool", "a", kernel_shape=[2, 2], strides=[2, 2], outputs=["m"]),
        node("AveragePool", "a", kernel_shape=[2, 2], strides=[2, 2], outputs=["n"]),
        node("Concat", "m", "n", axis=1, outputs=["c"]),
        node("Tanh", "c", outputs=["t"]),
        node("Mul", "t", "k"),
    ],
    "plain": [
        node("Conv", "x", "w1", "b1", strides=[2, 2], outputs=["a"]),
        node("Relu", "a", outputs=["r"]),
        node("MaxPool", "r", kernel_shape=[2, 2], outputs=["m"]),
        node("Flatten", "m", outputs=["f"]),
        node("Gemm", "f", "w5"),
    ],
}
CONSTANTS = {
    "w1": w(8, 3, 3, 3), "b1": w(8), "w2": w(8, 8, 3, 3), "zero": np.float32(0),
    "six": np.float32(6),     "w3": w(8, 4), "w4": w(3, 1, 3, 3), "k": w(6, 1, 1), "w5": w(72, 4),
}  # fmt: skip


def network(name: str) -> Graph:
    nodes = NETWORKS[name]
    used = {v for n in nodes for v in n.input}
    kept = {k: v for k, v in CONSTANTS.items() if k in used}
    return fuse(loads(model(nodes, {"x": [1, 3, 10, 9]}, kept)))


def integers(graph: Graph, dtype: DType = DType.INT8) -> tuple[Graph, np.ndarray]:
    """A quantised network and 64 inputs for it."""
    v = graph.inputs[0]
    x = np.random.default_rng(0).normal(size=(64, *graph.types[v].shape)).astype(np.float32)
    values = run(graph, {v: torch.from_numpy(x)})
    ranges = {k: (float(t.min()), float(t.max())) for k, t in values.items()}
    made = quantise(graph, ranges, dtype)
    return made, quantise_array(x, made.types[v])


@pytest.mark.parametrize("name", NETWORKS)
def test_an_int8_file_is_within_steps_of_the_integer_reference(name: str) -> None:
    graph, x = integers(network(name))
    content = emit(graph)
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    theirs = run_onnx.run_raw(content, x)
    ours = run_int(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    assert theirs.dtype == ours.dtype == np.int8
    assert theirs.shape == ours.shape
    gap = np.abs(theirs.astype(int) - ours)
    assert gap.max() <= 6  # a rounding that differs by a step grows on its way through a tanh
    assert (gap > 0).mean() < 0.1


def test_weights_are_stored_as_integers_with_a_scale_per_channel() -> None:
    graph, _ = integers(network("residual"))
    content = onnx.load_from_string(emit(graph))
    kinds = {(t.data_type, len(t.dims)) for t in content.graph.initializer}
    assert (onnx.TensorProto.UINT8, 4) in kinds
    assert (onnx.TensorProto.INT32, 1) in kinds
    assert not [t for t in content.graph.initializer if t.data_type == 1 and len(t.dims) > 1]
    per_channel = [
        n for n in content.graph.node if any(a.name == "axis" for a in n.attribute)
        and n.op_type == "DequantizeLinear"
    ]  # fmt: skip
    assert len(per_channel) == 6


def test_a_zero_point_is_written_where_one_is_needed() -> None:
    """ONNX Runtime fuses no uint8 without; elsewhere 0 is what is meant by none."""
    graph, _ = integers(network("residual"))
    content = onnx.load_from_string(emit(graph)).graph
    kinds = {t.name: t.data_type for t in content.initializer}
    counts = {
        (kinds[n.input[0]], len(n.input))
        for n in content.node
        if n.op_type == "DequantizeLinear" and n.input[0] in kinds
    }
    assert counts == {(onnx.TensorProto.UINT8, 3), (onnx.TensorProto.INT32, 2)}


def test_the_users_interface_is_float_and_channels_first_also_for_integers() -> None:
    graph, _ = integers(network("residual"))
    content = emit(graph)
    session = run_onnx.session(content)
    taken, given = session.get_inputs()[0], session.get_outputs()[0]
    assert (taken.name, taken.type, taken.shape) == ("x", "tensor(float)", [1, 3, 10, 9])
    assert (given.name, given.type, given.shape) == ("y", "tensor(float)", [1, 4])
    real = np.float32(0.25) * np.ones((1, 3, 10, 9), np.float32)
    assert session.run(None, {"x": real})[0].shape == (1, 4)


def test_int16_activations_are_emitted_with_the_operator_set_that_has_them() -> None:
    graph, x = integers(network("plain"), DType.INT16)
    content = emit(graph)
    assert onnx.load_from_string(content).opset_import[0].version == 21
    theirs = run_onnx.run_raw(content, x[:8])
    ours = run_int(graph, {graph.inputs[0]: x[:8]})[graph.outputs[0]]
    assert np.abs(theirs.astype(int) - ours).max() <= 8


@pytest.mark.parametrize("name", NETWORKS)
def test_real_outputs_are_those_of_the_float_network(name: str) -> None:
    graph = network(name)
    x = np.random.default_rng(1).normal(size=(5, 10, 9, 3)).astype(np.float32)
    np.testing.assert_allclose(
        run_onnx.run(emit(graph), graph, x), predict(graph, x), rtol=1e-4, atol=1e-5
    )


def test_images_stay_channels_first_inside_the_file() -> None:
    kinds = [n.op_type for n in onnx.load_from_string(emit(network("residual"))).graph.node]
    assert "Transpose" not in kinds
    kinds = [
        n.op_type for n in onnx.load_from_string(emit(network("depthwise and concat"))).graph.node
    ]
    assert "Transpose" not in kinds


@pytest.mark.parametrize(
    ("shape", "constant"), [((5,), (5,)), ((4, 3), (3,)), ((4, 3, 2), (2,)), ((4, 3, 2), (3, 2))]
)
def test_a_constant_that_repeats_adds_no_axis_to_the_result(
    shape: tuple[int, ...], constant: tuple[int, ...]
) -> None:
    values = {"c": np.arange(np.prod(constant), dtype=np.float32).reshape(constant)}
    nodes = [Node("a", Add(), ("x", "c"), "y")]
    graph = build_graph("m", nodes, {"x": TensorType(shape)}, ["y"], values)
    content = emit(graph)
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    x = np.random.default_rng(0).normal(size=(3, *shape)).astype(np.float32)
    assert np.array_equal(run_onnx.run(content, graph, x), x + values["c"])


def test_a_graph_without_ports_and_with_beta_is_written_with_its_own_names() -> None:
    t = TensorType((5, 3))
    nodes = [
        Node("fc", Dense((0.0, 6.0)), ("in", "w", "b"), "h"),
        Node("soft", Softmax(2.0), ("h",), "out"),
    ]
    graph = build_graph("g", nodes, {"in": t}, ["out"], {"w": w(4, 3), "b": w(4)})
    content = emit(graph)
    model_ = onnx.load_from_string(content)
    onnx.checker.check_model(model_, full_check=True)
    assert (model_.graph.input[0].name, model_.graph.output[0].name) == ("in", "out")
    x = w(7, 5, 3)
    np.testing.assert_allclose(run_onnx.run(content, graph, x), predict(graph, x), rtol=1e-5)


def test_equal_weights_are_stored_once() -> None:
    nodes = [node("Conv", "x", "k", outputs=["a"]), node("Conv", "a", "k")]
    kernel = w(3, 3, 3, 3)
    graph = loads(model(nodes, {"x": [1, 3, 10, 9]}, {"k": kernel}))
    stored = [t for t in onnx.load_from_string(emit(graph)).graph.initializer if len(t.dims) == 4]
    assert len(stored) == 1


def test_a_file_that_is_not_ours_cannot_be_run_raw() -> None:
    content = model([node("Relu", "x")], {"x": [1, 4]})
    with pytest.raises(EdgePruneError, match="not written by edgeprune"):
        run_onnx.run_raw(content, np.zeros((1, 4), np.float32))


@pytest.mark.parametrize("name", NETWORKS)
def test_many_samples_at_once_are_answered_as_one_by_one(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, x = integers(network(name))
    content = emit(graph)
    done: list[int] = []
    many = run_onnx.run_raw(content, x, progress=done.append)
    assert sum(done) == len(x) > len(done)  # the batch is free in all of these
    monkeypatch.setattr(run_onnx, "FIRST", len(x))
    np.testing.assert_array_equal(many, run_onnx.run_raw(content, x))


def test_a_file_that_mixes_its_samples_is_run_one_by_one() -> None:
    t = TensorType((4,))
    graph = build_graph("g", [Node("fc", Dense(), ("in", "w", "b"), "out")],
                        {"in": t}, ["out"], {"w": w(3, 4), "b": w(3)})  # fmt: skip
    content = onnx.load_from_string(emit(graph))
    (last,) = (n for n in content.graph.node if "out" in n.output)
    last.output[0] = "each"
    content.graph.node.append(onnx.helper.make_node("Sub", ["each", "mean"], ["out"]))
    content.graph.node.insert(
        len(content.graph.node) - 1,
        onnx.helper.make_node("ReduceMean", ["each"], ["mean"], keepdims=0, noop_with_empty_axes=0),
    )
    x = w(40, 4)
    mixed = content.SerializeToString()
    each = x @ graph.constants["w"].T + graph.constants["b"]
    wanted = each - each.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(run_onnx.run_raw(mixed, x), wanted, rtol=1e-4, atol=1e-5)
