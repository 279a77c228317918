"""Layers that run by rows: no row is made twice, and each is there when it is read."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
import torch

from edgeprune import ops
from edgeprune.ir import (
    Array,
    DType,
    Graph,
    Node,
    QuantParams,
    Span,
    TensorType,
    build_graph,
    span_of,
)
from edgeprune.ops import Resize
from edgeprune.ops._window import Padding

Coordinates = Literal["asymmetric", "half_pixel", "align_corners"]

SAME = Padding(1, 1, 1, 1)


def chain(*layers: tuple[int, int, Padding], height: int = 17) -> Graph:
    """Convolutions (kernel, stride, padding) over an image, and a sum over the last two."""
    constants, nodes, value = {}, [], "x"
    for i, (kernel, stride, pad) in enumerate(layers):
        constants[f"w{i}"] = np.ones((2, kernel, kernel, 2), np.float32)
        constants[f"b{i}"] = np.zeros(2, np.float32)
        op = ops.Conv2d((stride, stride), pad)
        nodes.append(Node(f"n{i}", op, (value, f"w{i}", f"b{i}"), f"v{i}"))
        value = f"v{i}"
    return build_graph("chain", nodes, {"x": TensorType((height, 8, 2))}, (value,), constants)


def residual() -> Graph:
    """A sum of a value and of what two convolutions make of it."""
    graph = chain((3, 1, SAME), (1, 1, Padding()), (3, 1, SAME))
    nodes = (*graph.nodes, Node("sum", ops.Add(), ("v0", "v2"), "y"))
    return build_graph("sum", nodes, {"x": graph.types["x"]}, ("y",), graph.constants)


def check(graph: Graph, span: Span) -> None:
    """Goes through the turns with the rows that lie in memory."""
    there: dict[str, range] = {v: range(0) for v in span.inner}
    ends = dict.fromkeys((n.output for n in span.nodes), 0)
    for number, turn in enumerate(span.turns):
        for node in span.nodes:
            if node.name not in turn.made:
                continue
            rows, band = turn.made[node.name]
            assert rows.start == ends[node.output], "a row is made twice, or left out"
            ends[node.output] = rows.stop
            for v, read in zip(node.inputs, band.rows, strict=True):
                if read is not None and v in there:
                    assert set(read) <= set(there[v]), (node.name, v)
            if node.output in there:
                before, now = there[node.output], turn.held[node.output]
                assert set(now) <= set(before) | set(rows), "a row that has gone comes back"
                there[node.output] = now
        for v, now in turn.held.items():
            moves, stays = span.moves(v, number), span.stays(v, number)
            assert not moves.left or moves.below + moves.left == len(now)
            assert stays <= span.lasting.get(v, 0)
            there[v] = range(now.stop - stays, now.stop)
    assert ends[span.result] == graph.types[span.result].shape[0]


@pytest.mark.parametrize("most", [1, 2, 3, 5])
@pytest.mark.parametrize(
    "layers",
    [
        [(3, 1, SAME), (3, 1, SAME)],
        [(3, 2, SAME), (1, 1, Padding()), (3, 2, Padding(0, 0, 1, 1))],
        [(1, 2, Padding()), (2, 3, Padding()), (2, 1, Padding(1, 0, 0, 1))],
        [(5, 1, Padding(2, 2, 2, 2)), (3, 2, SAME), (3, 1, SAME), (3, 1, SAME)],
    ],
)
def test_every_row_is_made_once_and_there_when_it_is_read(
    layers: list[tuple[int, int, Padding]], most: int
) -> None:
    graph = chain(*layers)
    span = span_of(graph, graph.nodes, [most] * len(graph.nodes))
    assert span is not None
    check(graph, span)


@pytest.mark.parametrize("rows", [9, 13])
def test_what_was_made_less_at_first_is_made_in_the_end(rows: int) -> None:
    graph = chain((1, 1, Padding()), *[(3, 1, SAME)] * 4, height=25)
    turns = -(-25 // rows)
    plain = span_of(graph, graph.nodes, [rows] * 5)
    even = span_of(graph, graph.nodes, [rows] * 5, catches_up=True)
    assert plain is not None
    assert even is not None
    check(graph, even)
    assert (len(plain.turns), len(even.turns)) == (turns + 1, turns)
    last = [rows.stop - rows.start for rows, _ in even.turns[-1].made.values()]
    assert last == [25 - rows * (turns - 1) + i for i in range(5)]


def test_a_sum_waits_for_the_rows_of_its_longer_way() -> None:
    graph = residual()
    span = span_of(graph, graph.nodes, [1] * 4)
    assert span is not None
    check(graph, span)
    assert span.height("v0") == 2, "the row of the sum, and the one that its neighbour needs"
    assert span.height("v1") == 3, "a window"
    assert span.height("v2") == 1
    assert "v2" not in span.lasting
    assert span.lasting == {"v0": 1, "v1": 2}


def test_a_ring_is_as_high_as_a_window_and_what_is_made_in_a_turn() -> None:
    graph = chain((1, 1, Padding()), (3, 1, SAME), height=24)
    heights = [span_of(graph, graph.nodes, [n] * 2) for n in (1, 2, 4)]
    assert [s.height("v0") for s in heights if s] == [3, 4, 6]


def test_between_turns_only_rows_stay_that_are_read_again() -> None:
    graph = chain((1, 1, Padding()), (3, 1, SAME), (1, 1, Padding()), (3, 2, SAME), height=24)
    for most in (1, 2, 4):
        span = span_of(graph, graph.nodes, [most] * 4)
        assert span is not None
        check(graph, span)
        assert span.lasting["v0"] == 2, "of a window of three, moved by one"
        assert span.height("v0") == 2 + most


def test_what_others_read_ends_a_span() -> None:
    graph = residual()
    assert span_of(graph, graph.nodes[:2], [1, 1]) is None, "the sum reads v0 as well"
    assert span_of(graph, graph.nodes[1:3], [1, 1]) is not None


def ending(*ends: ops.Op) -> Graph:
    """A function of an image of six rows, and what comes behind."""
    nodes, value = [Node("a", ops.Relu(), ("x",), "v")], "v"
    for i, op in enumerate(ends):
        nodes.append(Node(f"end{i}", op, (value,), f"y{i}"))
        value = f"y{i}"
    return build_graph("ends", nodes, {"x": TensorType((6, 6, 2))}, (value,), {})


@pytest.mark.parametrize(
    "end", [ops.Mean(), ops.Mean((0,)), ops.AvgPool2d((6, 6))], ids=["mean", "of columns", "pool"]
)
@pytest.mark.parametrize("most", [1, 4])
def test_a_mean_over_all_rows_adds_them_as_they_come(end: ops.Op, most: int) -> None:
    graph = ending(end)
    span = span_of(graph, graph.nodes, [most, 1])
    assert span is not None
    assert span.sums
    assert span.height("v") == most
    parts = [t.made["end0"] for t in span.turns]
    assert [row for _, band in parts for row in band.rows[0] or ()] == [*range(6)]
    flags = [(band.part.first, band.part.last) for _, band in parts if band.part]
    assert flags == [(i == 0, i == len(parts) - 1) for i in range(len(parts))]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("where", ["asymmetric", "half_pixel", "align_corners"])
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
@pytest.mark.parametrize("dtype", [DType.FLOAT32, DType.INT8])
def test_bands_of_a_resized_image_are_its_rows(
    dtype: DType, mode: Literal["nearest", "bilinear"], where: Coordinates, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    size = (int(rng.integers(1, 20)), 3)
    x = rng.integers(-128, 128, (2, int(rng.integers(1, 12)), 5, 2)).astype(dtype.numpy)
    t = TensorType(x.shape[1:], dtype, QuantParams.of(0.1) if dtype is DType.INT8 else None)
    op = Resize(size, mode, where)

    def made(op: ops.Op, x: Array) -> Array:
        of = replace(t, shape=x.shape[1:])
        if dtype is DType.INT8:
            return op.evaluate_int([of], op.infer(of), x)
        return op.evaluate(torch.from_numpy(x)).numpy()

    whole = made(op, x)
    for start in range(size[0]):
        rows = range(start, int(rng.integers(start, size[0])) + 1)
        band = op.band([t], op.infer(t), rows)
        assert band is not None
        (read,) = band.rows
        assert read is not None
        part = made(band.op, x[:, read.start : read.stop])
        assert np.array_equal(part, whole[:, rows.start : rows.stop])


def test_bands_of_images_one_below_the_other_are_rows_of_each() -> None:
    rng = np.random.default_rng(0)
    images = [rng.integers(-128, 128, (2, n, 3, 2)).astype(np.int8) for n in (4, 1, 5)]
    types = [TensorType(x.shape[1:], DType.INT8, QuantParams.of(0.1)) for x in images]
    op = ops.Concat(0)
    y = op.infer(*types)
    whole = op.evaluate_int(types, y, *images)
    for start in range(10):
        for stop in range(start + 1, 11):
            band = op.band(types, y, range(start, stop))
            assert band is not None
            reads = [r for r in band.rows if r is not None]
            parts = [x[:, r.start : r.stop] for x, r in zip(images, reads, strict=True)]
            assert np.array_equal(band.op.evaluate_int(types, y, *parts), whole[:, start:stop])


def test_of_crops_that_are_joined_again_only_some_rows_are_there() -> None:
    types = {"x": TensorType((24, 8, 2))}
    whole = ("a", ops.Relu(), ("x",)), ("b", ops.Relu(), ("a",))
    top, bottom = (ops.Slice((i, 0, 0), (i + 12, 8, 2), (1, 1, 1)) for i in (0, 12))
    parts = ("c", top, ("b",)), ("d", bottom, ("b",)), ("e", ops.Sigmoid(), ("d",))
    nodes = [
        Node(f"{v}!", op, x, v) for v, op, x in (*whole, *parts, ("y", ops.Concat(0), ("c", "e")))
    ]
    graph = build_graph("joined", nodes, types, ("y",), {})
    span = span_of(graph, graph.nodes, [2] * len(nodes))
    assert span is not None
    check(graph, span)
    assert {v: span.height(v) for v in span.inner} == dict.fromkeys("abcde", 2)


def test_rows_that_are_made_alike_are_one_band() -> None:
    t = TensorType((24, 5, 2), DType.INT8, QuantParams.of(0.1))
    for mode, count in (("nearest", 1), ("bilinear", 3)):
        op = Resize((48, 10), mode, "half_pixel")  # type: ignore[arg-type]
        bands = [op.band([t], op.infer(t), range(i, i + 2)) for i in range(0, 48, 2)]
        assert len({b.op for b in bands if b}) == count, "the first, the last, and all others"


def test_what_needs_the_whole_image_ends_a_span() -> None:
    graph = ending(ops.Mean(keep=True), ops.Relu())
    assert span_of(graph, graph.nodes, [1, 1, 1]) is None, "it is there when all rows have come"
    graph = ending(ops.Mean((1,)))
    assert span_of(graph, graph.nodes, [1, 1]) is None, "a mean along each row"
