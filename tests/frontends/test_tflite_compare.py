"""Comparisons, logic and SELECT of TFLite files give what LiteRT's reference kernels do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from host_c import answers_of_c
from tflite_files import Step, Value, constant, file_of, one_op

from edgeprune.emit import to_onnx, to_tflite
from edgeprune.errors import UnsupportedError
from edgeprune.frontends.from_tflite import parse
from edgeprune.ir import Array, QuantParams, predict, run_int
from edgeprune.verify import run_onnx, run_tflite

TESTS = ("LESS", "LESS_EQUAL", "EQUAL", "NOT_EQUAL", "GREATER_EQUAL", "GREATER")
FINE, COARSE = QuantParams.of(0.013, -7), QuantParams.of(0.4, 21)


def answers(file: bytes, x: Array) -> Array:
    graph = parse(file, "m.tflite")
    if x.dtype == np.float32:
        return predict(graph, x)
    return run_int(graph, {graph.inputs[0]: x})[graph.outputs[0]]


@pytest.mark.parametrize("name", TESTS)
@pytest.mark.parametrize("place", [0, 1])
def test_real_values_are_compared_with_a_number(
    name: str, place: int, rng: np.random.Generator
) -> None:
    values = [
        Value((1, 9), "float32"), constant(np.array([0.5], np.float32)),
        Value((1, 9), "bool"), Value((1, 9), "float32"),
    ]  # fmt: skip
    compared = (1, 0) if place == 0 else (0, 1)
    file = file_of(values, [Step(name, compared, 2), Step("CAST", (2,), 3)], [0], [3])
    x = rng.choice(np.float32([-1, 0.5, 0.25, 2]), (20, 9))
    assert np.array_equal(answers(file, x), run_tflite.run(file, x))


@pytest.mark.parametrize("name", TESTS)
@pytest.mark.parametrize("quant", [FINE, COARSE])
@pytest.mark.parametrize("place", [0, 1])
def test_int8_is_compared_with_a_number_of_another_scale_as_litert_does(
    name: str, quant: QuantParams, place: int
) -> None:
    number = Value((1,), "int8", QuantParams.of(0.011, 3), np.array([29], np.int8))
    x = np.arange(-128, 128).astype(np.int8).reshape(1, 256)
    values = [
        Value((1, 256), "int8", quant), number, Value((1, 256), "bool"),
        Value((1, 256), "int8", quant, (x // 2).astype(np.int8)), Value((1, 256), "int8", quant),
    ]  # fmt: skip
    compared = (1, 0) if place == 0 else (0, 1)
    steps = [Step(name, compared, 2), Step("SELECT_V2", (2, 0, 3), 4)]
    file = file_of(values, steps, [0], [4])
    assert np.array_equal(answers(file, x), run_tflite.run(file, x))


@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_conditions_are_combined_before_something_is_selected(
    dtype: str, rng: np.random.Generator
) -> None:
    quant = None if dtype == "float32" else QuantParams.of(0.02, 11)
    numbers = [np.array([v]).astype(dtype) for v in (-40, 30, 5)]
    condition = Value((1, 64), "bool")
    values = [
        Value((1, 64), dtype, quant), *(Value((1,), dtype, quant, v) for v in numbers),
        *[condition] * 5, Value((1, 64), dtype, quant),
    ]  # fmt: skip
    steps = [
        Step("GREATER", (0, 1), 4), Step("LESS", (0, 2), 5), Step("LOGICAL_AND", (4, 5), 6),
        Step("LOGICAL_NOT", (6,), 7), Step("LOGICAL_OR", (7, 5), 8),
        Step("SELECT_V2", (7, 0, 3), 9),
    ]  # fmt: skip
    steps[-1] = Step("SELECT_V2", (8, 0, 3), 9)
    file = file_of(values, steps, [0], [9])
    x = rng.integers(-128, 128, (30, 64)).astype(dtype)
    assert np.array_equal(answers(file, x), run_tflite.run(file, x))


@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_a_constant_condition_selects(dtype: str, rng: np.random.Generator) -> None:
    quant = None if dtype == "float32" else QuantParams.of(0.02, 11)
    mask = constant(np.tri(4, dtype=np.bool_)[None])
    less = Value((1,), dtype, quant, np.array([-100]).astype(dtype))
    values = [Value((1, 4, 4), dtype, quant), mask, less, Value((1, 4, 4), dtype, quant)]
    file = file_of(values, [Step("SELECT_V2", (1, 0, 2), 3)], [0], [3])
    x = rng.integers(-128, 128, (30, 4, 4)).astype(dtype)
    assert np.array_equal(answers(file, x), run_tflite.run(file, x))


@pytest.mark.parametrize("constant_condition", [False, True])
@pytest.mark.parametrize(
    "sides",
    [
        (2, 0), (0, 2), (0, 0), (2, 3), ("x", 0), (0, "x"), (5, "x"),
        (2, "wide zeros"), ("x", "wide zeros"),
    ],
)  # fmt: skip
def test_constants_are_selected_as_litert_does(
    sides: tuple[object, object], constant_condition: bool, tmp_path: Path
) -> None:
    x = np.float32([[-1, 2, 0.25], [3, -4, 0.0]])
    values = [
        Value((1, 3), "float32"), constant(np.array([0.5], np.float32)), Value((1, 3), "bool"),
    ]  # fmt: skip
    operands = []
    for side in sides:
        if side != "x":
            data = np.zeros((1, 3)) if side == "wide zeros" else np.array([side])
            values.append(constant(data.astype(np.float32)))
        operands.append(0 if side == "x" else len(values) - 1)
    result = len(values)
    values += [Value((1, 3), "float32"), Value((1, 3), "float32")]
    steps = [Step("GREATER", (0, 1), 2)]
    if constant_condition:
        values[2], steps = constant(np.array([[True, False, True]])), []
    steps += [Step("SELECT_V2", (2, *operands), result), Step("MINIMUM", (result, 0), result + 1)]
    file = file_of(values, steps, [0], [result + 1])
    assert np.array_equal(answers(file, x), run_tflite.run(file, x))
    graph = parse(file, "m.tflite")
    assert np.array_equal(run_tflite.run(to_tflite.emit(graph), x), run_tflite.run(file, x))
    assert np.array_equal(run_onnx.run(to_onnx.emit(graph), graph, x), run_tflite.run(file, x))
    assert np.array_equal(answers_of_c(graph, x, tmp_path / "c"), run_tflite.run(file, x))


def test_signs_and_sums_of_real_values_are_read(rng: np.random.Generator) -> None:
    value = Value((1, 9), "float32")
    x = rng.choice(np.float32([-1, 0, 2, -0.0]), (5, 9))
    file = one_op("SIGN", [value], value, {}, table="SignOptions")
    assert np.array_equal(answers(file, x), run_tflite.run(file, x))
    axes = constant(np.array([1], np.int32))
    file = one_op("SUM", [value, axes], Value((1, 1), "float32"), {"keepDims": True},
                  table="ReducerOptions")  # fmt: skip
    np.testing.assert_allclose(answers(file, x), run_tflite.run(file, x), rtol=1e-6)


def test_two_computed_integers_are_refused_by_name() -> None:
    values = [
        Value((1, 4), "int8", FINE), Value((1, 4), "int8", COARSE), Value((1, 4), "bool"),
        Value((1, 4), "int8", FINE),
    ]  # fmt: skip
    steps = [Step("LESS", (0, 1), 2), Step("SELECT_V2", (2, 0, 0), 3)]
    file = file_of(values, steps, [0, 1], [3])
    with pytest.raises(UnsupportedError, match="compares two computed values of int8") as e:
        parse(file, "m.tflite")
    assert "(use a float model)" in str(e.value)


@pytest.mark.parametrize(
    ("scales", "message"),
    [
        ((FINE, COARSE), "chooses between integers of different scales"),
        ((FINE, None), "has an operand without a scale"),
        ((FINE, QuantParams.of(1.5)), "compares integers on scale 1.5"),
        ((FINE, QuantParams.of(1e-5)), "takes [0-9]+ integers for the same"),
    ],
    ids=str,
)
def test_choices_by_integers_are_refused_with_what_to_do(
    scales: tuple[QuantParams, QuantParams | None], message: str
) -> None:
    first, second = scales
    x, y, result = (Value((1, 4), "int8", q) for q in (first, first, first))
    if "chooses" in message:
        y = Value((1, 4), "int8", second)
        mask = constant(np.array([[True, False, True, True]]))
        file = file_of([x, y, mask, result], [Step("SELECT_V2", (2, 0, 1), 3)], [0, 1], [3])
    else:
        if "takes" in message:
            x, second = Value((1, 4), "int8", second), first
        held = Value((1,), "int8", second, np.array([-7], np.int8))
        values = [x, held, Value((1, 4), "bool"), x]
        steps = [Step("EQUAL", (0, 1), 2), Step("SELECT_V2", (2, 0, 0), 3)]
        file = file_of(values, steps, [0], [3])
    with pytest.raises(UnsupportedError, match=rf"{message} \(use a float model\)"):
        parse(file, "m.tflite")


@pytest.mark.parametrize("dtype", ["float32", "int8"])
@pytest.mark.parametrize("place", [0, 1])
def test_conditions_are_moved_and_joined_with_constant_ones(
    dtype: str, place: int, rng: np.random.Generator
) -> None:
    quant = None if dtype == "float32" else QuantParams.of(0.02, 11)
    bound, less = (Value((1,), dtype, quant, np.array([v]).astype(dtype)) for v in (5, -100))
    condition, order = Value((1, 4, 4), "bool"), constant(np.array([0, 2, 1], np.int32))
    mask, value = constant(np.tri(4, dtype=np.bool_)[None]), Value((1, 4, 4), dtype, quant)
    values = [value, bound, less, order, mask, condition, condition, condition, value]
    steps = [
        Step("GREATER", (0, 1), 5), Step("TRANSPOSE", (5, 3), 6),
        Step("LOGICAL_AND", (6, 4) if place else (4, 6), 7), Step("SELECT_V2", (7, 0, 2), 8),
    ]  # fmt: skip
    file = file_of(values, steps, [0], [8])
    x = rng.integers(-128, 128, (30, 4, 4)).astype(dtype)
    assert np.array_equal(answers(file, x), run_tflite.run(file, x))
