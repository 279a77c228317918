"""TFLite files as we write them: LiteRT computes from them what our own references compute."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from op_cases import (
    FORMS,
    Case,
    residual,
    to_integers,
    with_int4_weights,
)

from edgeprune.emit.to_tflite import emit
from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.ir import (
    DType,
    Graph,
    LinearOp,
    Node,
    QuantParams,
    TensorType,
    build_graph,
    predict,
    quantise_array,
    run,
    run_int,
)
from edgeprune.ops import (
    Add,
    AvgPool2d,
    Conv2d,
    Dense,
    DepthwiseConv2d,
    Elu,
    Gelu,
    Relu,
    Softmax,
    Sub,
    Unary,
)
from edgeprune.ops._window import Padding
from edgeprune.ops.function import Abs, Exp, Log, Rsqrt
from edgeprune.quantize.rewrite import quantise
from edgeprune.verify import run_tflite

FEW_BITS = [c for c in FORMS if isinstance(c.op, LinearOp) and c.has("tflite int4")]


def quantised_residual() -> tuple[Graph, np.ndarray]:
    import torch

    graph = residual()
    x = np.random.default_rng(0).normal(0, 1, (50, 6, 6, 3)).astype(np.float32)
    values = run(graph, {"x": torch.from_numpy(x)})
    ends = {v: (float(values[v].min()), float(values[v].max())) for v in graph.activations}
    return quantise(graph, ends), x


@pytest.mark.parametrize("case", FORMS, ids=str)
def test_a_float_file_computes_what_the_graph_does(case: Case) -> None:
    graph, x = case.graph(), case.samples()
    want, got = predict(graph, x), run_tflite.run(emit(graph), x)
    assert np.abs(got - want).max() <= 1e-5 * np.abs(want).max()


def test_a_clamp_to_6_that_32_bits_do_not_hold_at_its_scale_is_none_upwards() -> None:
    """LiteRT's RELU6 gave 0 throughout: it casts 6 / scale to 32 bits."""
    x, y = (TensorType((4,), DType.INT16, QuantParams.of(s)) for s in (7e-9, 5e-10))
    nodes = [Node("clamp", Relu((0.0, 6.0)), ("x",), "y")]
    graph = build_graph("clamp", nodes, {"x": x}, ["y"], {}, known={"y": y})
    rows = np.array([[-5, 0, 100, 30_000]], np.int16)
    want = run_int(graph, {"x": rows})["y"]
    assert want.tolist() == [[0, 0, 1400, 32767]]
    assert run_tflite.run(emit(graph), rows).tolist() == want.tolist()


@pytest.mark.parametrize("case", FORMS, ids=str)
def test_an_int8_file_computes_what_the_integer_reference_does(case: Case) -> None:
    graph = case.quantised()
    x = quantise_array(case.samples(), graph.types[graph.inputs[0]])
    want = run_int(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    assert np.array_equal(run_tflite.run(emit(graph), x), want)


@pytest.mark.parametrize("case", [c for c in FORMS if c.has("tflite int16x8")], ids=str)
def test_an_int16_file_computes_what_the_integer_reference_does(case: Case) -> None:
    graph = case.quantised(DType.INT16)
    x = quantise_array(case.samples(), graph.types[graph.inputs[0]])
    want = run_int(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    assert np.array_equal(run_tflite.run(emit(graph), x), want)


def test_a_network_with_branches_is_exact_in_int8() -> None:
    graph, real = quantised_residual()
    x = quantise_array(real, graph.types["x"])
    want = run_int(graph, {"x": x})[graph.outputs[0]]
    assert np.array_equal(run_tflite.run(emit(graph), x), want)


def test_the_same_graph_gives_the_same_bytes() -> None:
    graph, _ = quantised_residual()
    again, _ = quantised_residual()
    assert emit(graph) == emit(again)


def test_equal_constants_are_stored_once() -> None:
    w = np.random.default_rng(0).normal(0, 1, 4096).astype(np.float32)
    sizes = []
    for second in (w, w + 1):
        nodes = [Node("a", Add(), ("x", "w1"), "h"), Node("b", Add(), ("h", "w2"), "y")]
        constants = {"w1": w, "w2": second}
        graph = build_graph("m", nodes, {"x": TensorType((4096,))}, ["y"], constants)
        sizes.append(len(emit(graph)))
    assert sizes[1] - sizes[0] >= w.nbytes


def test_a_file_is_little_more_than_its_weights() -> None:
    graph, _ = quantised_residual()
    weights = sum(t.nbytes for v, t in graph.types.items() if v in graph.constants)
    assert len(emit(graph)) < weights + 400 * len(graph.nodes)  # of it 24 bytes a channel


def test_tensors_keep_the_names_of_the_users_model() -> None:
    model = schema.ModelT.InitFromPackedBuf(emit(residual()))
    names = {t.name.decode() for t in model.subgraphs[0].tensors if t.name}
    assert {"x", "h1", "h2", "h3", "h4", "h5", "y"} <= names


def test_constant_data_is_aligned_for_microcontrollers() -> None:
    graph, _ = quantised_residual()
    content = emit(graph)
    model = schema.Model.GetRootAs(content)
    for i in range(model.BuffersLength()):
        data = model.Buffers(i).DataAsNumpy()
        if not isinstance(data, int):
            at = data.__array_interface__["data"][0] - np.frombuffer(content, np.uint8).ctypes.data
            assert at % min(16, data.size & -data.size) == 0


def metadata(content: bytes) -> dict[str, bytes]:
    model = schema.ModelT.InitFromPackedBuf(content)
    return {m.name.decode(): bytes(model.buffers[m.buffer].data) for m in model.metadata}


def test_the_oldest_runtime_that_has_every_operator_is_said() -> None:
    assert metadata(emit(residual()))["min_runtime_version"].rstrip(b"\0") == b"1.6.0"
    graph, _ = quantised_residual()  # fully connected with a scale per channel
    assert metadata(emit(graph))["min_runtime_version"].rstrip(b"\0") == b"2.17.0"


def test_a_memory_plan_for_tflite_micro_travels_with_the_file() -> None:
    graph, _ = quantised_residual()
    content = emit(graph, offline_plan=True)
    plan = np.frombuffer(metadata(content)["OfflineMemoryAllocation"], "<i4")
    g = schema.ModelT.InitFromPackedBuf(content).subgraphs[0]
    assert plan[:3].tolist() == [1, 0, len(g.tensors)]
    place = dict(enumerate(plan[3:].tolist()))
    computed = {*g.inputs, *(o.outputs[0] for o in g.operators)}
    assert {i for i, at in place.items() if at >= 0} == computed
    assert all(at % 16 == 0 for i, at in place.items() if i in computed)
    size = {i: int(np.prod(g.tensors[i].shape)) for i in computed}
    last = {i: k for k, o in enumerate(g.operators) for i in (*o.inputs, *o.outputs)}
    alive = set(g.inputs)
    for k, o in enumerate(g.operators):
        alive |= {o.outputs[0]}
        spans = sorted((place[i], place[i] + size[i]) for i in alive)
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))
        alive -= {i for i in alive if last[i] <= k and i not in g.outputs}


def test_a_memory_plan_does_not_change_a_result() -> None:
    graph, real = quantised_residual()
    x = quantise_array(real, graph.types["x"])
    plain, planned = (run_tflite.run(emit(graph, offline_plan=p), x) for p in (False, True))
    assert np.array_equal(plain, planned)


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
@pytest.mark.parametrize("case", FEW_BITS, ids=str)
def test_int4_weights_are_exact_too(case: Case, dtype: DType) -> None:
    graph = with_int4_weights(case, dtype)
    if dtype is DType.INT16 and isinstance(case.op, DepthwiseConv2d):
        with pytest.raises(UnsupportedError, match="no int4 weights beside int16"):
            emit(graph)
        return
    x = quantise_array(case.samples(), graph.types[graph.inputs[0]])
    want = run_int(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    assert np.array_equal(run_tflite.run(emit(graph), x), want)


def test_int4_weights_are_packed_two_a_byte() -> None:
    case = Case(Dense(), (256,), ((64, 256), (64,)))
    assert len(emit(case.quantised())) - len(emit(with_int4_weights(case))) == 64 * 256 // 2


def test_everything_that_tflite_cannot_say_is_listed_at_once() -> None:
    nodes = [Node("a", Elu(0.5), ("x",), "h"), Node("b", Elu(2.0), ("h",), "y")]
    graph = build_graph("m", nodes, {"x": TensorType((4,))}, ["y"], {})
    with pytest.raises(UnsupportedError) as e:
        emit(graph)
    assert "a (elu)" in str(e.value)
    assert "b (elu)" in str(e.value)


@pytest.mark.parametrize("shape", [(4, 1, 3, 2), (4, 3, 1, 2)])
def test_padding_that_suits_another_side_of_the_kernel_is_a_pad_of_its_own(
    shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    """A row of padding on every side is SAME of 3 by 3, not of 1 by 3."""
    t = TensorType((5, 6, 2))
    constants = {
        "w": rng.normal(size=shape).astype(np.float32), "b": np.zeros(4, np.float32),
    }  # fmt: skip
    op = Conv2d(padding=Padding(1, 1, 1, 1))
    graph = build_graph("m", [Node("y", op, ("x", "w", "b"), "y")], {"x": t}, ["y"], constants)
    x = rng.normal(size=(3, 5, 6, 2)).astype(np.float32)
    np.testing.assert_allclose(run_tflite.run(emit(graph), x), predict(graph, x), atol=1e-5)


def test_an_average_whose_padding_tflite_does_not_have_is_refused() -> None:
    case = Case(AvgPool2d((3, 3), (2, 2), Padding(1, 1, 1, 1)), (8, 8, 3))
    with pytest.raises(UnsupportedError, match="layer"):
        emit(case.graph())


def test_inputs_of_another_shape_or_type_are_refused() -> None:
    content = emit(Case(Softmax(), (9,)).graph())
    with pytest.raises(EdgePruneError, match=r"takes float32 \[9\], not float32 \[8\]"):
        run_tflite.run(content, np.zeros((2, 8), np.float32))
    with pytest.raises(EdgePruneError, match="not float64"):
        run_tflite.run(content, np.zeros((2, 9)))


def test_a_malformed_file_never_reaches_litert() -> None:
    with pytest.raises(EdgePruneError, match="no TFLite file"):
        run_tflite.run(b"no model at all", np.zeros((1, 4), np.float32))


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
def test_values_that_hardly_vary_do_not_bring_litert_down(dtype: DType) -> None:
    """Its kernels abort the process on scales too far apart."""
    nodes = [
        Node("zero", Sub(), ("x", "x"), "d"),
        Node("more", Add(), ("d", "x"), "h"),
        Node("none", Sub(), ("h", "x"), "e"),
        Node("out", Softmax(), ("e",), "y"),
    ]
    graph = build_graph("m", nodes, {"x": TensorType((5,))}, ["y"], {})
    ends = {"x": (-3.0, 3.0), "d": (0.0, 0.0), "h": (-3.0, 3.0), "e": (0.0, 0.0), "y": (0.2, 0.2)}
    made = quantise(graph, ends, dtype)
    x = quantise_array(np.random.default_rng(0).normal(0, 1, (20, 5)), made.types["x"])
    want = run_int(made, {"x": x})[made.outputs[0]]
    assert np.array_equal(run_tflite.run(emit(made), x), want)


def test_the_number_of_threads_does_not_change_a_result() -> None:
    case = Case(Softmax(), (9,))
    graph = to_integers(case.graph(), case.samples())
    x = quantise_array(case.samples(31), graph.types[graph.inputs[0]])
    one, three = (run_tflite.run(emit(graph), x, threads=n) for n in (1, 3))
    assert np.array_equal(one, three)


@pytest.mark.parametrize("op", [Exp(), Log(), Rsqrt(), Abs(), Gelu(), Gelu(True)], ids=str)
def test_a_function_that_litert_has_in_int16_is_not_written_out(op: Unary) -> None:
    """As a table of every int16 it takes 128 KB."""
    content = emit(Case(op, (9,)).quantised(DType.INT16))
    assert len(content) < 8192


def test_a_root_of_int16_below_0_does_not_stop_litert() -> None:
    """Its RSQRT refuses to run there."""
    types = [TensorType((4,), DType.INT16, QuantParams.of(s)) for s in (0.001, 0.002)]
    graph = build_graph(
        "root", [Node("layer", Rsqrt(), ("x",), "y")], {"x": types[0]}, ["y"], {},
        known={"y": types[1]},
    )  # fmt: skip
    x = np.array([[-32768, -1, 0, 500]], np.int16)
    assert np.array_equal(run_tflite.run(emit(graph), x), run_int(graph, {"x": x})["y"])


def test_an_input_that_nothing_reads_is_one_of_the_file_in_its_place() -> None:
    inputs = {"a": TensorType((3,)), "idle": TensorType((2,)), "b": TensorType((3,))}
    graph = build_graph("m", [Node("s", Sub(), ("b", "a"), "y")], inputs, ["y"], {})
    part = schema.ModelT.InitFromPackedBuf(emit(graph)).subgraphs[0]
    assert [part.tensors[i].name.decode() for i in part.inputs] == ["a", "idle", "b"]


@pytest.mark.parametrize(
    ("bounds", "operators"),
    [((0.0, 1.0), 1), ((0.0, 6.0), 1), ((-1.0, 1.0), 1), ((0.0, 2.0), 2), ((-2.0, 1.0), 2)],
)
def test_a_clamp_that_tflite_has_by_name_is_one_operator(
    bounds: tuple[float, float], operators: int
) -> None:
    graph = build_graph(
        "m", [Node("r", Relu(bounds), ("x",), "y")], {"x": TensorType((4,))}, ["y"], {}
    )
    content = emit(graph)
    assert len(schema.ModelT.InitFromPackedBuf(content).subgraphs[0].operators) == operators
    x = np.linspace(-9, 9, 40, dtype=np.float32).reshape(10, 4)
    assert np.array_equal(run_tflite.run(content, x), x.clip(*bounds))
