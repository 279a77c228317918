"""SVDF and the types around it: a file's own integers, call after call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tflite_files import Step, Value, constant, file_of, packed

from edgeprune.compiler.compile import Recipe
from edgeprune.emit.to_tflite import emit
from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends import load
from edgeprune.frontends.from_tflite import parse
from edgeprune.ir import Array, Graph, Node, QuantParams, run_steps
from edgeprune.ir.fixedpoint import quantize_multiplier, rescale
from edgeprune.ops import Concat, Reshape, Slice
from edgeprune.target import load_target
from edgeprune.verify import run_tflite
from edgeprune.verify.run_c import HostModel

FRAME, FILTERS, STEPS = 7, 12, 1000
OPTIONS = "SVDFOptions"


def variable(content: bytes, *numbers: int) -> bytes:
    """The file with some of its tensors kept from call to call."""
    held = schema.ModelT.InitFromPackedBuf(content)
    for number in numbers:
        held.subgraphs[0].tensors[number].isVariable = True
    return packed(held)


def svdf(
    values: list[Value], rank: int, *, activation: int = 1, kept: tuple[int, ...] = (4,)
) -> bytes:
    options = {"rank": rank, "fusedActivationFunction": activation}
    step = Step("SVDF", range(5), 5, options, OPTIONS, 3)
    return variable(file_of(values, [step], [0], [5]), *kept)


def int8_operands(rng: np.random.Generator, frames: int, rank: int) -> list[Value]:
    def numbers(top: int, *shape: int) -> Array:
        return rng.integers(-top, top + 1, shape)

    at = [int(z) for z in rng.integers(-100, 100, 3)]
    return [
        Value((1, FRAME), "int8", QuantParams.of(0.05, at[0])),
        constant(numbers(127, FILTERS, FRAME).astype(np.int8), QuantParams.of(0.003)),
        constant(numbers(127, FILTERS, frames).astype(np.int8), QuantParams.of(0.007)),
        constant(numbers(30000, FILTERS // rank).astype(np.int32), QuantParams.of(0.00042)),
        Value((1, FILTERS * frames), "int8", QuantParams.of(0.06, at[1])),
        Value((1, FILTERS // rank), "int8", QuantParams.of(0.8, at[2])),
    ]


def published(values: list[Value], rank: int, x: Array) -> Array:
    """TFLite Micro's svdf_common.cc: the zero point of the state is added before it saturates."""
    w, over_time, bias = (v.data.astype(np.int64) for v in values[1:4])
    (x_scale, zx), (s1, _), (s2, _), _, (state, zs), (y_scale, zy) = (
        v.quant.scalar for v in values
    )
    first, second = (
        quantize_multiplier(x_scale * s1 / state),
        quantize_multiplier(state * s2 / y_scale),
    )
    held = np.full(over_time.shape, zs, np.int64)
    rows = []
    for frame in x.astype(np.int64):
        new = (rescale(w @ (frame - zx), *first) + zs).clip(-128, 127)
        held = np.concatenate([held[:, 1:], new[:, None]], axis=1)
        total = (over_time * (held - zs)).sum(axis=1).reshape(-1, rank).sum(axis=1) + bias
        rows.append((rescale(total, *second) + zy).clip(-128, 127))
    return np.stack(rows)


@pytest.mark.parametrize(("frames", "rank"), [(1, 1), (8, 1), (5, 2), (8, 3)])
def test_int8_is_as_published_over_a_thousand_steps_and_so_is_what_is_written(
    frames: int, rank: int
) -> None:
    """LiteRT has no int8 state; what is written from it has none, and runs there."""
    rng = np.random.default_rng(frames + rank)
    values = int8_operands(rng, frames, rank)
    x = rng.integers(-128, 128, (STEPS, FRAME)).astype(np.int8)
    wanted = published(values, rank, x)
    graph = parse(svdf(values, rank), "m.tflite")
    assert "TFLite Micro's integers" in graph.notes[0]
    assert len(np.unique(wanted)) > 20
    assert np.array_equal(run_steps(graph, [x])[graph.results[0]], wanted)
    assert np.array_equal(run_tflite.run(emit(graph), x), wanted)


def test_float_is_what_litert_computes() -> None:
    rng = np.random.default_rng(0)
    shapes = [(FILTERS, FRAME), (FILTERS, 6), (FILTERS // 2,)]
    weights = [constant(rng.normal(size=s).astype(np.float32)) for s in shapes]
    ends = [Value((1, FILTERS * 6), "float32"), Value((1, FILTERS // 2), "float32")]
    content = svdf([Value((1, FRAME), "float32"), *weights, *ends], 2)
    x = rng.normal(size=(50, FRAME)).astype(np.float32)
    graph = parse(content, "m.tflite")
    found = run_steps(graph, [x])[graph.results[0]]
    assert np.allclose(found, run_tflite.run(content, x), rtol=1e-5, atol=1e-5)
    assert (found == 0).any()
    assert (found > 1).any()


def test_a_state_of_int8_is_not_given_to_litert() -> None:
    content = svdf(int8_operands(np.random.default_rng(0), 4, 1), 1)
    with pytest.raises(EdgePruneError, match="no SVDF with a state of int8"):
        run_tflite.run(content, np.zeros((1, FRAME), np.int8))


def test_operands_that_do_not_go_together_are_refused_in_words() -> None:
    values = int8_operands(np.random.default_rng(0), 4, 1)
    with pytest.raises(EdgePruneError, match=r"operands and a result of shapes .*\[12, 4\]"):
        parse(svdf(values, 5), "m.tflite")
    with pytest.raises(EdgePruneError, match="operands and a result of shapes"):
        parse(svdf(values, 1, kept=()), "m.tflite")
    mixed = [*values[:4], Value(values[4].shape, "int16", QuantParams.of(0.06)), values[5]]
    with pytest.raises(UnsupportedError, match="weights and state of type int8, int8, int16"):
        parse(svdf(mixed, 1), "m.tflite")
    moved = [*wide_operands(np.random.default_rng(0), 4, 1)]
    moved[4] = Value(moved[4].shape, "int16", QuantParams.of(0.06, 3))
    with pytest.raises(EdgePruneError, match="has no scale, or a zero point"):
        parse(svdf(moved, 1), "m.tflite")


def wide_operands(rng: np.random.Generator, frames: int, rank: int) -> list[Value]:
    """Of a layer whose features are kept as int16, as TensorFlow's converter writes it."""
    top = 32767 // frames // rank
    return [
        Value((1, FRAME), "int8", QuantParams.of(0.05, int(rng.integers(-100, 100)))),
        constant(rng.integers(-127, 128, (FILTERS, FRAME)).astype(np.int8), QuantParams.of(0.003)),
        constant(
            rng.integers(-top, top + 1, (FILTERS, frames)).astype(np.int16), QuantParams.of(3e-5)
        ),
        constant(
            rng.integers(-(10**7), 10**7, FILTERS // rank).astype(np.int32), QuantParams.of(3e-9)
        ),
        Value((1, FILTERS * frames), "int16", QuantParams.of(1e-4)),
        Value((1, FILTERS // rank), "int8", QuantParams.of(0.012, int(rng.integers(-128, 100)))),
    ]


@pytest.mark.parametrize(("frames", "rank"), [(1, 1), (8, 1), (5, 2), (8, 3)])
def test_a_state_of_int16_is_litert_in_every_artifact_over_a_thousand_steps(
    frames: int, rank: int, tmp_path: Path
) -> None:
    rng = np.random.default_rng(frames + rank)
    content = svdf(wide_operands(rng, frames, rank), rank)
    x = rng.integers(-128, 128, (STEPS, FRAME)).astype(np.int8)
    wanted = run_tflite.run(content, x)
    assert len(np.unique(wanted)) > 20
    graph = parse(content, "m.tflite")
    written = emit(graph)
    assert np.array_equal(run_steps(graph, [x])[graph.results[0]], wanted)
    assert np.array_equal(run_tflite.run(written, x), wanted)
    Recipe(load_target("host"), "int8", "speed", {}).compile_typed(graph).write_c(tmp_path, "m")
    with HostModel(tmp_path) as model:
        assert np.array_equal(np.asarray(model.run(x)), wanted)
    (part,) = schema.ModelT.InitFromPackedBuf(written).subgraphs
    assert len(part.operators) == 1, "the operator again, with a state of its own"


class NewestFirst(Concat):
    """Another join of the same shapes."""


def changed(graph: Graph, name: str, **parts: Any) -> Graph:
    """The network with one of its nodes another."""
    nodes = tuple(replace(n, **parts) if n.name == name else n for n in graph.nodes)
    return replace(graph, nodes=nodes)


def read_again(graph: Graph, value: str) -> Graph:
    """The network with one more reader of a value, whose copy is shown."""
    node = Node("more", Reshape(graph.types[value].shape), (value,), "more")
    types = {**graph.types, "more": graph.types[value]}
    outputs = (*graph.outputs, "more")
    return replace(graph, nodes=(*graph.nodes, node), types=types, outputs=outputs)


def moved_from_elsewhere(graph: Graph) -> Graph:
    wider = replace(
        graph, inputs=(*graph.inputs, "other"), types={**graph.types, "other": graph.types["t4"]}
    )
    return changed(wider, "t5/older", inputs=("other",))


UNLIKE: dict[str, Callable[[Graph], Graph]] = {
    "features that are shown": lambda g: replace(g, outputs=(g.nodes[0].output, *g.outputs)),
    "features that are read": lambda g: read_again(g, "t5/features"),
    "a state that is read": lambda g: read_again(g, "t4"),
    "another join": lambda g: changed(g, "t5/state", op=NewestFirst(0)),
    "the newest dropped": lambda g: changed(g, "t5/older", op=Slice((0, 0), (3, FILTERS), (1, 1))),
    "older ones that are not its own": moved_from_elsewhere,
}


@pytest.mark.parametrize("kind", UNLIKE)
def test_what_keeps_its_features_in_another_way_is_no_svdf_of_a_file(kind: str) -> None:
    graph = parse(svdf(wide_operands(np.random.default_rng(0), 4, 1), 1), "m.tflite")
    emit(graph)
    with pytest.raises(UnsupportedError, match="keeps its features to itself"):
        emit(UNLIKE[kind](graph))


def last_of(content: bytes, x: Array) -> Array:
    """What LiteRT's reference kernels answer to each sample."""
    kind = OpResolverType.BUILTIN_REF
    worker = Interpreter(model_content=content, experimental_op_resolver_type=kind)
    worker.allocate_tensors()
    rows = []
    for sample in x:
        worker.set_tensor(worker.get_input_details()[0]["index"], sample[None])
        worker.invoke()
        rows.append(worker.get_tensor(worker.get_output_details()[0]["index"])[0])
    return np.stack(rows)


def test_int16_in_int32_out_and_a_wide_softmax_between_are_those_of_litert() -> None:
    """What stands around the SVDF of speech models: their features and scores are no int8."""
    values = [
        Value((1, 9), "int16", QuantParams.of(0.000625)),
        Value((1, 9), "int8", QuantParams.of(0.0592, -20)),
        Value((1, 9), "int16", QuantParams.of(1 / 65536, -32768)),
        Value((1, 9), "int32", QuantParams.of(1 / 32768)),
    ]
    steps = [
        Step("QUANTIZE", [0], 1, {}, "QuantizeOptions"),
        Step("SOFTMAX", [1], 2, {"beta": 1.0}, "SoftmaxOptions", 2),
        Step("QUANTIZE", [2], 3, {}, "QuantizeOptions"),
    ]
    content = file_of(values, steps, [0], [3])
    x = np.random.default_rng(0).normal(0, 3000, (300, 9)).astype(np.int16)
    graph = parse(content, "m.tflite")
    wanted = last_of(content, x)
    assert len(np.unique(wanted)) > 500
    assert np.array_equal(run_steps(graph, [x])[graph.results[0]], wanted)
    assert np.array_equal(run_tflite.run(emit(graph), x), wanted)


@pytest.mark.needs("EDGEPRUNE_DATA")
def test_a_public_keyword_model_is_read_and_what_is_written_computes_the_same(data_dir) -> None:
    graph = load(data_dir / "public" / "keyword_scrambled_8bit.tflite")
    assert len(graph.states) == 7
    x = np.random.default_rng(0).integers(-32768, 32768, (60, 96)).astype(np.int16)
    wanted = run_steps(graph, [x])[graph.results[0]]
    assert np.array_equal(run_tflite.run(emit(graph), x), wanted)
