"""TFLite files as they come are read to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from op_cases import FORMS, Case, residual
from tflite_files import FIVE, THREE, Step, Value, changed, constant, file_of, one_op

from edgeprune.emit.to_tflite import emit
from edgeprune.errors import UnsupportedError
from edgeprune.frontends.from_tflite import parse
from edgeprune.frontends.normalize import normalize
from edgeprune.ir import DType, QuantParams, couple, predict, quantise_array, run_int
from edgeprune.ops import Relu
from edgeprune.pruning.compact import compact
from edgeprune.verify import run_tflite


@pytest.mark.parametrize("case", FORMS, ids=str)
def test_what_was_written_in_float_reads_as_the_same_function(case: Case) -> None:
    graph, x = case.graph(), case.samples(20)
    again = parse(emit(graph), "case.tflite")
    assert np.allclose(predict(again, x), predict(graph, x), rtol=1e-5, atol=1e-6)
    assert emit(again) == emit(parse(emit(again), "case.tflite"))


@pytest.mark.parametrize("case", FORMS, ids=str)
def test_what_was_written_in_int8_reads_back_to_the_bit(case: Case) -> None:
    graph = case.quantised()
    again = parse(emit(graph), "case.tflite")
    x = quantise_array(case.samples(20), graph.types[graph.inputs[0]])
    mine, its = (run_int(g, {g.inputs[0]: x})[g.outputs[0]] for g in (graph, again))
    assert np.array_equal(mine, its)
    ends = (*graph.inputs, *graph.outputs)
    assert [graph.types[v] for v in ends] == [
        again.types[v] for v in (*again.inputs, *again.outputs)
    ]


@pytest.mark.parametrize("case", [c for c in FORMS if c.has("tflite int16x8")], ids=str)
def test_what_was_written_in_int16_reads_back_to_the_bit(case: Case) -> None:
    graph = case.quantised(DType.INT16)
    again = parse(emit(graph), "case.tflite")
    x = quantise_array(case.samples(20), graph.types[graph.inputs[0]])
    mine, its = (run_int(g, {g.inputs[0]: x})[g.outputs[0]] for g in (graph, again))
    assert np.array_equal(mine, its)


def test_the_users_names_and_shapes_are_kept() -> None:
    graph = parse(emit(residual()), "residual.tflite")
    assert graph.name == "residual"
    assert graph.origin == "tflite"
    assert graph.ports["x"].shape == (1, 6, 6, 3)
    assert {n.name for n in graph.nodes} >= {"h1", "h2", "h3", "y"}


@pytest.mark.parametrize("deep", [False, True], ids=["conv", "depthwise"])
@pytest.mark.parametrize("spatial", [1, 2])
def test_a_convolution_of_phases_is_a_dilated_one(
    spatial: int, deep: bool, rng: np.random.Generator
) -> None:
    """As TensorFlow writes dilated convolutions of sequences, and of images by hand."""
    n, c, o = 9, 3, 3 if deep else 4  # nine positions, one added before, two behind: six a phase
    size = (n,) * spatial
    kernel = (1, 3) if spatial == 1 else (3, 3)
    w = rng.integers(-127, 128, (1, *kernel, o) if deep else (o, *kernel, c)).astype(np.int8)
    quant = QuantParams((0.01,) * o, (0,) * o, 3 if deep else 0)
    bias = QuantParams(tuple(np.float32(FIVE.scale[0]) * np.float32(s) for s in quant.scale),
                       (0,) * o, 0)  # fmt: skip
    block = np.full(spatial, 2, np.int32)
    pads = np.tile(np.array([1, 2], np.int32), (spatial, 1))
    crops = np.tile(np.array([0, 1], np.int32), (spatial, 1))
    phases, made = (2**spatial, *(6,) * spatial), (2**spatial, *(4,) * spatial)
    row, made_row = ((2, 1, 6, c), (2, 1, 4, o)) if spatial == 1 else ((*phases, c), (*made, o))
    values = [
        Value((1, *size, c), "int8", FIVE),
        constant(block),
        constant(pads),
        Value((*phases, c), "int8", FIVE),
        constant(np.array(row, np.int32)),
        Value(row, "int8", FIVE),
        constant(w, quant),
        constant(np.arange(o, dtype=np.int32), bias),
        Value(made_row, "int8", THREE),
        constant(np.array((*made, o), np.int32)),
        Value((*made, o), "int8", THREE),
        constant(crops),
        Value((1, *(7,) * spatial, o), "int8", THREE),
    ]
    name = "DEPTHWISE_CONV_2D" if deep else "CONV_2D"
    table = "DepthwiseConv2DOptions" if deep else "Conv2DOptions"
    options = {"padding": 1, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    steps = [
        Step("SPACE_TO_BATCH_ND", (0, 1, 2), 3, version=2),
        Step("RESHAPE", (3, 4), 5),
        Step(name, (5, 6, 7), 8, options | ({"depthMultiplier": 1} if deep else {}), table, 3),
        Step("RESHAPE", (8, 9), 10),
        Step("BATCH_TO_SPACE_ND", (10, 1, 11), 12, version=2),
    ]
    file = file_of(values, steps, (0,), (12,))
    graph = parse(file, "m.tflite")
    (layer,) = (n for n in graph.nodes if n.op.weights)
    assert layer.op.dilation == ((1, 2) if spatial == 1 else (2, 2))
    x = rng.integers(-128, 128, (20, *size, c)).astype(np.int8)
    got = run_int(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    np.testing.assert_array_equal(got, run_tflite.run(file, x))


def test_a_scalar_operand_is_read(rng: np.random.Generator) -> None:
    half = Value((), "float32", None, np.array(0.5, np.float32))
    file = one_op("MUL", [Value((1, 6), "float32"), half], Value((1, 6), "float32"),
                  {}, table="MulOptions")  # fmt: skip
    x = rng.normal(size=(4, 6)).astype(np.float32)
    np.testing.assert_array_equal(predict(parse(file, "m.tflite"), x), x * np.float32(0.5))


def test_axes_that_are_turned_round_are_read(rng: np.random.Generator) -> None:
    axes = constant(np.asarray([2, -1], np.int32))
    image = Value((1, 3, 2, 4), "int8", FIVE)
    file = one_op("REVERSE_V2", [image, axes], image, {}, table="ReverseV2Options", version=3)
    graph = parse(file, "m.tflite")
    x = rng.integers(-128, 128, (9, 3, 2, 4)).astype(np.int8)
    got = run_int(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    assert np.array_equal(got, run_tflite.run(file, x))


MOVED = [
    ("TILE", (1, 3, 1, 4), np.asarray([1, 2, 3, 1], np.int32), (1, 6, 3, 4), None),
    ("TILE", (1, 3, 4), np.asarray([1, 1, 1], np.int32), (1, 3, 4), None),
    ("REDUCE_MAX", (1, 3, 5, 4), np.asarray([2, 1], np.int32), (1, 4), "ReducerOptions"),
    ("REDUCE_MAX", (1, 7, 4), np.asarray([1], np.int32), (1, 4), "ReducerOptions"),
    ("REDUCE_MAX", (1, 3, 5, 4), np.asarray([-1], np.int32), (1, 3, 5), "ReducerOptions"),
    ("REDUCE_MAX", (1, 3, 5, 4), np.asarray([3, 1], np.int32), (1, 5), "ReducerOptions"),
    ("REDUCE_MAX", (1, 3, 4), np.asarray([1, 2], np.int32), (1,), "ReducerOptions"),
]


@pytest.mark.parametrize(("name", "shape", "operand", "result", "table"), MOVED)
@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_copies_and_global_maxima_are_read(
    name: str, shape: tuple[int, ...], operand: np.ndarray, result: tuple[int, ...],
    table: str | None, dtype: str, rng: np.random.Generator,
) -> None:  # fmt: skip
    quant = FIVE if dtype == "int8" else None
    operands = [Value(shape, dtype, quant), constant(operand)]
    file = one_op(name, operands, Value(result, dtype, quant), {}, table=table, version=2)
    graph = parse(file, "m.tflite")
    x = rng.integers(-128, 128, (9, *shape[1:])).astype(dtype)
    values = (
        run_int(graph, {graph.inputs[0]: x}) if quant else {graph.outputs[0]: predict(graph, x)}
    )
    assert np.array_equal(values[graph.outputs[0]], run_tflite.run(file, x))


@pytest.mark.parametrize(
    ("axes", "keep", "result"),
    [([1, 2, 4], True, (1, 1, 1, 3, 1)), ([1, 2, 4], False, (1, 3)), ([4, 3], False, (1, 5, 4))],
)
def test_means_over_groups_of_channels_are_read(
    axes: list[int], keep: bool, result: tuple[int, ...], rng: np.random.Generator
) -> None:
    operands = [Value((1, 5, 4, 3, 2), "float32"), constant(np.asarray(axes, np.int32))]
    options = {"keepDims": keep}
    file = one_op("MEAN", operands, Value(result, "float32"), options, table="ReducerOptions")
    x = rng.normal(size=(6, 5, 4, 3, 2)).astype(np.float32)
    got = predict(parse(file, "m.tflite"), x)
    np.testing.assert_allclose(got, run_tflite.run(file, x).reshape(got.shape), atol=1e-6)


def test_a_negated_value_is_read(rng: np.random.Generator) -> None:
    value = Value((1, 6), "float32")
    graph = parse(one_op("NEG", [value], value, {}, table="NegOptions"), "m.tflite")
    x = rng.normal(size=(4, 6)).astype(np.float32)
    np.testing.assert_array_equal(predict(graph, x), -x)


@pytest.mark.parametrize("name", ["MAXIMUM", "MINIMUM"])
def test_the_larger_of_a_value_and_a_number_is_a_clamp(name: str, rng: np.random.Generator) -> None:
    number = Value((), "float32", None, np.array(0.25, np.float32))
    x = rng.normal(size=(9, 6)).astype(np.float32)
    for operands in ([Value((1, 6), "float32"), number], [number, Value((1, 6), "float32")]):
        file = one_op(name, operands, Value((1, 6), "float32"), {}, table="MaximumMinimumOptions")
        graph = parse(file, "m.tflite")
        assert [n.op.kind for n in graph.nodes] == ["clamp"]
        assert np.array_equal(predict(graph, x), run_tflite.run(file, x))


def test_shapes_that_are_computed_are_constants(rng: np.random.Generator) -> None:
    """As converters write them where the batch is free: (batch, 2 * 3 - 1 + 1, 4), in steps."""
    one, two, three = (constant(np.array([k], np.int32)) for k in (1, 2, 3))
    scalar = constant(np.array(4, np.int32))
    values = [
        Value((1, 6, 2, 2), "float32"), one, two, three, scalar,
        *(Value(shape, "int32") for shape in ((4,), (), (1,), (1,), (1,), (), (3,))),
        Value((1, 6, 4), "float32"), constant(np.array([0], np.int32)),
        Value((1, 6, 4), "float32"), constant(np.zeros(3, np.int32)),
    ]  # fmt: skip
    steps = [
        Step("SHAPE", (0,), 5),
        Step("STRIDED_SLICE", (5, 13, 1, 1), 6, {"shrinkAxisMask": 1}, "StridedSliceOptions"),
        Step("MUL", (2, 3), 7),
        Step("SUB", (7, 1), 8),
        Step("ADD", (8, 1), 9),
        Step("REDUCE_PROD", (9, 13), 10, {}, "ReducerOptions"),
        Step("PACK", (6, 10, 4), 11, {"valuesCount": 3, "axis": 0}, "PackOptions"),
        Step("RESHAPE", (0, 11), 12),
        Step("SLICE", (12, 15, 11), 14),
    ]
    graph = parse(file_of(values, steps, [0], [14]), "m.tflite")
    x = rng.normal(size=(3, 6, 2, 2)).astype(np.float32)
    assert np.array_equal(predict(graph, x), x.reshape(3, 6, 4))


@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_a_cast_to_the_type_that_it_has_already_is_nothing(
    dtype: str, rng: np.random.Generator
) -> None:
    quant = None if dtype == "float32" else FIVE
    value = Value((1, 6), dtype, quant)
    cast = one_op("CAST", [value], value, {}, table="CastOptions")
    graph = normalize(parse(cast, "m.tflite"))
    x = rng.integers(-128, 128, (3, 6)).astype(dtype)
    assert [n.op.kind for n in graph.nodes] == ["reshape"]
    feed = {graph.inputs[0]: x}
    given = predict(graph, x) if quant is None else run_int(graph, feed)[graph.outputs[0]]
    assert np.array_equal(given, x)


def test_a_layer_without_bias_has_a_bias_of_zeros() -> None:
    w = np.random.default_rng(0).integers(-127, 128, (3, 5)).astype(np.int8)
    operands = [Value((1, 5), "int8", FIVE), constant(w, QuantParams.of(0.01))]
    file = one_op("FULLY_CONNECTED", operands, Value((1, 3), "int8", THREE),
                  {}, table="FullyConnectedOptions", version=6)  # fmt: skip
    graph = parse(file, "m.tflite")
    x = np.random.default_rng(1).integers(-128, 128, (50, 5)).astype(np.int8)
    got = run_int(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    assert np.array_equal(got, run_tflite.run(file, x))


def test_an_image_before_a_fully_connected_layer_is_flattened() -> None:
    rng = np.random.default_rng(0)
    w, b = rng.normal(0, 1, (3, 24)).astype(np.float32), np.ones(3, np.float32)
    operands = [Value((1, 2, 3, 4), "float32"), constant(w), constant(b)]
    file = one_op("FULLY_CONNECTED", operands, Value((1, 3), "float32"),
                  {}, table="FullyConnectedOptions")  # fmt: skip
    graph = parse(file, "m.tflite")
    x = rng.normal(0, 1, (9, 2, 3, 4)).astype(np.float32)
    assert [n.op.kind for n in graph.nodes] == ["reshape", "dense"]
    assert np.allclose(predict(graph, x), run_tflite.run(file, x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("axis", [0, 3])
def test_a_split_into_one_part_is_nothing(axis: int) -> None:
    values = [constant(np.asarray(axis, np.int32)), *[Value((1, 2, 3, 4), "int8", FIVE)] * 3]
    steps = [Step("SPLIT", [0, 1], 2, {"numSplits": 1}, "SplitOptions"), Step("RELU", [2], 3)]
    graph = normalize(parse(file_of(values, steps, [1], [3]), "m.tflite"))
    assert [type(n.op) for n in graph.nodes] == [Relu]


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("axes", [(3,), (2, 3), (2,)])
def test_a_mean_behind_a_transpose_to_channels_first_is_taken_of_channels_last(
    axes: tuple[int, ...], keep: bool, rng: np.random.Generator
) -> None:
    """One axis after the other, as TinyEngine's own networks do."""
    rest: tuple[int, ...] = (1, 5, 4, 6)
    steps = [Step("TRANSPOSE", [0, 1], 2, {}, "TransposeOptions")]
    values = [Value((1, 4, 6, 5), "int8", FIVE), constant(np.asarray([0, 3, 1, 2], np.int32)),
              Value(rest, "int8", FIVE)]  # fmt: skip
    groups = [axes] if keep or len(axes) == 1 else [(a,) for a in reversed(axes)]
    for group in groups:
        rest = tuple(1 if a in group else n for a, n in enumerate(rest) if keep or a not in group)
        at = len(values)
        values += [constant(np.asarray(group, np.int32)), Value(rest, "int8", THREE)]
        steps.append(Step("MEAN", [at - 1, at], at + 1, {"keepDims": keep}, "ReducerOptions"))
    content = file_of(values, steps, [0], [len(values) - 1])
    graph = normalize(parse(content, "m.tflite"))
    x = rng.integers(-128, 128, (30, 4, 6, 5)).astype(np.int8)
    got = run_int(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    assert np.array_equal(got, run_tflite.run(content, x))
    if axes == (2, 3) and not keep:
        assert [n.op.kind for n in graph.nodes] == ["mean", "mean"]


def test_names_that_the_converter_strung_together_are_cut_at_the_first() -> None:
    def change(m: schema.ModelT) -> None:
        for t in m.subgraphs[0].tensors:
            if t.name == b"h1":
                t.name = b"model/relu;model/batch_norm;model/conv1"
            if t.name == b"h2":
                t.name = b"model/relu;model/conv2"

    names = [n.name for n in parse(changed(emit(residual()), change), "m.tflite").nodes]
    assert names[0] == "model/relu"
    assert names[1].startswith("model/relu#")


def test_a_scalar_operand_stays_one_where_channels_go() -> None:
    rng = np.random.default_rng(0)
    half = constant(np.array(0.5, np.float32))
    values = [
        Value((1, 6), "float32"), constant(rng.normal(size=(4, 6)).astype(np.float32)),
        Value((1, 4), "float32"), half, Value((1, 4), "float32"),
        constant(rng.normal(size=(3, 4)).astype(np.float32)), Value((1, 3), "float32"),
        Value((1, 4), "float32"),
    ]  # fmt: skip
    steps = [
        Step("FULLY_CONNECTED", [0, 1], 2, {}, "FullyConnectedOptions"),
        Step("LOGISTIC", [2], 4),
        Step("SUB", [3, 4], 7, {}, "SubOptions"),
        Step("FULLY_CONNECTED", [7, 5], 6, {}, "FullyConnectedOptions"),
    ]
    graph = parse(file_of(values, steps, [0], [6]), "m.tflite")
    coupling = couple(graph)
    removed = ~coupling.pinned & ~coupling.inputs & (np.arange(coupling.count) % 2 == 0)
    assert compact(graph, coupling, removed).params < graph.params


@pytest.mark.parametrize("axis", [0, 3])
def test_a_bias_is_scaled_along_the_only_axis_that_it_has(
    axis: int, rng: np.random.Generator
) -> None:
    """Files that give it the axis of the weights are run by TFLite Micro."""
    w = rng.integers(-127, 128, (1, 3, 3, 4)).astype(np.int8)
    scales = tuple(np.float32(rng.uniform(0.001, 0.01, 4)).tolist())
    bias = QuantParams(tuple(float(np.float32(FIVE.scale[0]) * np.float32(s)) for s in scales),
                       (0,) * 4, axis)  # fmt: skip
    values = [
        Value((1, 5, 5, 4), "int8", FIVE), constant(w, QuantParams(scales, (0,) * 4, 3)),
        constant(rng.integers(-999, 999, 4).astype(np.int32), bias),
    ]  # fmt: skip
    options = {"strideW": 1, "strideH": 1, "dilationWFactor": 1, "dilationHFactor": 1,
               "padding": 1, "depthMultiplier": 1}  # fmt: skip
    content = one_op(
        "DEPTHWISE_CONV_2D", values, Value((1, 3, 3, 4), "int8", THREE), options,
        table="DepthwiseConv2DOptions", version=3,
    )  # fmt: skip
    graph = parse(content, "bias.tflite")
    x = rng.integers(-128, 128, (9, 5, 5, 4)).astype(np.int8)
    got = run_int(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    assert np.array_equal(got, run_tflite.run(content, x))


def test_steps_without_a_batch_in_front_are_taken_apart_and_joined() -> None:
    """The last step alone, and as often as there are steps: what is written out of a layer."""
    perm = constant(np.asarray([1, 0, 2], np.int32))
    ends = [constant(np.asarray(v, np.int32)) for v in ([2, 0, 0], [3, 1, 4], [1, 1, 1])]
    shapes = [(1, 3, 4), (3, 1, 4), (1, 4), (3, 1, 4), (1, 3, 4)]
    values = [*(Value(shape, "float32") for shape in shapes), perm, *ends]
    cut = {"shrinkAxisMask": 1}
    steps = [
        Step("TRANSPOSE", [0, 5], 1),
        Step("STRIDED_SLICE", [1, 6, 7, 8], 2, cut, "StridedSliceOptions"),
        Step("PACK", [2, 2, 2], 3, {"axis": 0, "valuesCount": 3}, "PackOptions"),
        Step("TRANSPOSE", [3, 5], 4),
    ]
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    found = predict(parse(file_of(values, steps, [0], [4]), "m.tflite"), x)
    assert np.array_equal(found, np.repeat(x[:, 2:], 3, axis=1))
    with pytest.raises(UnsupportedError, match="its first axis is no batch of 1"):
        parse(file_of(values, steps, [0], [3]), "m.tflite")


def test_a_constant_that_is_filled_is_one() -> None:
    values = [Value((1, 4), "float32"), constant(np.asarray([1, 4], np.int32)),
              constant(np.asarray(0.5, np.float32)), Value((1, 4), "float32"),
              Value((1, 4), "float32")]  # fmt: skip
    steps = [Step("FILL", [1, 2], 3), Step("ADD", [0, 3], 4, {}, "AddOptions")]
    x = np.ones((1, 4), np.float32)
    assert (predict(parse(file_of(values, steps, [0], [4]), "m.tflite"), x) == 1.5).all()
