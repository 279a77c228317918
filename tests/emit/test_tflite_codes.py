"""Files for TFLite Micro: weights of few values are codes, and decode to those of plain files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from op_cases import FORMS, Case

from edgeprune.emit import _tflite_codes
from edgeprune.emit.to_tflite import emit
from edgeprune.errors import EdgePruneError
from edgeprune.frontends.from_tflite import parse
from edgeprune.ir import Array, Graph, LinearOp
from edgeprune.ops import Dense
from edgeprune.verify import run_tflite

LEAST_SAVED = _tflite_codes.LEAST_SAVED
LINEAR = [c for c in FORMS if isinstance(c.op, LinearOp) and len(c.constants) == 2]


@pytest.fixture(autouse=True)
def every_constant_pays() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_tflite_codes, "LEAST_SAVED", -(1 << 20))
        yield


def of_few_values(case: Case, kinds: int) -> Graph:
    """An int8 layer whose weights have so many values, not in order."""
    graph, rng = case.quantised(), np.random.default_rng(kinds)
    name = next(n for n in graph.nodes if isinstance(n.op, LinearOp)).inputs[1]
    values = rng.permutation(np.arange(-127, 128))[:kinds].astype(np.int8)
    return graph.with_constants({name: rng.choice(values, graph.types[name].shape)})


def opened(content: bytes) -> schema.ModelT:
    return schema.ModelT.InitFromPackedBuf(content, 0)


def closed(model: schema.ModelT) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def decoded_by_hand(content: bytes) -> list[list[int]]:
    """The weights of the only layer, bit after bit, in no haste."""
    model = opened(content)
    graph = model.subgraphs[0]
    held = [model.buffers[t.buffer].data for t in graph.tensors]
    made: list[list[int]] = []
    for op in graph.operators:
        if model.operatorCodes[op.opcodeIndex].customCode != b"TFLM_DECODE":
            continue
        packed, header = (held[i] for i in op.inputs)
        assert list(header[:5]) == [0, 1, 0, 0, 1]
        assert list(header[6:16]) == [0] * 10
        text, width = "".join(f"{byte:08b}" for byte in packed), int(header[5])
        size = int(np.prod(graph.tensors[op.outputs[0]].shape))
        codes = [int(text[i * width : (i + 1) * width], 2) for i in range(size)]
        assert len(packed) == -(-size * width // 8)
        made.append([int(np.uint8(header[16 + c]).view(np.int8)) for c in codes])
    return made


@pytest.mark.parametrize("kinds", [2, 3, 7, 16])
@pytest.mark.parametrize("case", LINEAR, ids=str)
def test_codes_are_the_weights_of_the_plain_file(case: Case, kinds: int) -> None:
    graph = of_few_values(case, kinds)
    plain, small = emit(graph), emit(graph, codes=True)
    (weights,) = decoded_by_hand(small)
    held = [b.data.view(np.int8) for b in opened(plain).buffers if b.data is not None]
    assert any(list(data) == weights for data in held if data.size == len(weights))
    decoding = [c for c in opened(small).operatorCodes if c.customCode]
    assert [c.version for c in decoding] == [1], "the first of TFLite Micro's operator"
    again = parse(small, "small.tflite")
    assert all(any(np.array_equal(v, w) for w in again.constants.values())
               for v in parse(plain, "plain.tflite").constants.values())  # fmt: skip


@pytest.mark.parametrize("case", LINEAR, ids=str)
def test_a_file_with_codes_computes_what_the_plain_one_does(case: Case) -> None:
    graph = of_few_values(case, 5)
    x = rows_for(graph, 40)
    assert np.array_equal(
        run_tflite.run(emit(graph, codes=True), x), run_tflite.run(emit(graph), x)
    )


def rows_for(graph: Graph, n: int) -> Array:
    shape = graph.types[graph.inputs[0]].shape
    return np.random.default_rng(3).integers(-128, 128, (n, *shape), dtype=np.int8)


@pytest.mark.needs("tflite_micro")
@pytest.mark.parametrize("memory", [0, 4096], ids=["arena", "memory of its own"])
@pytest.mark.parametrize("kinds", [3, 16])
@pytest.mark.parametrize("case", LINEAR, ids=str)
def test_tflite_micro_computes_from_codes_what_it_does_from_weights(
    case: Case, kinds: int, memory: int
) -> None:
    from tflite_micro import runtime

    graph = of_few_values(case, kinds)
    answers = []
    for content in (emit(graph), emit(graph, codes=True)):
        tflm = runtime.Interpreter.from_bytes(
            content, arena_size=1 << 17, alt_decompression_memory_size=memory
        )
        made = []
        for row in rows_for(graph, 8):
            tflm.set_input(row[None], 0)
            tflm.invoke()
            made.append(tflm.get_output(0))
        answers.append(np.concatenate(made))
    assert len(np.unique(answers[0])) > 2
    assert np.array_equal(*answers)


def test_weights_of_many_values_and_small_ones_stay_as_they_are() -> None:
    many = of_few_values(Case(Dense(), (40,), ((20, 40), (20,))), 17)
    assert emit(many, codes=True) == emit(many)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_tflite_codes, "LEAST_SAVED", LEAST_SAVED)
        small = of_few_values(LINEAR[0], 3)
        assert emit(small, codes=True) == emit(small)


def test_codes_are_used_only_where_the_file_becomes_smaller() -> None:
    """What the operator takes of a file is what :data:`LEAST_SAVED` says, and not more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_tflite_codes, "LEAST_SAVED", LEAST_SAVED)
        for inputs in range(16, 120, 4):
            graph = of_few_values(Case(Dense(), (inputs,), ((8, inputs), (8,))), 16)
            assert len(emit(graph, codes=True)) <= len(emit(graph)), inputs


@pytest.mark.parametrize("uses", [2, 3, 48])
def test_weights_that_layers_share_are_codes_only_where_the_file_becomes_smaller(uses: int) -> None:
    """The plain file has them once, too, and the one with codes an operator for each use."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_tflite_codes, "LEAST_SAVED", LEAST_SAVED)
        graph = used_again(of_few_values(Case(Dense(), (48,), ((48, 48), (48,))), 4), uses - 1)
        plain, small = emit(graph), emit(graph, codes=True)
    assert len(small) < len(plain) if uses < 4 else small == plain


def used_again(graph: Graph, times: int) -> Graph:
    """The network with further layers beside its own, of the same weights."""
    layer = next(n for n in graph.nodes if isinstance(n.op, LinearOp))
    names = [f"again{i}" for i in range(times)]
    return replace(
        graph,
        nodes=(*graph.nodes, *(replace(layer, name=n, output=f"{n}:y") for n in names)),
        outputs=(*graph.outputs, *(f"{n}:y" for n in names)),
        types={**graph.types, **{f"{n}:y": graph.types[layer.output] for n in names}},
    )


def test_two_layers_with_the_same_weights_are_decoded_one_by_one() -> None:
    """Memory that decoded weights lie in is used again by the next that are decoded."""
    case = Case(Dense(), (8,), ((8, 8), (8,)))
    one = of_few_values(case, 4)
    graph = used_again(one, 1)
    content = emit(graph, codes=True)
    first, other = decoded_by_hand(content)
    assert first == other
    rows = rows_for(one, 20)
    assert np.array_equal(run_tflite.run(content, rows), run_tflite.run(emit(graph), rows))


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (lambda packed, header: (packed[:-1], header), "hold no"),
        (lambda packed, header: (packed, header[:15]), "no tables"),
        (lambda packed, header: (packed, header[:17]), "of 1 values"),
        (lambda packed, header: (packed, _changed(header, 0, 1)), "of kind 1"),
        (lambda packed, header: (packed, _changed(header, 1, 2)), "version 2"),
        (lambda packed, header: (packed, _changed(header, 5, 0)), "of 0 bits"),
        (lambda packed, header: (packed, _changed(header, 6, 100)), "values"),
    ],
)
def test_codes_that_contradict_themselves_are_refused(edit: object, what: str) -> None:
    assert callable(edit)
    content = emit(of_few_values(Case(Dense(), (9,), ((5, 9), (5,))), 6), codes=True)
    model = opened(content)
    graph = model.subgraphs[0]
    decode = next(op for op in graph.operators if len(op.inputs) == 2)
    tensors = [graph.tensors[i] for i in decode.inputs]
    buffers = [model.buffers[t.buffer] for t in tensors]
    for t, buffer, data in zip(tensors, buffers, edit(*(b.data for b in buffers)), strict=True):
        buffer.data, t.shape = data, [len(data)]
    with pytest.raises(EdgePruneError, match=what):
        parse(closed(model), "damaged.tflite")


def _changed(header: Array, at: int, value: int) -> Array:
    made = header.copy()
    made[at] = value
    return made


@pytest.mark.parametrize("along", [0, 3])
def test_tables_of_every_channel_are_read(along: int) -> None:
    """As TFLM's own compressor writes them: one table behind the other."""
    case = next(c for c in LINEAR if len(c.constants[0]) == (4 if along == 0 else 3))
    graph = of_few_values(case, 4)
    model = opened(emit(graph, codes=True))
    tensors = model.subgraphs[0].tensors
    decode = next(op for op in model.subgraphs[0].operators if len(op.inputs) == 2)
    packed, header = (model.buffers[tensors[i].buffer] for i in decode.inputs)
    result = tensors[decode.outputs[0]]
    assert result.quantization.quantizedDimension == along
    channels = result.shape[along]
    tables = np.arange(4 * channels, dtype=np.uint8)
    header.data = np.concatenate([_changed(header.data[:16], 6, 4), tables])
    tensors[decode.inputs[1]].shape = [len(header.data)]
    codes = np.unpackbits(packed.data).reshape(-1, 2) @ [2, 1]
    codes = codes[: int(np.prod(result.shape))].reshape(result.shape)
    number = np.arange(channels).reshape([-1 if a == along else 1 for a in range(4)])
    want = (codes + 4 * number).astype(np.int8)
    found = parse(closed(model), "tables.tflite").constants.values()
    assert any(np.array_equal(np.squeeze(v), np.squeeze(want)) for v in found)
