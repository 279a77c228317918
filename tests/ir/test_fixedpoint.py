"""Every integer rule against LiteRT's reference kernels: no output may differ."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tflite_files import Value, constant, one_op, run

from edgeprune.errors import UnsupportedError
from edgeprune.ir import fixedpoint as fp
from edgeprune.ir.types import DType, QuantParams, TensorType
from edgeprune.ops import Resize
from tests.ir.draws import ROUNDS, Draw

ALL = np.arange(-128, 128).astype(np.int8)


@pytest.mark.parametrize("far", [1e10, 1e19, 1e30, 3e38])
@pytest.mark.parametrize("scale", [1e-6, 0.01, 1e4])
def test_a_bound_that_no_integer_reaches_bounds_nothing(far: float, scale: float) -> None:
    y = QuantParams.of(scale, 3)
    assert fp.clamp_range(-far, far, y) == (-128, 127)


def bias_quant(x: QuantParams, w: QuantParams) -> QuantParams:
    scales = np.float32(x.scale[0]) * np.asarray(w.scale, np.float32)
    axis = None if w.axis is None else 0
    return QuantParams(tuple(map(float, scales)), (0,) * len(scales), axis)


def window(size: int, kernel: int, stride: int, dilation: int, same: bool) -> tuple[int, int, int]:
    """Output length, padding before and behind, as TFLite has them."""
    span = (kernel - 1) * dilation + 1
    if not same:
        return -(-(size - span + 1) // stride), 0, 0
    out = -(-size // stride)
    total = max((out - 1) * stride + span - size, 0)
    return out, total // 2, total - total // 2


@pytest.mark.parametrize("seed", ROUNDS)
@pytest.mark.parametrize("per_tensor", [False, True])
def test_dense_is_that_of_the_reference_kernels(seed: int, per_tensor: bool) -> None:
    d = Draw(seed)
    k, o = d.size(1, 40), d.size(2, 8)
    x, w, b = d.int8(100, k), d.weights(o, k), d.bias(o)
    xq, wq, yq = d.quant(), d.per_channel(o, 0), d.quant(1e-3, 1.0)
    if per_tensor:
        wq = QuantParams((wq.scale[0],), (d.size(-9, 9),))
    number, clamp = d.activation(yq)
    file = one_op(
        "FULLY_CONNECTED",
        [Value(x.shape, "int8", xq), constant(w, wq), constant(b, bias_quant(xq, wq))],
        Value((100, o), "int8", yq),
        {"fusedActivationFunction": number},
        table="FullyConnectedOptions",
        version=4,
    )
    assert np.array_equal(run(file, x), fp.dense(x, w, b, xq, wq, yq, clamp))


@pytest.mark.parametrize("seed", range(16))
@pytest.mark.parametrize("depthwise", [False, True])
def test_convolutions_are_those_of_the_reference_kernels(seed: int, depthwise: bool) -> None:
    d = Draw(seed)
    kernel, stride = d.pair(1, 3), d.pair(1, 2)
    dilation = (1, 1) if stride != (1, 1) else (d.size(1, 2),) * 2
    x = d.int8(2, d.size(5, 9), d.size(5, 9), d.size(1, 5))
    multiplier, same = d.size(1, 2), bool(d.size(0, 1))
    o = x.shape[3] * multiplier if depthwise else d.size(2, 7)
    rows, columns = (
        window(x.shape[1 + a], kernel[a], stride[a], dilation[a], same) for a in (0, 1)
    )
    xq, wq, yq, b = d.quant(), d.per_channel(o, 0), d.quant(1e-3, 1.0), d.bias(o)
    number, clamp = d.activation(yq)
    options = {
        "padding": 0 if same else 1,
        "strideH": stride[0],
        "strideW": stride[1],
        "dilationHFactor": dilation[0],
        "dilationWFactor": dilation[1],
        "fusedActivationFunction": number,
    }
    if depthwise:
        w = d.weights(*kernel, o)
        stored = constant(w[None], QuantParams(wq.scale, wq.zero_point, 3))
        options["depthMultiplier"] = multiplier
        name, table, function = "DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", fp.depthwise_conv2d
    else:
        w = d.weights(o, *kernel, x.shape[3])
        stored = constant(w, wq)
        name, table, function = "CONV_2D", "Conv2DOptions", fp.conv2d
    file = one_op(
        name,
        [Value(x.shape, "int8", xq), stored, constant(b, bias_quant(xq, wq))],
        Value((2, rows[0], columns[0], o), "int8", yq),
        options,
        table=table,
        version=3,
    )
    pads = (*rows[1:], *columns[1:])
    ours = function(x, w, b, xq, wq, yq, stride=stride, dilation=dilation, pads=pads, clamp=clamp)
    assert np.array_equal(run(file, x), ours)


def test_grouped_convolution_is_one_convolution_per_group() -> None:
    d = Draw(0)
    x, w, b = d.int8(2, 5, 6, 4), d.weights(6, 3, 3, 2), d.bias(6)
    xq, wq, yq = d.quant(), d.per_channel(6, 0), d.quant()
    whole = fp.conv2d(x, w, b, xq, wq, yq, groups=2)
    for g in (0, 1):
        part = QuantParams(wq.scale[3 * g : 3 * g + 3], (0,) * 3, 0)
        rows = slice(3 * g, 3 * g + 3)
        one = fp.conv2d(x[..., 2 * g : 2 * g + 2], w[rows], b[rows], xq, part, yq)
        assert np.array_equal(whole[..., rows], one)


@pytest.mark.parametrize("seed", ROUNDS)
@pytest.mark.parametrize("same", [False, True])
def test_transposed_convolution_is_that_of_the_reference_kernels(seed: int, same: bool) -> None:
    d = Draw(seed)
    x, o, kernel, stride = d.int8(2, *d.pair(1, 5), 3), d.size(2, 6), d.pair(1, 4), d.pair(1, 3)
    size = x.shape[1:3]
    if same:
        out = tuple(s * t for s, t in zip(size, stride, strict=True))
        cut = [max((size[a] - 1) * stride[a] + kernel[a] - out[a], 0) // 2 for a in (0, 1)]
    else:
        out = tuple((size[a] - 1) * stride[a] + kernel[a] for a in (0, 1))
        cut = [0, 0]
    w, b, xq, wq, yq = (
        d.weights(o, *kernel, 3),
        d.bias(o),
        d.quant(),
        d.per_channel(o, 0),
        d.quant(),
    )
    file = one_op(
        "TRANSPOSE_CONV",
        [
            constant(np.array([2, *out, o], np.int32)),
            constant(w, wq),
            Value(x.shape, "int8", xq),
            constant(b, bias_quant(xq, wq)),
        ],
        Value((2, *out, o), "int8", yq),
        {"padding": 0 if same else 1, "strideH": stride[0], "strideW": stride[1]},
        table="TransposeConvOptions",
        version=3,
    )
    pads = (cut[0], 0, cut[1], 0)
    ours = fp.transpose_conv2d(x, w, b, xq, wq, yq, stride=stride, pads=pads, output=out)
    assert np.array_equal(run(file, x), ours)


BINARY = [
    ("ADD", fp.add, "AddOptions"),
    ("SUB", fp.sub, "SubOptions"),
    ("MUL", fp.mul, "MulOptions"),
]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("name", "function", "table"), BINARY, ids=lambda v: getattr(v, "__name__", str(v))
)
def test_every_pair_of_operands_has_the_reference_result(
    seed: int, name: str, function: Callable[..., np.ndarray], table: str
) -> None:
    d = Draw(seed)
    a, b = np.repeat(ALL, 256)[None], np.tile(ALL, 256)[None]
    aq, bq, yq = d.quant(), d.quant(), d.quant(1e-3, 0.5)
    number, clamp = d.activation(yq)
    options: dict[str, object] = {"fusedActivationFunction": number}
    operands = [Value(a.shape, "int8", aq), Value(b.shape, "int8", bq)]
    file = one_op(name, operands, Value(a.shape, "int8", yq), options, table=table, version=2)
    assert np.array_equal(run(file, a, b), function(a, b, aq, bq, yq, clamp))


@pytest.mark.parametrize("seed", range(4))
def test_every_value_and_slope_of_prelu_has_the_reference_result(seed: int) -> None:
    d = Draw(seed)
    a, slope = np.repeat(ALL, 256)[None], np.tile(ALL, 256)[None]
    aq, sq, yq = d.quant(), d.quant(), d.quant()
    operands = [Value(a.shape, "int8", aq), constant(slope, sq)]
    file = one_op("PRELU", operands, Value(a.shape, "int8", yq))
    assert np.array_equal(run(file, a), fp.prelu(a, slope, aq, sq, yq))


LOGISTIC = QuantParams.of(1 / 256, -128)


UNARY: list[tuple[str, str, dict[str, float], dict[str, object], str | None]] = [
    ("LOGISTIC", "logistic", {}, {}, None),
    ("TANH", "tanh", {}, {}, None),
    ("RELU", "clamp", {"low": 0.0}, {}, None),
    ("RELU6", "clamp", {"low": 0.0, "high": 6.0}, {}, None),
    ("RELU_N1_TO_1", "clamp", {"low": -1.0, "high": 1.0}, {}, None),
    ("RELU_0_TO_1", "clamp", {"low": 0.0, "high": 1.0}, {}, None),
    ("LEAKY_RELU", "leaky_relu", {"alpha": 0.1}, {"alpha": 0.1}, "LeakyReluOptions"),
    ("LEAKY_RELU", "leaky_relu", {"alpha": -0.3}, {"alpha": -0.3}, "LeakyReluOptions"),
    ("HARD_SWISH", "hard_swish", {}, {}, None),
    ("GELU", "gelu", {"approximate": 1}, {"approximate": True}, "GeluOptions"),
    ("GELU", "gelu", {}, {"approximate": False}, "GeluOptions"),
    ("EXP", "exp", {}, {}, "ExpOptions"),
    ("QUANTIZE", "requantize", {}, {}, "QuantizeOptions"),
]


VERSIONS = {"LEAKY_RELU": 2, "GELU": 2, "EXP": 2, "QUANTIZE": 2}


@pytest.mark.parametrize("seed", ROUNDS)
@pytest.mark.parametrize(
    ("name", "kind", "attrs", "options", "table"), UNARY, ids=lambda v: str(v) or "-"
)
def test_tables_are_those_of_the_reference_kernels(
    seed: int,
    name: str,
    kind: str,
    attrs: dict[str, float],
    options: dict[str, object],
    table: str | None,
) -> None:
    d = Draw(seed)
    xq, yq = d.quant(1e-3, 0.3), LOGISTIC if name == "LOGISTIC" else d.quant(3e-3, 0.3)
    operand, result = Value((1, 256), "int8", xq), Value((1, 256), "int8", yq)
    version = VERSIONS.get(name, 1)
    file = one_op(name, [operand], result, options, table=table, version=version)
    assert np.array_equal(run(file, ALL[None])[0], fp.table_s8(kind, xq, yq, **attrs))


def test_elu_is_expm1_below_zero() -> None:
    """The reference kernels have no ELU: the law instead, with half a step for the rounding."""
    d = Draw(0)
    xq, yq = d.quant(1e-2, 0.1), QuantParams.of(0.05, -100)
    real = fp.dequantize(ALL, xq).astype(np.float64)
    want = np.where(real < 0, np.expm1(real), real)
    got = fp.dequantize(fp.table_s8("elu", xq, yq), yq)
    inside = (want / 0.05 - 100 > -128) & (want / 0.05 - 100 < 127)
    assert np.abs(got - want)[inside].max() <= 0.0251


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", ["SOFTMAX", "LOG_SOFTMAX"])
def test_softmax_is_that_of_the_reference_kernels(seed: int, name: str) -> None:
    d = Draw(seed)
    x = d.int8(200, d.size(1, 60))
    if seed % 3 == 0:
        x = np.maximum(x, 100)  # logits close together
    xq, beta = d.quant(1e-4, 1.0), (1.0, 1.0, 0.5, 2.0)[seed % 4]
    if name == "SOFTMAX":
        yq, ours, table = LOGISTIC, fp.softmax(x, xq, beta), "SoftmaxOptions"
    else:
        yq, ours, table = QuantParams.of(1 / 16, 127), fp.log_softmax(x, xq), "LogSoftmaxOptions"
    options = {"beta": beta} if name == "SOFTMAX" else {}
    result = Value(x.shape, "int8", yq)
    file = one_op(name, [Value(x.shape, "int8", xq)], result, options, table=table, version=2)
    assert np.array_equal(run(file, x), ours)


@pytest.mark.parametrize("scale", [1e-6, 15.9, 16.0, 31.9, 32.0, 1e6])
def test_softmax_at_extreme_scales_is_that_of_the_reference_kernels(scale: float) -> None:
    d, xq = Draw(0), QuantParams.of(scale, 5)
    x = np.concatenate([d.int8(40, 9), np.full((1, 9), 127, np.int8)])
    x[:20] = np.maximum(x[:20], 126)
    result = Value(x.shape, "int8", LOGISTIC)
    operand, options = Value(x.shape, "int8", xq), {"beta": 1.0}
    file = one_op("SOFTMAX", [operand], result, options, table="SoftmaxOptions", version=2)
    assert np.array_equal(run(file, x), fp.softmax(x, xq))


def test_changes_of_scale_that_no_shift_of_32_bits_makes_are_refused() -> None:
    assert fp.quantize_multiplier(2.0**31 - 1) == (2**31 - 1, 31)
    for factor in (2.0**31, -(2.0**31), 1e30):
        with pytest.raises(UnsupportedError, match="change of scale"):
            fp.quantize_multiplier(factor)
    for find in (fp.single_multiplier, fp.wide_multiplier):
        find(2.0**20, -2047, 2047, 0, (-128, 127))
        with pytest.raises(ValueError, match="beyond 32 bits"):
            find(2.0**20, -2048, 2047, 0, (-128, 127))


@pytest.mark.parametrize("seed", range(16))
@pytest.mark.parametrize("name", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
def test_pools_are_those_of_the_reference_kernels(seed: int, name: str) -> None:
    d = Draw(seed)
    x, q = d.int8(3, *d.pair(3, 11), d.size(1, 5)), d.quant()
    kernel, stride, same = d.pair(1, 3), d.pair(1, 3), bool(d.size(0, 1))
    rows, columns = (window(x.shape[1 + a], kernel[a], stride[a], 1, same) for a in (0, 1))
    number, clamp = d.activation(q)
    options = {
        "padding": 0 if same else 1,
        "strideH": stride[0],
        "strideW": stride[1],
        "filterHeight": kernel[0],
        "filterWidth": kernel[1],
        "fusedActivationFunction": number,
    }
    result = Value((3, rows[0], columns[0], x.shape[3]), "int8", q)
    operand = Value(x.shape, "int8", q)
    file = one_op(name, [operand], result, options, table="Pool2DOptions", version=2)
    function = fp.average_pool2d if name.startswith("A") else fp.max_pool2d
    assert np.array_equal(
        run(file, x), function(x, kernel, stride, (*rows[1:], *columns[1:]), clamp)
    )


@pytest.mark.parametrize("seed", ROUNDS)
@pytest.mark.parametrize("axes", [(1, 2), (1,), (2,), (3,), (1, 2, 3)], ids=str)
def test_mean_is_that_of_the_reference_kernels(seed: int, axes: tuple[int, ...]) -> None:
    d = Draw(seed)
    x, xq, yq = d.int8(3, *d.pair(1, 11), d.size(1, 9)), d.quant(), d.quant()
    shape = tuple(1 if i in axes else s for i, s in enumerate(x.shape))
    operands = [Value(x.shape, "int8", xq), constant(np.array(axes, np.int32))]
    result = Value(shape, "int8", yq)
    file = one_op("MEAN", operands, result, {"keepDims": True}, table="ReducerOptions", version=2)
    assert np.array_equal(run(file, x), fp.mean(x, axes, xq, yq))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("align", "half"), [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("name", ["RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"])
def test_resize_is_that_of_the_reference_kernels(
    seed: int, align: bool, half: bool, name: str
) -> None:
    d = Draw(seed)
    x, out, q = d.int8(2, *d.pair(1, 12), 3), d.pair(1, 20), d.quant()
    operands = [Value(x.shape, "int8", q), constant(np.array(out, np.int32))]
    bilinear = name == "RESIZE_BILINEAR"
    table = "ResizeBilinearOptions" if bilinear else "ResizeNearestNeighborOptions"
    options = {"alignCorners": align, "halfPixelCenters": half}
    file = one_op(name, operands, Value((2, *out, 3), "int8", q), options, table=table, version=3)
    where = "align_corners" if align else "half_pixel" if half else "asymmetric"
    op = Resize(out, "bilinear" if bilinear else "nearest", where)
    t = TensorType(x.shape[1:], DType.INT8, q)
    assert np.array_equal(run(file, x), op.evaluate_int([t], op.infer(t), x))


@pytest.mark.parametrize(
    ("sizes", "half"), [((8, 129), False), ((1, 55), False), ((3, 89), False), ((9, 1082), True)]
)
def test_images_that_integers_enlarge_beyond_their_last_row_are_refused(
    sizes: tuple[int, int], half: bool
) -> None:
    with pytest.raises(UnsupportedError, match=f"cannot become {sizes[1]}"):
        fp.bilinear_taps(*sizes, half_pixel=half)
    lower, upper, _ = fp.bilinear_taps(sizes[0], sizes[1] - 1, half_pixel=half)
    assert lower.max() <= upper.max() == sizes[0] - 1
    aligned, _, _ = fp.bilinear_taps(*sizes, align_corners=True)
    assert aligned.max() < sizes[0]


@pytest.mark.parametrize("seed", ROUNDS)
def test_reals_become_integers_and_back_as_in_the_reference_kernels(seed: int) -> None:
    d = Draw(seed)
    q = d.quant(1e-4, 1.0)
    ties = (np.arange(-400, 400) + 0.5) * q.scale[0]
    x = np.concatenate([d.rng.normal(0, 60 * q.scale[0], 500), ties]).astype(np.float32)[None]
    plain, fine = Value(x.shape, "float32"), Value(x.shape, "int8", q)
    file = one_op("QUANTIZE", [plain], fine, table="QuantizeOptions")
    assert np.array_equal(run(file, x), fp.quantize(x, q))
    operand, result = Value((1, 256), "int8", q), Value((1, 256), "float32")
    file = one_op("DEQUANTIZE", [operand], result, table="DequantizeOptions", version=2)
    assert np.array_equal(run(file, ALL[None])[0], fp.dequantize(ALL, q))
