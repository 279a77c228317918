"""Elementwise operators, pools and moves in C compute what the reference does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernels.cases import SEEDS, ZEROS, examples, int8_type, int8_values
from kernels.harness import check, expected, one_node, run_call, spell

from edgeprune.errors import UnsupportedError
from edgeprune.ir import DType, QuantParams, TensorType
from edgeprune.kernels.select import candidates
from edgeprune.ops import (
    Add,
    AvgPool2d,
    Compare,
    Concat,
    Dequantize,
    Div,
    Elu,
    Gather,
    Gelu,
    HardSwish,
    LeakyRelu,
    LogSoftmax,
    Maximum,
    MaxPool2d,
    Mean,
    Minimum,
    Mul,
    Pad,
    PRelu,
    Quantize,
    Relu,
    Resize,
    Sigmoid,
    Slice,
    Softmax,
    Sub,
    Tanh,
    Transpose,
)
from edgeprune.ops._window import Padding
from edgeprune.ops.compare import RESULTS
from edgeprune.ops.function import FUNCTIONS, Selu

CLAMPS = st.sampled_from([None, (0.0, np.inf), (0.0, 6.0), (-1.0, 1.0)])
SCALES = st.sampled_from([1e-4, 0.003, 0.0203, 0.1, 1.7])
MODEST = examples(60)
SHAPES = [
    ((4, 5, 6), (4, 5, 6)),
    ((11, 12, 9), (11, 12, 9)),
    ((11, 12, 9), (1, 12, 1)),
    ((4, 5, 6), (6,)),
    ((4, 5, 6), (1, 1, 6)),
    ((4, 5, 6), (4, 5, 1)),
    ((4, 5, 6), (1, 5, 1)),
    ((4, 1, 6), (1, 5, 6)),
    ((7,), (1,)),
    ((), (3, 2)),
]


@MODEST
@given(
    SEEDS,
    ZEROS,
    ZEROS,
    ZEROS,
    st.tuples(SCALES, SCALES, SCALES),
    CLAMPS,
    st.sampled_from(SHAPES),
    st.sampled_from([Add, Sub, Mul]),
    st.sampled_from([None, 0, 1]),
)
def test_int8_arithmetic_is_the_reference(seed, za, zb, zy, scales, clamp, shapes, op, constant):
    rng = np.random.default_rng(seed)
    types = [int8_type(s, k, z) for s, k, z in zip(shapes, scales, (za, zb), strict=False)]
    values = [int8_values(rng, s) for s in shapes]
    y = int8_type((), scales[2], zy)
    check(*case(op(clamp), types, values, y, constant))


def case(op, types, values, y, constant):
    """A network of one operator, and its sample; operand number ``constant`` is in flash."""
    if constant is None:
        feed = {f"x{i}": v for i, v in enumerate(values)}
        return one_node(op, types, y), feed
    rest = 1 - constant
    order = ["c", "x0"] if constant == 0 else ["x0", "c"]
    constants = {"c": (values[constant], types[constant])}
    return one_node(op, [types[rest]], y, constants, order), {"x0": values[rest]}


@MODEST
@given(
    SEEDS,
    CLAMPS,
    st.sampled_from(SHAPES),
    st.sampled_from([Add, Sub, Mul, Div]),
    st.sampled_from([None, 0, 1]),
)
def test_float_arithmetic_is_the_source(seed, clamp, shapes, op, constant):
    rng = np.random.default_rng(seed)
    values = [rng.normal(size=s).astype(np.float32) for s in shapes]
    values = [np.where(np.abs(v) < 0.1, np.float32(1), v).astype(np.float32) for v in values]
    types = [TensorType(s) for s in shapes]
    check(*case(op(clamp), types, values, None, constant))


@MODEST
@given(
    SEEDS,
    ZEROS,
    st.sampled_from(SHAPES),
    st.sampled_from([Maximum, Minimum]),
    st.sampled_from([None, 0, 1]),
    st.sampled_from(["int8", "int16", "float32"]),
)
def test_the_larger_and_the_smaller_are_the_reference(seed, zero, shapes, op, constant, dtype):
    rng = np.random.default_rng(seed)
    if dtype == "float32":
        values = [rng.normal(size=s).astype(np.float32) for s in shapes]
        check(*case(op(), [TensorType(s) for s in shapes], values, None, constant))
        return
    kind, quant = DType(dtype), QuantParams.of(0.02, zero if dtype == "int8" else 0)
    top = np.iinfo(dtype)
    values = [rng.integers(top.min, top.max + 1, s).astype(dtype) for s in shapes]
    types = [TensorType(s, kind, quant) for s in shapes]
    check(*case(op(), types, values, TensorType((), kind, quant), constant))


@MODEST
@given(SEEDS, ZEROS, ZEROS, ZEROS, st.tuples(SCALES, SCALES, SCALES))
def test_prelu_is_the_reference(seed, zx, zs, zy, scales):
    rng = np.random.default_rng(seed)
    shapes = ((3, 4, 5), (5,))
    types = [int8_type(s, k, z) for s, k, z in zip(shapes, scales, (zx, zs), strict=False)]
    values = [int8_values(rng, s) for s in shapes]
    check(*case(PRelu(), types, values, int8_type((), scales[2], zy), 1))
    values = [rng.normal(size=s).astype(np.float32) for s in shapes]
    check(*case(PRelu(), [TensorType(s) for s in shapes], values, None, 1))


ACTIVATIONS = [
    Relu(),
    Relu((0.0, 6.0)),
    Relu((-1.0, 1.0)),
    Relu((-np.inf, 2.0)),
    Sigmoid(),
    Tanh(),
    LeakyRelu(0.1),
    LeakyRelu(-0.5),
    Elu(),
    HardSwish(),
    Gelu(),
    Gelu(True),
    *(function() for function in FUNCTIONS),
    Selu(1.0, 0.7, 0.7),
    *(Compare(test, bound) for test in RESULTS for bound in (0.0, 0.3)),
]


@examples(8)
@given(ZEROS, ZEROS, SCALES, SCALES)
@pytest.mark.parametrize("op", ACTIVATIONS, ids=str)
def test_int8_functions_of_one_element_are_the_reference(op, zx, zy, xs, ys):
    x = np.arange(-128, 128).astype(np.int8)
    graph = one_node(op, [int8_type(x.shape, xs, zx)], int8_type((), ys, zy))
    for optimize in ("speed", "size"):
        check(graph, {"x0": x}, optimize=optimize)


def test_flat_ends_of_a_table_take_no_flash():
    sigmoid = one_node(Sigmoid(), [int8_type((9,), 0.25, 0)], int8_type((), 1 / 256, -128))
    assert spell(sigmoid).constant_bytes == 256
    assert spell(sigmoid, "size").constant_bytes < 60
    steep = one_node(Sigmoid(), [int8_type((9,), 0.02, 0)], int8_type((), 1 / 256, -128))
    assert spell(steep, "size").constant_bytes == 256


@pytest.mark.parametrize("op", [*ACTIVATIONS, Elu(0.7)], ids=str)
def test_float_functions_of_one_element_are_the_source(op, rng):
    x = np.concatenate([rng.normal(size=500) * 4, [0.0, -0.0, 80.0, -80.0]]).astype(np.float32)
    if getattr(op, "pole", False):
        x = np.abs(x) + np.float32(1e-3)
    check(one_node(op, [TensorType(x.shape)]), {"x0": x})


def check_all(graph, values):
    """Every kernel that computes an int8 softmax gives the reference, also in place."""
    feed = {"x0": values}
    want = expected(graph, feed)
    calls = candidates(graph, graph.nodes[0], ("portable",), "speed", "ep_layer0")
    assert len(calls) == (1 if values.size < 256 else 2)
    for call in calls:
        for inplace in (False, True) if call.inplace is not None else (False,):
            got = run_call(call, graph, feed, inplace=inplace)
            np.testing.assert_array_equal(got, want, call.function)


SOFTMAX_SHAPES = st.sampled_from([(1, 10), (3, 2), (2, 257), (4, 1), (37, 7), (256, 1)])


@MODEST
@given(SEEDS, ZEROS, SCALES, SOFTMAX_SHAPES)
def test_softmax_is_the_reference(seed, zx, scale, shape):
    rng = np.random.default_rng(seed)
    y = int8_type((), 1 / 256, -128)
    check_all(one_node(Softmax(), [int8_type(shape, scale, zx)], y), int8_values(rng, shape))
    y = int8_type((), 1 / 16, 127)
    check(one_node(LogSoftmax(), [int8_type(shape, scale, zx)], y), {"x0": int8_values(rng, shape)})
    x = (rng.normal(size=shape) * 10).astype(np.float32)
    check(one_node(Softmax(1.5), [TensorType(shape)]), {"x0": x})
    check(one_node(LogSoftmax(), [TensorType(shape)]), {"x0": x})


@MODEST
@given(SEEDS, ZEROS, SCALES, SOFTMAX_SHAPES)
def test_softmax_with_a_result_of_int16_is_the_reference(seed, zx, scale, shape):
    rng = np.random.default_rng(seed)
    y = TensorType((), DType.INT16, QuantParams.of(1 / 65536, -32768))
    check_all(one_node(Softmax(), [int8_type(shape, scale, zx)], y), int8_values(rng, shape))


@pytest.mark.parametrize("scale", [1 / 32768, 1 / 65000, 1 / 131072])
def test_softmax_with_a_result_of_int16_on_another_scale_is_refused(scale):
    y = TensorType((), DType.INT16, QuantParams.of(scale, -32768))
    with pytest.raises(UnsupportedError, match="a softmax to scale"):
        spell(one_node(Softmax(), [int8_type((10,), 0.1, 3)], y))


@MODEST
@given(SEEDS, ZEROS, SCALES, SCALES)
def test_int16_as_int8_and_as_int32_is_the_reference(seed, zero, x_scale, y_scale):
    rng = np.random.default_rng(seed)
    x = TensorType((41,), DType.INT16, QuantParams.of(x_scale, int(rng.choice([0, -32768]))))
    for dtype, at in ((DType.INT8, zero), (DType.INT32, 0)):
        y = TensorType((), dtype, QuantParams.of(y_scale, at))
        values = rng.integers(-32768, 32768, 41).astype(np.int16)
        check(one_node(Quantize(dtype), [x], y), {"x0": values})


@pytest.mark.parametrize("scale", [2e-8, 15.9, 16.0, 31.9, 32.0, 1e6])
def test_softmax_of_logits_at_extreme_scales_is_the_reference(scale, rng):
    y = int8_type((), 1 / 256, -128)
    graph = one_node(Softmax(), [int8_type((50, 7), scale, 3)], y)
    check_all(graph, rng.integers(-128, 128, (50, 7)).astype(np.int8))
    check_all(graph, np.full((50, 7), 127, np.int8))
    check_all(graph, rng.integers(126, 128, (50, 7)).astype(np.int8))


@pytest.mark.parametrize("length", [511, 512, 513, 1024, 4095])
def test_softmax_of_many_like_logits_is_the_reference(length, rng):
    y = int8_type((), 1 / 256, -128)
    graph = one_node(Softmax(), [int8_type((2, length), 1e-4, 0)], y)
    for low in (127, 125):
        check_all(graph, rng.integers(low, 128, (2, length)).astype(np.int8))
    if length > 511:
        assert (expected(graph, {"x0": np.zeros((2, length), np.int8)}) == -128).all()


@MODEST
@given(SEEDS, ZEROS, SCALES, CLAMPS, st.sampled_from([MaxPool2d, AvgPool2d]))
def test_pools_are_the_reference(seed, zero, scale, clamp, op):
    rng = np.random.default_rng(seed)
    kernel = tuple(int(v) for v in rng.integers(1, 5, 2))
    stride = tuple(int(v) for v in rng.integers(1, 4, 2))
    pad = Padding(*(int(rng.integers(0, k)) for k in (*kernel, *kernel)))
    image = (*(int(rng.integers(k, k + 6)) for k in kernel), int(rng.integers(1, 9)))
    t = int8_type(image, scale, zero)
    node = op(kernel, stride, pad, clamp)
    check(one_node(node, [t], t), {"x0": int8_values(rng, image)})
    x = rng.normal(size=image).astype(np.float32)
    check(one_node(node, [TensorType(image)]), {"x0": x})


@MODEST
@given(SEEDS, ZEROS, ZEROS, SCALES, SCALES, st.sampled_from([(0, 1), (0,), (1,)]), st.booleans())
def test_means_are_the_reference(seed, zx, zy, xs, ys, axes, keep):
    rng = np.random.default_rng(seed)
    shape = tuple(int(v) for v in rng.integers(1, 9, 3))
    x = int8_values(rng, shape)
    graph = one_node(Mean(axes, keep), [int8_type(shape, xs, zx)], int8_type((), ys, zy))
    check(graph, {"x0": x})
    check(one_node(Mean(axes, keep), [TensorType(shape)]), {"x0": x.astype(np.float32)})


MOVES = [
    Pad((1, 0, 2), (0, 3, 1), 0.0),
    Pad((0, 1, 0), (2, 1, 0), 0.25),
    Slice((0, 1, 0), (4, 5, 6), (1, 2, 1)),
    Slice((1, 0, 2), (3, 5, 3), (1, 1, 1)),
    Slice((2, 4, 0), (-1, -1, 6), (-1, -2, 1)),
    Slice((0, 0, 5), (4, 5, -1), (1, 1, -1)),
    Transpose((2, 0, 1)),
    Transpose((1, 0, 2)),
    Transpose((0, 1, 2)),
    Gather((5, 0, 0, 3)),
    Gather((1, 2, 5)),
]


@pytest.mark.parametrize("dtype", [DType.FLOAT32, DType.INT8])
@pytest.mark.parametrize("op", MOVES, ids=str)
def test_moves_are_the_reference(op, dtype, rng):
    shape = (4, 5, 6)
    t = TensorType(shape) if dtype is DType.FLOAT32 else int8_type(shape, 0.1, -7)
    x = rng.integers(-128, 128, shape).astype(dtype.numpy)
    check(one_node(op, [t], None if dtype is DType.FLOAT32 else t), {"x0": x})


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("constant", [False, True])
def test_concatenations_are_the_reference(axis, count, constant, rng):
    for dtype in (DType.FLOAT32, DType.INT8):
        types, feed, constants, order = [], {}, {}, []
        for i in range(count):
            shape = [3, 4, 5]
            shape[axis] += i
            t = TensorType(tuple(shape), dtype)
            if dtype is DType.INT8:
                t = int8_type(tuple(shape), 0.5, 3)
            value = rng.integers(-128, 128, shape).astype(dtype.numpy)
            if constant and i == 1:
                constants["c"] = (value, t)
                order.append("c")
            else:
                order.append(f"x{len(types)}")
                feed[order[-1]] = value
                types.append(t)
        y = types[0] if dtype is DType.INT8 else None
        check(one_node(Concat(axis), types, y, constants, order), feed)


@MODEST
@given(SEEDS, ZEROS, ZEROS, SCALES, SCALES)
def test_conversions_are_the_reference(seed, zx, zy, xs, ys):
    rng = np.random.default_rng(seed)
    q = np.arange(-128, 128).astype(np.int8)
    x_type, y_type = int8_type(q.shape, xs, zx), int8_type((), ys, zy)
    check(one_node(Quantize(), [x_type], y_type), {"x0": q})
    check(one_node(Dequantize(), [x_type]), {"x0": q}, rtol=0)
    halves = (np.arange(-300, 300) / 2).astype(np.float32) * np.float32(ys)
    wide = (rng.normal(size=100) * 1e6).astype(np.float32)
    x = np.concatenate([halves, wide, np.float32([np.inf, -np.inf, 0.0])])
    check(one_node(Quantize(), [TensorType(x.shape)], y_type), {"x0": x})


@examples(80)
@given(
    SEEDS,
    st.sampled_from(["nearest", "bilinear"]),
    st.sampled_from(["asymmetric", "half_pixel", "align_corners"]),
    st.tuples(st.integers(1, 14), st.integers(1, 14)),
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4)),
)
def test_resized_images_are_the_reference(seed, mode, coordinates, size, shape):
    rng = np.random.default_rng(seed)
    op = Resize(size, mode, coordinates)
    t = int8_type(shape, 0.1, -7)
    check(one_node(op, [t], t), {"x0": int8_values(rng, shape)})
    x = rng.normal(size=shape).astype(np.float32)
    check(one_node(op, [TensorType(shape)]), {"x0": x})


def test_all_nodes_without_a_kernel_are_named_at_once():
    from edgeprune.ir import Node, build_graph
    from edgeprune.kernels.select import lower

    wide = TensorType((4,), DType.INT16, QuantParams.of(0.1))
    nodes = [
        Node("a.first", Sigmoid(), ("x",), "u"),
        Node("b.second", Tanh(), ("u",), "v"),
    ]
    types = {"u": wide, "v": wide}
    graph = build_graph("net", nodes, {"x": wide}, ["v"], {}, known=types)
    with pytest.raises(UnsupportedError, match=r"(?s)2 of 2.*a\.first.*b\.second"):
        lower(graph, ("portable",), "speed")


KINDS = (DType.FLOAT32, DType.INT8, DType.INT16)


def kind_of(dtype: DType, shape: tuple[int, ...]) -> TensorType:
    return TensorType(shape, dtype, None if dtype is DType.FLOAT32 else QuantParams.of(0.1, 0))


@examples(60)
@given(SEEDS, st.sampled_from(KINDS), st.integers(1, 3), st.integers(1, 70), st.booleans())
def test_chosen_elements_are_the_reference(seed, dtype, rows, length, in_order):
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(length)[: int(rng.integers(1, length + 1))]
    op = Gather(tuple(map(int, sorted(chosen) if in_order else chosen)))
    t = kind_of(dtype, (rows, length) if rows > 1 else (length,))
    x = rng.integers(-128, 128, t.shape).astype(dtype.numpy)
    check(one_node(op, [t], None if dtype is DType.FLOAT32 else t), {"x0": x})
