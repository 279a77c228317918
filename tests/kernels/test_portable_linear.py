"""Dense layers and convolutions in C compute what the integer reference does, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernels.cases import (
    BOOKS,
    SEEDS,
    ZEROS,
    examples,
    int8_type,
    int8_values,
    layer_constants,
    output_scale,
)
from kernels.harness import check, one_node, spell

from edgeprune.ir import Over, TensorType
from edgeprune.kernels.portable._window import flat_window
from edgeprune.ops import Conv2d, ConvTranspose2d, Dense, DepthwiseConv2d
from edgeprune.ops._window import Padding

CLAMPS = st.sampled_from([None, (0.0, np.inf), (0.0, 6.0), (-1.0, 1.0)])
FEW = st.sampled_from([(), *BOOKS])
SMALL = st.integers(1, 3)
MODEST = examples(60)


@MODEST
@given(
    SEEDS,
    ZEROS,
    ZEROS,
    CLAMPS,
    st.integers(1, 70),
    st.integers(1, 21),
    SMALL,
    st.booleans(),
    FEW,
)
def test_dense_int8_is_the_reference(seed, zx, zy, clamp, n_in, n_out, rows, per_channel, values):
    rng = np.random.default_rng(seed)
    xs = float(np.float32(np.exp(rng.uniform(-8, 0))))
    constants = layer_constants(rng, (n_out, n_in), 0, xs, per_channel=per_channel, values=values)
    y = int8_type((), output_scale(rng, xs, constants), zy)
    shape = (rows, n_in) if rows > 1 else (n_in,)
    graph = one_node(Dense(clamp), [int8_type(shape, xs, zx)], y, constants)
    check(graph, {"x0": int8_values(rng, shape)})


@MODEST
@given(SEEDS, ZEROS, ZEROS, CLAMPS, FEW)
def test_conv2d_int8_is_the_reference(seed, zx, zy, clamp, values):
    rng = np.random.default_rng(seed)
    op, image, kernel, groups = geometry(rng, clamp)
    xs = float(np.float32(np.exp(rng.uniform(-8, 0))))
    filters = groups * int(rng.integers(1, 7))
    shape = (filters, *kernel, image[2] // groups)
    constants = layer_constants(rng, shape, 0, xs, values=values)
    y = int8_type((), output_scale(rng, xs, constants), zy)
    graph = one_node(Conv2d(*op[:3], groups, clamp), [int8_type(image, xs, zx)], y, constants)
    check(graph, {"x0": int8_values(rng, image)})


@MODEST
@given(SEEDS, ZEROS, ZEROS, CLAMPS, FEW)
def test_depthwise_int8_is_the_reference(seed, zx, zy, clamp, values):
    rng = np.random.default_rng(seed)
    op, image, kernel, _ = geometry(rng, clamp)
    xs = float(np.float32(np.exp(rng.uniform(-8, 0))))
    shape = (*kernel, image[2] * int(rng.integers(1, 4)))
    constants = layer_constants(rng, shape, 2, xs, values=values)
    y = int8_type((), output_scale(rng, xs, constants), zy)
    graph = one_node(DepthwiseConv2d(*op[:3], clamp), [int8_type(image, xs, zx)], y, constants)
    check(graph, {"x0": int8_values(rng, image)})


def geometry(rng, clamp):
    """Stride, padding, dilation; image; kernel; groups."""
    kernel = tuple(int(v) for v in rng.integers(1, 5, 2))
    stride = tuple(int(v) for v in rng.integers(1, 4, 2))
    dilation = tuple(int(v) for v in rng.integers(1, 3, 2))
    pad = Padding(*(int(v) for v in rng.integers(0, 4, 4)))
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    groups = int(rng.choice([1, 1, 2, 3]))
    depth = groups * int(rng.integers(1, 6))
    height = max(1, reach[0] - pad.top - pad.bottom) + int(rng.integers(0, 7))
    width = max(1, reach[1] - pad.left - pad.right) + int(rng.integers(0, 7))
    return (stride, pad, dilation), (height, width, depth), kernel, groups


def float_layer(rng, shape, axis):
    w = rng.normal(size=shape).astype(np.float32)
    b = rng.normal(size=shape[axis]).astype(np.float32)
    return {"w": (w, TensorType(w.shape)), "b": (b, TensorType(b.shape))}


@MODEST
@given(SEEDS, CLAMPS)
def test_dense_and_convolutions_in_float_are_the_source(seed, clamp):
    rng = np.random.default_rng(seed)
    op, image, kernel, groups = geometry(rng, clamp)
    filters = groups * int(rng.integers(1, 7))
    x = rng.normal(size=image).astype(np.float32)
    shape = (filters, *kernel, image[2] // groups)
    conv = Conv2d(*op[:3], groups, clamp)
    check(one_node(conv, [TensorType(image)], None, float_layer(rng, shape, 0)), {"x0": x})
    shape = (*kernel, image[2] * int(rng.integers(1, 3)))
    depthwise = DepthwiseConv2d(*op[:3], clamp)
    check(one_node(depthwise, [TensorType(image)], None, float_layer(rng, shape, 2)), {"x0": x})
    layer = float_layer(rng, (filters, image[2]), 0)
    check(one_node(Dense(clamp), [TensorType(image)], None, layer), {"x0": x})


@MODEST
@given(SEEDS, ZEROS, ZEROS, CLAMPS)
def test_transposed_convolutions_are_the_reference(seed, zx, zy, clamp):
    rng = np.random.default_rng(seed)
    kernel, stride, dilation = (tuple(int(v) for v in rng.integers(1, top, 2)) for top in (5, 4, 3))
    pad = Padding(*(int(v) for v in rng.integers(0, 2, 4)))
    extra = tuple(int(v) for v in rng.integers(0, 2, 2))
    image = (*(int(v) for v in rng.integers(2, 6, 2)), int(rng.integers(1, 6)))
    shape = (int(rng.integers(1, 5)), *(k + 1 for k in kernel), image[2])
    op = ConvTranspose2d(stride, pad, dilation, extra, clamp)
    xs = float(np.float32(np.exp(rng.uniform(-8, 0))))
    constants = layer_constants(rng, shape, 0, xs)
    y = int8_type((), output_scale(rng, xs, constants), zy)
    graph = one_node(op, [int8_type(image, xs, zx)], y, constants)
    check(graph, {"x0": int8_values(rng, image)})
    x = rng.normal(size=image).astype(np.float32)
    check(one_node(op, [TensorType(image)], None, float_layer(rng, shape, 0)), {"x0": x})


@examples(30)
@given(SEEDS, st.integers(32, 40), st.sampled_from([1, 1, 2]))
def test_wide_pointwise_convolutions_lie_over_their_input(seed, filters, stride):
    rng = np.random.default_rng(seed)
    image = (*map(int, rng.integers(1, 6, 2)), int(rng.integers(filters, 44)))
    constants = layer_constants(rng, (filters, 1, 1, image[2]), 0, 0.05)
    y = int8_type((), output_scale(rng, 0.05, constants), 3)
    graph = one_node(Conv2d((stride, stride)), [int8_type(image, 0.05, -9)], y, constants)
    call = spell(graph)
    assert call.inplace == Over()
    assert call.scratch_bytes == 2 * image[2]
    check(graph, {"x0": int8_values(rng, image)})


@pytest.mark.parametrize("stride", [(1, 1), (1, 2), (2, 1)])
def test_pointwise_convolutions_of_every_pixel_take_the_image_as_one_row(stride, rng):
    layer = layer_constants(rng, (4, 1, 1, 3), 0, 0.05)
    graph = one_node(Conv2d(stride), [int8_type((5, 6, 3), 0.05, -9)], int8_type((), 0.1, 3), layer)
    assert (flat_window(30, 3, 4) in str(spell(graph))) == (stride == (1, 1))


@examples(30)
@given(SEEDS, st.integers(1, 31), st.sampled_from([1, 1, 2]))
def test_narrow_pointwise_convolutions_lie_over_their_input_two_pixels_ahead(seed, filters, stride):
    rng = np.random.default_rng(seed)
    image = (*map(int, rng.integers(3, 6, 2)), int(rng.integers(1, 44)))
    constants = layer_constants(rng, (filters, 1, 1, image[2]), 0, 0.05)
    y = int8_type((), output_scale(rng, 0.05, constants), 3)
    graph = one_node(Conv2d((stride, stride)), [int8_type(image, 0.05, -9)], y, constants)
    call = spell(graph)
    assert call.scratch_bytes <= 4
    assert call.inplace is not None
    assert call.inplace.lead >= min(filters, image[2])
    check(graph, {"x0": int8_values(rng, image)})


@MODEST
@given(SEEDS, CLAMPS)
def test_pointwise_convolutions_in_float_lie_over_their_input(seed, clamp):
    rng = np.random.default_rng(seed)
    image = tuple(int(v) for v in rng.integers(1, 7, 3))
    layer = float_layer(rng, (int(rng.integers(1, image[2] + 1)), 1, 1, image[2]), 0)
    graph = one_node(Conv2d(clamp=clamp), [TensorType(image)], None, layer)
    assert spell(graph).inplace == Over()
    check(graph, {"x0": rng.normal(size=image).astype(np.float32)})
