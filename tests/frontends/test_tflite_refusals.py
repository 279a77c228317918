"""TFLite files that cannot be read are refused with a message, never a crash."""

from __future__ import annotations

import random
import resource
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from op_cases import FORMS, residual
from tflite_files import FIVE, THREE, Step, Value, changed, constant, file_of, one_op, packed

from edgeprune.emit.to_tflite import emit
from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.from_tflite import load, parse
from edgeprune.ir import Graph, QuantParams
from edgeprune.ops import Conv2d, Dense, Softmax


def test_a_size_that_the_file_leaves_open_is_refused_by_what_to_do() -> None:
    values = [Value((1, 6, 4), "float32"), Value((1, 1), "float32")]
    with pytest.raises(UnsupportedError, match="sizes that the file leaves open"):
        parse(file_of(values, [Step("RESHAPE", (0,), 1)], [0], [1]), "m.tflite")


STEEP, FLAT = QuantParams.of(0.003), QuantParams.of(1e-7)
REFUSED = [
    ("ABS", [Value((1, 4), "int16", STEEP)], Value((1, 4), "int16", FLAT), "AbsOptions",
     "changes the scale of int16"),
    ("GELU", [Value((1, 4), "int16", STEEP)], Value((1, 4), "int16", FLAT), "GeluOptions",
     "int16 does not hold"),
    ("RSQRT", [Value((1, 4), "int8", FIVE)], Value((1, 4), "int8", FIVE), None, "no int8 form"),
    ("MAXIMUM", [Value((1, 4), "int8", FIVE), constant(np.ones((1, 4), np.int8), THREE)],
     Value((1, 4), "int8", FIVE), "MaximumMinimumOptions", "different scales"),
    ("REVERSE_V2", [Value((1, 4), "float32"), constant(np.asarray([0], np.int32))],
     Value((1, 4), "float32"), "ReverseV2Options", "turns axes"),
    ("CUMSUM", [Value((1, 4), "float32")], Value((1, 4), "float32"), None, "CUMSUM"),
    ("WHILE", [Value((1, 4), "float32")], Value((1, 4), "float32"), None, "give the .keras file"),
    ("LOGISTIC", [Value((3, 4), "float32")], Value((3, 4), "float32"), None, "no batch of 1"),
    ("LOGISTIC", [Value((1, 4), "int8")], Value((1, 4), "int8", FIVE), None, "without a scale"),
    ("SOFTMAX", [Value((1, 4), "int8", FIVE)], Value((1, 4), "int8", FIVE), "SoftmaxOptions",
     "1/256"),
    ("RESHAPE", [Value((1, 4), "int8", FIVE)], Value((1, 4), "int8", THREE), "ReshapeOptions",
     "only moves"),
    ("RELU", [Value((1, 4), "float32")], Value((1, 5), "float32"), None, "its inputs make"),
    ("ADD", [Value((1, 4), "int8", FIVE), constant(np.ones((1, 4), np.int8), FIVE)],
     Value((1, 4), "int8", QuantParams.of(1e-8)), "AddOptions", "cannot sum"),
    ("SOFTMAX", [Value((1, 4), "int8", QuantParams.of(1e-9))],
     Value((1, 4), "int8", QuantParams.of(1 / 256, -128)), "SoftmaxOptions", "has the factor 0"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "inputs", "output", "table", "message"), REFUSED)
def test_what_cannot_be_read_is_refused_by_name(
    name: str, inputs: list[Value], output: Value, table: str | None, message: str
) -> None:
    with pytest.raises(EdgePruneError, match=message):
        parse(one_op(name, inputs, output, table=table), "m.tflite")


def test_all_unsupported_operators_are_listed_at_once() -> None:
    def change(m: schema.ModelT) -> None:
        for code in m.operatorCodes[:2]:
            code.builtinCode = schema.BuiltinOperator.CUMSUM

    with pytest.raises(UnsupportedError) as e:
        parse(changed(emit(residual()), change), "m.tflite")
    assert "'h1', 'h2', 'h3'" in str(e.value)
    assert "(CUMSUM)" in str(e.value)


def test_infinite_weights_are_refused() -> None:
    def change(m: schema.ModelT) -> None:
        b = next(b for b in m.buffers if b.data is not None and len(b.data) == 8 * 27 * 4)
        b.data = np.full(8 * 27, np.inf, np.float32).view(np.uint8)

    with pytest.raises(EdgePruneError, match="NaN or infinite"):
        parse(changed(emit(residual()), change), "m.tflite")


def test_a_stride_of_zero_is_refused() -> None:
    def change(m: schema.ModelT) -> None:
        m.subgraphs[0].operators[0].builtinOptions.strideH = 0

    with pytest.raises(EdgePruneError, match="strides"):
        parse(changed(emit(residual()), change), "m.tflite")


def test_a_cycle_is_refused() -> None:
    def change(m: schema.ModelT) -> None:
        g = m.subgraphs[0]
        first, second = g.operators[1], g.operators[2]
        first.inputs = [int(second.outputs[0]), *first.inputs[1:].tolist()]

    with pytest.raises(EdgePruneError, match="nothing computes"):
        parse(changed(emit(residual()), change), "m.tflite")


def test_a_small_file_cannot_describe_a_huge_model() -> None:
    """Many tensors that share one large buffer: each would be a copy of it."""

    def change(m: schema.ModelT) -> None:
        g = m.subgraphs[0]
        t = max((t for t in g.tensors if t.shape is not None), key=lambda t: int(np.prod(t.shape)))
        b = schema.BufferT()
        b.data, t.shape = np.zeros(4 << 20, np.uint8), [1, 1 << 20]
        m.buffers.append(b)
        t.buffer, t.type = len(m.buffers) - 1, schema.TensorType.FLOAT32
        g.tensors = [*g.tensors, *([t] * 300)]

    with pytest.raises(EdgePruneError, match="used too often"):
        parse(changed(emit(residual()), change), "m.tflite")


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    for data in (b"", b"TFL3", b"\0" * 64, b"\xff" * 8 + b"TFL3" * 9, b"\x08\0\0\0TFL3"):
        with pytest.raises(EdgePruneError):
            parse(data, "m.tflite")
    with pytest.raises(EdgePruneError, match="cannot be read"):
        load(tmp_path / "missing.tflite")


def seeds() -> list[bytes]:
    """Files to mutate: a network, layers with every kind of table, in float and int8."""
    cases = [c for c in FORMS if isinstance(c.op, Conv2d | Dense | Softmax)][:4]
    graphs: list[Graph] = [residual(), *(c.graph() for c in FORMS[::6])]
    return [emit(g) for g in (*graphs, *(c.quantised() for c in cases))]


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Truncate, flip bits, or enlarge a length or an offset."""
    kind, changed_data = rng.randrange(4), bytearray(data)
    if kind == 0:
        return data[: rng.randrange(len(data))]
    for _ in range(rng.randint(1, 12)):
        at = rng.randrange(len(data) - 4)
        if kind == 1:
            changed_data[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            changed_data[at] = rng.randrange(256)
        else:
            at -= at % 4
            big = rng.choice([0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0x10000, len(data), 0])
            changed_data[at : at + 4] = big.to_bytes(4, "little")
    return bytes(changed_data)


def test_mutated_files_are_read_or_refused() -> None:
    rng, files = random.Random(20260101), seeds()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read = 0
    for _ in range(1000):
        data = mutate(rng.choice(files), rng)
        try:
            graph = parse(data, "mutated.tflite")
        except EdgePruneError:
            continue
        read += 1
        assert all(t.size <= 1 << 28 for t in graph.types.values())
    assert 0 < read < 1000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 20  # KiB: 1 GiB


HANDLE = Step("VAR_HANDLE", [], 1, {"sharedName": "k"}, "VarHandleOptions")
SUM = Step("ADD", [0, 2], 3, {}, "AddOptions")
ROWS = [Value((1, 4), "float32"), Value((1,), "int32"), *[Value((1, 4), "float32")] * 2]


def test_why_a_variable_cannot_be_read_is_said() -> None:
    content = file_of(ROWS, [HANDLE, Step("READ_VARIABLE", [1], 2), SUM], [0], [3])
    with pytest.raises(UnsupportedError, match="reads the variable 'k', which nothing sets first"):
        parse(content, "m.tflite")


@pytest.mark.parametrize("which", [0, 1])
def test_an_operator_on_variables_without_a_result_is_refused(which: int) -> None:
    content = file_of(ROWS, [HANDLE, Step("READ_VARIABLE", [1], 2), SUM], [0], [3])
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    model.subgraphs[0].operators[which].outputs = []
    with pytest.raises(EdgePruneError, match="has no output"):
        parse(packed(model), "m.tflite")
