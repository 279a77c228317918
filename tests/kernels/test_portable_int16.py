"""int16 activations with int8 weights in C compute what the integer reference does, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernels.cases import SEEDS, examples, layer_constants, output_scale
from kernels.harness import check, one_node, spell
from kernels.test_portable_linear import CLAMPS, geometry

from edgeprune.errors import UnsupportedError
from edgeprune.ir import DType, QuantParams, TensorType, run_int
from edgeprune.kernels.accumulators import require_int32_sums
from edgeprune.ops import (
    Add,
    AvgPool2d,
    Concat,
    Conv2d,
    ConvTranspose2d,
    Dense,
    DepthwiseConv2d,
    Dequantize,
    Elu,
    Gelu,
    HardSwish,
    LeakyRelu,
    MaxPool2d,
    Mean,
    Mul,
    Quantize,
    Relu,
    Resize,
    Sigmoid,
    Softmax,
    Sub,
    Tanh,
    Transpose,
)
from edgeprune.ops._window import Padding
from edgeprune.ops.function import FUNCTIONS

SCALES = st.sampled_from([1e-5, 0.0003, 0.00203])
MODEST = examples(40)


def int16_type(shape, scale):
    return TensorType(shape, DType.INT16, QuantParams.of(scale))


def int16_values(rng, shape):
    if rng.random() < 0.25:
        return rng.choice(np.array([-32768, 32767], np.int16), shape)
    return rng.integers(-32768, 32768, shape).astype(np.int16)


def wide_layer(rng, shape, axis, x_scale):
    """Weights of int8 with a bias of 64 bits."""
    layer = layer_constants(rng, shape, axis, x_scale)
    bias, t = layer["b"]
    layer["b"] = (bias.astype(np.int64), TensorType(t.shape, DType.INT64, t.quant))
    return layer


@examples(15)
@given(SEEDS, CLAMPS)
def test_int16_layers_are_the_reference(seed, clamp):
    rng = np.random.default_rng(seed)
    op, image, kernel, groups = geometry(rng, clamp)
    x = int16_values(rng, image)
    xs = float(np.float32(np.exp(rng.uniform(-12, -4))))
    filters = groups * int(rng.integers(1, 7))
    for made, shape, axis in (
        (Conv2d(*op[:3], groups, clamp), (filters, *kernel, image[2] // groups), 0),
        (DepthwiseConv2d(*op[:3], clamp), (*kernel, image[2] * int(rng.integers(1, 4))), 2),
        (Dense(clamp), (filters, image[2]), 0),
    ):
        layer = wide_layer(rng, shape, axis, xs)
        y = int16_type((), output_scale(rng, xs, layer))
        check(one_node(made, [int16_type(image, xs)], y, layer), {"x0": x})


ROOM = 2**31 - 1 - 127 * 2**15
"""What a bias leaves for a sum of 127 times the lowest input, in 32 bits."""


@pytest.mark.parametrize(("bias", "fits"), [(ROOM, 1), (ROOM + 1, 0), (-ROOM - 1, 0), (2**33, 0)])
def test_int16_convolutions_finish_in_32_bits_where_all_sums_fit(bias, fits):
    w = np.full((2, 1, 1, 1), 127, np.int8)
    layer = {
        "w": (w, TensorType(w.shape, DType.INT8, QuantParams.of(1.0))),
        "b": (np.array([0, bias]), TensorType((2,), DType.INT64, QuantParams.of(1.0))),
    }
    graph = one_node(Conv2d(), [int16_type((1, 2, 1), 1.0)], int16_type((), 2.0**19), layer)
    assert dict(spell(graph).params)["output"] == f"{{0, -32768, 32767, {fits}}}"
    check(graph, {"x0": np.array([[[32767], [-32768]]], np.int16)})


@pytest.mark.parametrize(("factor", "ok"), [(127.9, True), (128.1, False), (2.0**20, False)])
def test_a_change_of_scale_beyond_what_litert_defines_is_refused(factor, ok):
    """Its right shift would be less than 8; the C shifted by a negative number."""
    w = np.array([[[[1]]], [[[3]]]], np.int8)
    layer = {
        "w": (w, TensorType(w.shape, DType.INT8, QuantParams.of(1.0))),
        "b": (np.zeros(2, np.int64), TensorType((2,), DType.INT64, QuantParams.of(1.0))),
    }
    y = int16_type((), 1 / factor)
    graph = one_node(Conv2d(), [int16_type((2, 2, 1), 1.0)], y, layer)
    x = {"x0": np.array([[[1], [-2]], [[3], [50]]], np.int16)}
    if ok:
        check(graph, x)
        return
    rows = {"x0": x["x0"][None]}
    for compute in (lambda: spell(graph), lambda: run_int(graph, rows)):
        with pytest.raises(UnsupportedError, match="a change of scale"):
            compute()


@MODEST
@given(SEEDS, SCALES, CLAMPS)
def test_int16_transposed_convolutions_are_the_reference(seed, xs, clamp):
    rng = np.random.default_rng(seed)
    kernel, stride, dilation = (tuple(int(v) for v in rng.integers(1, top, 2)) for top in (5, 4, 3))
    pad = Padding(*(int(v) for v in rng.integers(0, 2, 4)))
    extra = tuple(int(v) for v in rng.integers(0, 2, 2))
    image = (*(int(v) for v in rng.integers(2, 6, 2)), int(rng.integers(1, 6)))
    shape = (int(rng.integers(1, 5)), *(k + 1 for k in kernel), image[2])
    constants = wide_layer(rng, shape, 0, xs)
    y = int16_type((), output_scale(rng, xs, constants) / 256)
    op = ConvTranspose2d(stride, pad, dilation, extra, clamp)
    graph = one_node(op, [int16_type(image, xs)], y, constants)
    check(graph, {"x0": int16_values(rng, image)})


@MODEST
@given(
    SEEDS,
    st.sampled_from(["nearest", "bilinear"]),
    st.sampled_from(["asymmetric", "half_pixel", "align_corners"]),
    st.tuples(st.integers(1, 14), st.integers(1, 14)),
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4)),
)
def test_resized_int16_images_are_the_reference(seed, mode, coordinates, size, shape):
    rng = np.random.default_rng(seed)
    t = int16_type(shape, 0.1)
    check(one_node(Resize(size, mode, coordinates), [t], t), {"x0": int16_values(rng, shape)})


@MODEST
@given(SEEDS, CLAMPS, st.tuples(SCALES, SCALES, SCALES), st.sampled_from([Add, Sub, Mul]))
def test_int16_arithmetic_is_the_reference(seed, clamp, scales, op):
    rng = np.random.default_rng(seed)
    shapes = ((4, 5, 6), (1, 1, 6))
    types = [int16_type(s, k) for s, k in zip(shapes, scales, strict=False)]
    feed = {f"x{i}": int16_values(rng, s) for i, s in enumerate(shapes)}
    check(one_node(op(clamp), types, int16_type((), scales[2])), feed)


@MODEST
@given(SEEDS, SCALES, SCALES)
def test_int16_pools_means_and_conversions_are_the_reference(seed, xs, ys):
    rng = np.random.default_rng(seed)
    shape = (5, 6, 3)
    t, x = int16_type(shape, xs), int16_values(rng, shape)
    for op in (MaxPool2d((2, 3), (1, 2)), AvgPool2d((2, 3), (2, 1)), Transpose((2, 0, 1))):
        check(one_node(op, [t], t), {"x0": x})
    y = int16_type((), ys)
    check(one_node(Mean((0, 1)), [t], y), {"x0": x})
    check(one_node(Quantize(DType.INT16), [t], y), {"x0": x})
    check(one_node(Dequantize(), [t]), {"x0": x}, rtol=0)
    real = (rng.normal(size=shape) * 40000 * ys).astype(np.float32)
    check(one_node(Quantize(DType.INT16), [TensorType(shape)], y), {"x0": real})
    check(one_node(Concat(), [t, t], t), {"x0": x, "x1": x[::-1]})


ACTIVATIONS = [
    (Relu(), None),
    (Relu((0.0, 6.0)), None),
    (LeakyRelu(0.1), None),
    (LeakyRelu(-0.5), None),
    (Sigmoid(), 1 / 32768),
    (Tanh(), 1 / 32768),
    (Gelu(), None),
    (Elu(0.7), None),
    (HardSwish(), None),
    *((function(), None) for function in FUNCTIONS),
]


@examples(6)
@given(st.sampled_from([*np.exp(np.linspace(-11, -4, 8)), 2.0**-12, 2.0**-11, 2.0**-13]), SCALES)
@pytest.mark.parametrize(("op", "fixed"), ACTIVATIONS, ids=str)
def test_int16_functions_of_one_element_are_the_reference(op, fixed, xs, ys):
    x = np.arange(-32768, 32768).astype(np.int16)
    y = int16_type((), fixed or ys)
    check(one_node(op, [int16_type(x.shape, float(xs))], y), {"x0": x})


@MODEST
@given(SEEDS, SCALES, st.sampled_from([(1, 10), (3, 2), (2, 257), (4, 1)]))
def test_int16_softmax_is_the_reference(seed, scale, shape):
    rng = np.random.default_rng(seed)
    graph = one_node(Softmax(1.5), [int16_type(shape, scale)], int16_type((), 1 / 32768))
    check(graph, {"x0": int16_values(rng, shape)})


def test_int16_softmax_takes_as_many_elements_as_16_bits_count():
    y = int16_type((), 1 / 32768)
    longest = one_node(Softmax(), [int16_type((2**16 - 1,), 0.001)], y)
    assert spell(longest).kernel == "ep_softmax_s16"
    with pytest.raises(UnsupportedError):
        spell(one_node(Softmax(), [int16_type((2**16,), 0.001)], y))


def test_sums_that_int32_does_not_hold_are_refused(rng):
    layer = {
        "w": (
            np.full((1, 600), 127, np.int8),
            TensorType((1, 600), DType.INT8, QuantParams((0.1,), (0,), 0)),
        ),
        "b": (np.zeros(1, np.int64), TensorType((1,), DType.INT64, QuantParams.of(0.1))),
    }
    graph = one_node(Dense(), [int16_type((600,), 0.1)], int16_type((), 0.1), layer)
    with pytest.raises(UnsupportedError, match=r"(?s)layer.*int32"):
        check(graph, {"x0": np.zeros(600, np.int16)})


@pytest.mark.parametrize("op", [Sigmoid(), Tanh()], ids=str)
def test_int16_sigmoid_and_tanh_are_the_reference_up_to_the_scale_that_is_refused(op):
    x = np.array([-32768, -32767, -20000, -1, 0, 1, 12345, 32767], np.int16)
    y = int16_type((), 1 / 32768)
    for scale in (1e-6, 2.7, 5.2, 5.333):
        check(one_node(op, [int16_type(x.shape, scale)], y), {"x0": x})
    for scale in (5.4, 9.8, 1e6):
        with pytest.raises(UnsupportedError, match=r"5\.3 at most"):
            spell(one_node(op, [int16_type(x.shape, scale)], y))


def test_sums_of_int16_products_that_32_bits_just_hold_are_not_refused() -> None:
    """At the least input, -32768, on all weights."""
    for total, refused in ((65535, False), (65536, True)):
        w = np.zeros((2, 520), np.int32)
        w[1, :516] = 127
        w[1, 516] = total - 516 * 127
        assert w[1].sum() == total
        if refused:
            with pytest.raises(UnsupportedError, match="leave int32"):
                require_int32_sums("n", w)
        else:
            require_int32_sums("n", w)
