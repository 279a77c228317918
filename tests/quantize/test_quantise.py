"""Quantised graphs stay close to the float ones, and keep TFLite's rules."""

from __future__ import annotations

import numpy as np
import pytest
from op_cases import LACKS

from edgeprune import bundled
from edgeprune.compiler import Recipe
from edgeprune.emit import to_tflite
from edgeprune.errors import UnsupportedError
from edgeprune.frontends import load
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import (
    DType,
    Graph,
    Node,
    TensorType,
    build_graph,
    dequantise_array,
    predict,
    quantise_array,
    run_int,
)
from edgeprune.ir.finest import finest_product
from edgeprune.ir.rows import join_rows
from edgeprune.ops import (
    Add,
    Concat,
    Conv2d,
    Dense,
    LogSoftmax,
    Maximum,
    MaxPool2d,
    Mul,
    PRelu,
    Relu,
    Reshape,
    Sigmoid,
    Softmax,
)
from edgeprune.ops.examples import EXAMPLES, Example, example_graph
from edgeprune.ops.function import FUNCTIONS
from edgeprune.quantize import METHODS, observe, quantise, refuse_unquantised
from edgeprune.target import load_target
from edgeprune.verify import run_tflite


def branching(rng: np.random.Generator) -> Graph:
    """Convolutions with a residual addition, a concatenation that holds a sigmoid, and a head."""

    def w(*shape: int) -> np.ndarray:
        return (rng.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)

    nodes = [
        Node("c1", Conv2d(), ("x", "w1", "b1"), "c1"),
        Node("r1", Relu(), ("c1",), "r1"),
        Node("c2", Conv2d(), ("r1", "w2", "b2"), "c2"),
        Node("a", Add(), ("c2", "r1"), "a"),
        Node("s", Sigmoid(), ("r1",), "s"),
        Node("k", Concat(), ("a", "s"), "k"),
        Node("p", MaxPool2d(), ("k",), "p"),
        Node("f", Reshape(shape=(3 * 3 * 8,)), ("p",), "f"),
        Node("d", Dense(), ("f", "w3", "b3"), "d"),
        Node("o", Softmax(), ("d",), "o"),
    ]
    constants = {"w1": w(4, 1, 1, 3), "b1": w(4), "w2": w(4, 1, 1, 4), "b2": w(4)}
    constants |= {"w3": w(5, 72), "b3": w(5)}
    return build_graph("g", nodes, {"x": TensorType((6, 6, 3))}, ["o"], constants)


def answers(graph: Graph, x: np.ndarray) -> np.ndarray:
    t_in, t_out = graph.types[graph.inputs[0]], graph.types[graph.outputs[0]]
    values = run_int(graph, {graph.inputs[0]: quantise_array(x, t_in)})
    return dequantise_array(values[graph.outputs[0]], t_out)


@pytest.mark.parametrize("method", METHODS)
def test_a_quantised_graph_answers_almost_as_the_float_one(
    rng: np.random.Generator, method: str
) -> None:
    graph = fuse(branching(rng))
    x = rng.normal(size=(64, 6, 6, 3)).astype(np.float32)
    seen = observe(graph, x)
    q = quantise(graph, {v: o.range(method, 256) for v, o in seen.items()})  # type: ignore[arg-type]
    assert np.abs(answers(q, x) - predict(graph, x)).mean() < 0.01


def test_operands_that_share_a_scale_do(rng: np.random.Generator) -> None:
    graph = fuse(branching(rng))
    x = rng.normal(size=(64, 6, 6, 3)).astype(np.float32)
    q = quantise(graph, {v: o.range("minmax", 256) for v, o in observe(graph, x).items()})
    concat = next(n for n in q.nodes if n.op.kind == "concat")
    scales = {q.types[v].quant for v in (*concat.inputs, concat.output)}
    assert len(scales) == 1
    for node in q.nodes:
        if node.op.quant == "same":
            assert q.types[node.output].quant == q.types[node.inputs[0]].quant


@pytest.mark.parametrize("ended", [False, True])
def test_a_large_number_is_a_mask_only_in_front_of_a_softmax(
    rng: np.random.Generator, ended: bool
) -> None:
    constants = {"k": np.asarray([-32768, 0, 0, -32768], np.float32)}
    nodes = [Node("a", Add(), ("x", "k"), "a")]
    if ended:
        nodes.append(Node("s", Softmax(), ("a",), "s"))
    graph = build_graph("g", nodes, {"x": TensorType((4,))}, [nodes[-1].output], constants)
    x = 1000 * rng.normal(size=(64, 4)).astype(np.float32)
    x += 0 if ended else np.float32(32768)
    q = quantise(graph, {v: o.range("minmax", 256) for v, o in observe(graph, x).items()})
    gap = np.abs(answers(q, x) - predict(graph, x)).max()
    assert gap < (0.3 if ended else 0.01 * np.abs(predict(graph, x)).max())


def gated(bias: float) -> Graph:
    """A layer scaled by gates, as squeeze-and-excitation has them."""
    rng = np.random.default_rng(5)
    nodes = [
        Node("g", Dense(), ("x", "w", "b"), "g"),
        Node("s", Sigmoid(), ("g",), "s"),
        Node("m", Mul(), ("s", "x"), "m"),
        Node("d", Dense(), ("m", "v", "c"), "y"),
    ]
    constants = {"w": 0.3 * rng.normal(size=(8, 8)), "b": np.full(8, bias)}
    constants |= {"v": rng.normal(size=(3, 8)), "c": np.zeros(3)}
    values = {k: v.astype(np.float32) for k, v in constants.items()}
    return build_graph("g", nodes, {"x": TensorType((8,))}, ["y"], values)


def relative_error(graph: Graph, x: np.ndarray) -> float:
    seen = observe(graph, x)
    q = quantise(graph, {v: o.range("minmax", 256) for v, o in seen.items()})
    rows = quantise_array(x, q.types["x"])
    values = run_int(q, {"x": rows})
    np.testing.assert_array_equal(run_tflite.run(to_tflite.emit(q), rows, threads=1), values["y"])
    wanted = predict(graph, x)
    return float(np.square(answers(q, x) - wanted).mean() / wanted.var())


def test_gates_that_hardly_open_have_a_scale_of_their_own(rng: np.random.Generator) -> None:
    """On the scale that TFLite fixes they lose 9 dB."""
    x = rng.normal(size=(400, 8)).astype(np.float32)
    wide, small = relative_error(gated(0.0), x), relative_error(gated(-4.0), x)
    assert small < 4 * wide < 1e-2


def test_probabilities_that_are_answers_keep_the_scale_of_tflite(rng: np.random.Generator) -> None:
    nodes = [
        Node("d", Dense(), ("x", "w", "b"), "d"),
        Node("s", Sigmoid(), ("d",), "s"),
        Node("r", Reshape(shape=(2, 2)), ("s",), "y"),
    ]
    constants = {"w": np.eye(4, dtype=np.float32), "b": np.full(4, -4, np.float32)}
    graph = build_graph("g", nodes, {"x": TensorType((4,))}, ["y"], constants)
    x = rng.normal(size=(400, 4)).astype(np.float32)
    q = quantise(graph, {v: o.range("minmax", 256) for v, o in observe(graph, x).items()})
    assert q.types["y"].quant == q.types["s"].quant == Sigmoid().fixed_quant(8)


def test_constants_that_share_a_scale_are_not_cut_off(rng: np.random.Generator) -> None:
    far = np.full((4,), 5, np.float32)
    nodes = [Node("m", Maximum(), ("x", "far"), "m"), Node("k", Concat(), ("m", "far"), "y")]
    graph = build_graph("g", nodes, {"x": TensorType((4,))}, ["y"], {"far": far})
    x = rng.normal(size=(64, 4)).astype(np.float32)
    q = quantise(graph, {v: (-1.0, 5.0 if v in "my" else 1.0) for v in "xmy"})
    assert np.abs(answers(q, x) - predict(graph, x)).max() < 0.03


def test_weights_are_symmetric_and_biases_fit(rng: np.random.Generator) -> None:
    graph = fuse(branching(rng))
    huge = graph.with_constants({"b2": np.full(4, 1e6, np.float32)})
    x = rng.normal(size=(16, 6, 6, 3)).astype(np.float32)
    q = quantise(huge, {v: o.range("minmax", 256) for v, o in observe(huge, x).items()})
    for node in q.nodes:
        if not node.op.weights:
            continue
        w, b = q.constants[node.inputs[1]], q.constants[node.inputs[2]]
        assert w.min() >= -127
        assert set(q.types[node.inputs[1]].quant.zero_point) == {0}  # type: ignore[union-attr]
        assert np.abs(b.astype(np.int64)).max() <= 2**22
        if node.inputs[2].startswith("b2"):
            assert np.abs(b.astype(np.int64)).max() > 2**21


def test_the_bundled_model_loses_at_most_two_tenths_of_a_point() -> None:
    b = bundled.load_data()
    graph = fuse(load(bundled.model_path()))
    x, y = b.x_test[:2000], b.y_test[:2000]
    seen = observe(graph, b.x_train[:500])
    q = quantise(graph, {v: o.range("minmax", 256) for v, o in seen.items()}, DType.INT8)
    lost = (predict(graph, x).argmax(1) == y).mean() - (answers(q, x).argmax(1) == y).mean()
    assert lost <= 0.002


VARYING = [
    pytest.param(example, dtype, id=f"{k}-{example[0].kind}-{dtype}")
    for k, example in enumerate(EXAMPLES)
    for dtype in ("int8", "int16x8")
    if f"c {dtype}" not in LACKS.get(example[0].kind, ())
    and not example[0].numbers
    and not isinstance(example[0], FUNCTIONS)  # what they make varies with what they read
    and example[0].kind != "div"  # refused, as its divisor may be 0
]


@pytest.mark.parametrize(("example", "dtype"), VARYING)
@pytest.mark.parametrize("top", [0.0, 1e-9])
def test_a_result_that_never_varies_has_a_scale_that_kernels_can_make(
    example: Example, dtype: str, top: float, rng: np.random.Generator
) -> None:
    """As of a neuron that never fires, between values that do vary."""
    graph = example_graph(example)
    ends = {v: (-3.0, 3.0) for v in graph.inputs} | {n.output: (0.0, top) for n in graph.nodes}
    made = quantise(graph, ends, DType.INT16 if dtype == "int16x8" else DType.INT8)
    types = [made.types[v] for v in made.inputs]
    x = [quantise_array(rng.normal(0, 1, (5, *t.shape)), t) for t in types]
    want = run_int(made, dict(zip(made.inputs, x, strict=True)))[made.outputs[0]]
    Recipe(load_target("cortex-m0plus"), dtype, "size", {}).compile(made)
    if f"tflite {dtype}" not in LACKS.get(example[0].kind, ()):
        got = run_tflite.run(to_tflite.emit(made), x[0] if len(x) == 1 else join_rows(x))
        assert np.array_equal(got.reshape(want.shape), want)


def test_operators_without_an_int16_form_are_refused_at_once_with_what_has_one() -> None:
    nodes = [
        Node("a", PRelu(), ("x", "w"), "a"),
        Node("b", Sigmoid(), ("a",), "b"),
        Node("c", LogSoftmax(), ("b",), "c"),
    ]
    graph = build_graph("g", nodes, {"x": TensorType((4,))}, ("c",), {"w": np.ones(4, np.float32)})
    refuse_unquantised(graph, DType.INT8)
    with pytest.raises(UnsupportedError) as caught:
        refuse_unquantised(graph, DType.INT16)
    assert caught.value.what == "no int16 form for prelu (a), log_softmax (c)"
    assert caught.value.hint == "use --dtype int8 or float32"


def test_what_has_an_int16_form_is_what_the_table_says() -> None:
    """Whoever adds an operator that has none says so by its class, and is not found out later."""
    kinds = {op.kind: op for op, _, _ in EXAMPLES if not op.keeps_integers}
    without = {kind for kind, op in kinds.items() if not op.has_integers(DType.INT16)}
    assert without == {kind for kind in kinds if "tflite int16x8" in LACKS.get(kind, ())}


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
def test_a_product_with_a_large_constant_has_no_scale_that_litert_cannot_make(dtype: DType) -> None:
    large = {"c": np.asarray([3e9, -3e9, 1.0], np.float32)}
    nodes = [Node("p", Mul(), ("x", "c"), "y")]
    graph = build_graph("m", nodes, {"x": TensorType((3,))}, ["y"], large)
    made = quantise(graph, {"x": (-1.0, 1.0), "y": (0.0, 0.0)}, dtype)
    scale = {v: t.quant.scale[0] for v, t in made.types.items() if t.quant is not None}
    operands = [scale[v] for n in made.nodes for v in n.inputs]
    assert scale["y"] >= finest_product(operands, dtype)
