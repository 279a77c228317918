"""A network on a stream answers what the network over the window answers that ends there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeprune.errors import EdgePruneError
from edgeprune.frontends import load
from edgeprune.frontends.stream import streaming, windows
from edgeprune.frontends.upright import upright
from edgeprune.ir import (
    Array,
    Graph,
    Node,
    Op,
    Port,
    TensorType,
    build_graph,
    dequantise_array,
    fed,
    predict,
    run_int,
    run_steps,
)
from edgeprune.ops import (
    Add,
    AvgPool2d,
    Concat,
    Conv2d,
    Dense,
    DepthwiseConv2d,
    MaxPool2d,
    Mean,
    Mul,
    Pad,
    Relu,
    Reshape,
    Slice,
    Sub,
)
from edgeprune.ops._window import Padding
from edgeprune.quantize import observe, quantise
from edgeprune.verify import run_tflite

FRAMES, WIDTH, CHANNELS = 20, 2, 3
Layer = tuple[str, Op, tuple[str, ...]]

NETWORKS: dict[str, tuple[list[Layer], int]] = {
    "convolutions": (
        [("a", Conv2d(), ("x", "3x1")), ("b", Relu(), ("a",)), ("y", Conv2d(), ("b", "4x2"))], 1,
    ),
    "a residual and a depthwise layer": (
        [("a", DepthwiseConv2d(), ("x", "3x1")), ("b", Conv2d(), ("a", "1x1")),
         ("c", Relu(), ("b",)), ("d", Add(), ("a", "c")), ("y", DepthwiseConv2d(), ("d", "5x1"))],
        1,
    ),
    "strides": (
        [("a", Conv2d(stride=(2, 1)), ("x", "4x1")), ("y", Conv2d(), ("a", "3x1"))], 2,
    ),
    "a dilated layer": (
        [("a", Conv2d(dilation=(2, 1)), ("x", "3x1")), ("y", Conv2d(), ("a", "2x1"))], 1,
    ),
    "a pool": (
        [("a", Conv2d(), ("x", "3x1")), ("y", AvgPool2d((3, 1), (3, 1)), ("a",))], 3,
    ),
    "padding before the first frame, and the last step": (
        [("a", Conv2d(padding=Padding(2, 0, 0, 0)), ("x", "3x1")),
         ("b", Conv2d(padding=Padding(4, 0, 0, 0), dilation=(2, 1)), ("a", "3x1")),
         ("y", Slice((19, 0, 0), (20, 2, 3), (1, 1, 1)), ("b",))], 1,
    ),
    "frames that are joined in another order": (
        [("a", Conv2d(), ("x", "3x1")), ("b", Slice((9, 0, 0), (18, 2, 3), (1, 1, 1)), ("a",)),
         ("c", Slice((0, 0, 0), (9, 2, 3), (1, 1, 1)), ("a",)), ("d", Concat(0), ("b", "c")),
         ("y", Conv2d(), ("d", "3x1"))], 1,
    ),
}  # fmt: skip


SAME: tuple[list[Layer], int] = (
    [("a", Conv2d(padding=Padding(1, 0, 1, 0)), ("x", "3x1")), ("y", Conv2d(), ("a", "2x1"))], 1,
)  # fmt: skip


def network(name: str, *, mean: bool) -> Graph:
    layers, _ = {**NETWORKS, "same": SAME}[name]
    rng = np.random.default_rng(1)
    nodes, constants = [], {}
    types = {"x": TensorType((FRAMES, WIDTH, CHANNELS))}
    rows = list(layers)
    rows += [("m", Mean(), ("y",))] if mean else []
    for value, op, operands in rows:
        names = list(operands)
        if len(names) == 2 and "x" in names[1]:
            h, w = map(int, names[1].split("x")) if names[1] != "x" else (0, 0)
            deep = types[names[0]].shape[2]
            shape = (h, w, deep) if isinstance(op, DepthwiseConv2d) else (deep, h, w, deep)
            names[1] = f"{value}/w"
            names.append(f"{value}/b")
            constants[names[1]] = rng.normal(size=shape).astype(np.float32)
            constants[names[2]] = rng.normal(size=deep).astype(np.float32)
        known = [types[v] if v in types else TensorType(constants[v].shape) for v in names]
        types[value] = op.infer(*known)
        nodes.append(Node(value, op, tuple(names), value))
    last = rows[-1][0]
    size = types[last].size
    constants |= {
        "o/w": rng.normal(size=(4, size)).astype(np.float32),
        "o/b": np.zeros(4, np.float32),
    }
    nodes += [
        Node("f", Reshape((size,)), (last,), "f"),
        Node("o", Dense(), ("f", "o/w", "o/b"), "o"),
    ]
    graph = build_graph(name, nodes, {"x": types["x"]}, ["o"], constants)
    x = rng.normal(size=(32, FRAMES, WIDTH, CHANNELS)).astype(np.float32)
    ranges = {v: s.range("minmax", 256) for v, s in observe(graph, x).items()}
    return quantise(graph, ranges)


@pytest.mark.parametrize("mean", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_call_gives_the_bytes_of_the_window(name: str, mean: bool) -> None:
    graph = network(name, mean=mean)
    stream = streaming(graph)
    t = stream.types["x"]
    assert t.shape[0] == NETWORKS[name][1]
    assert stream.macs < graph.macs
    q = np.random.default_rng(2).integers(-128, 128, (30, *t.shape)).astype(np.int8)
    whole = fed(graph, windows(graph, stream, dequantise_array(q, t)))
    wanted = run_int(graph, {"x": whole})["o"]
    assert len(np.unique(wanted)) > 8, "the case says something"
    assert np.array_equal(run_steps(stream, [q])["o"], wanted)


def sequence(name: str) -> Graph:
    """Over frames that lie: as readers hold a Conv1d's sequences, and as images of height 1."""
    rng = np.random.default_rng(1)

    def some(*shape: int) -> Array:
        return rng.normal(size=shape).astype(np.float32)

    image = (1, FRAMES, CHANNELS)
    nodes = {
        "a causal layer, a gate by channel and the last step": [
            Node("p", Pad((4, 0), (0, 0)), ("x",), "p"),
            Node("i", Reshape((1, FRAMES + 4, CHANNELS)), ("p",), "i"),
            Node("c", Conv2d(dilation=(1, 2)), ("i", "1x3", "b"), "c"),
            Node("r", Reshape((FRAMES, CHANNELS)), ("c",), "r"),
            Node("g", Mul(), ("r", "gate"), "g"),
            Node("a", Add(), ("g", "x"), "a"),
            Node("j", Concat(), ("a", "x"), "j"),
            Node("s", Slice((FRAMES - 1, 1), (FRAMES, 6), (1, 1)), ("j",), "s"),
            Node("f", Reshape((5,)), ("s",), "f"),
            Node("y", Dense(), ("f", "5", "o"), "y"),
        ],
        "an image of height 1, a pool, and all steps": [
            Node("d", DepthwiseConv2d(), ("x", "3", "b"), "d"),
            Node("t", Sub(), ("by time", "d"), "t"),
            Node("m", MaxPool2d((1, 2), (1, 2)), ("t",), "m"),
            Node("c", Conv2d(), ("m", "1x3", "b"), "c"),
            Node("f", Reshape((7 * CHANNELS,)), ("c",), "f"),
            Node("y", Dense(), ("f", "21", "o"), "y"),
        ],
    }[name]
    shape = image if name.startswith("an image") else image[1:]
    constants = {
        "1x3": some(CHANNELS, 1, 3, CHANNELS), "b": some(CHANNELS), "gate": some(1, CHANNELS),
        "3": some(1, 3, CHANNELS), "by time": some(1, 1, CHANNELS), "5": some(4, 5),
        "21": some(4, 21), "o": some(4),
    }  # fmt: skip
    ports = {"x": Port("x", (1, CHANNELS, FRAMES), (1, 0))} if len(shape) == 2 else {}
    graph = build_graph(name, nodes, {"x": TensorType(shape)}, ["y"], constants, ports=ports)
    x = rng.normal(size=(32, *shape)).astype(np.float32)
    ranges = {v: s.range("minmax", 256) for v, s in observe(graph, x).items()}
    return quantise(graph, ranges)


@pytest.mark.parametrize(
    ("name", "frames", "fewer"),
    [
        ("a causal layer, a gate by channel and the last step", (1, CHANNELS), 0.1),
        ("an image of height 1, a pool, and all steps", (1, 2, CHANNELS), 0.4),
    ],
)
def test_a_sequence_is_a_stream_of_its_frames(
    name: str, frames: tuple[int, ...], fewer: float
) -> None:
    graph = sequence(name)
    stream = streaming(graph)
    t = stream.types["x"]
    assert t.shape == frames
    assert stream.macs < fewer * graph.macs
    q = np.random.default_rng(2).integers(-128, 128, (30, *t.shape)).astype(np.int8)
    whole = fed(graph, windows(graph, stream, dequantise_array(q, t)))
    wanted = run_int(graph, {"x": whole})["y"]
    assert len(np.unique(wanted)) > 8, "the case says something"
    assert np.array_equal(run_steps(stream, [q])["y"], wanted)
    if "x" in graph.ports:
        assert stream.ports["x"].shape == (1, CHANNELS, 1), "as the model's user lays it down"


def test_frames_that_stand_are_computed_alike_by_a_layer_with_groups() -> None:
    rng = np.random.default_rng(0)
    constants = {
        "w": rng.normal(size=(4, 1, 1, 3)).astype(np.float32),
        "grouped": rng.normal(size=(4, 1, 3, 2)).astype(np.float32),
        "b": rng.normal(size=4).astype(np.float32),
    }
    nodes = [
        Node("c", Conv2d(), ("x", "w", "b"), "c"),
        Node("p", Pad((0, 2, 0), (0, 0, 0)), ("c",), "p"),
        Node("y", Conv2d(groups=2), ("p", "grouped", "b"), "y"),
    ]
    t = TensorType((1, FRAMES, CHANNELS))
    graph = build_graph("grouped", nodes, {"x": t}, ["y"], constants)
    x = rng.normal(size=(2, *t.shape)).astype(np.float32)
    standing = predict(upright(graph), x.reshape(2, FRAMES, 1, CHANNELS))
    np.testing.assert_allclose(standing, predict(graph, x), rtol=1e-5, atol=1e-5)


def test_frames_may_lie_behind_constant_ones() -> None:
    rng = np.random.default_rng(0)
    constants = {
        "before": np.ones((2, CHANNELS), np.float32),
        "w": rng.normal(size=(4, 1, 3, CHANNELS)).astype(np.float32),
        "b": rng.normal(size=4).astype(np.float32),
    }
    nodes = [
        Node("j", Concat(0), ("before", "x"), "j"),
        Node("i", Reshape((1, FRAMES + 2, CHANNELS)), ("j",), "i"),
        Node("y", Conv2d(), ("i", "w", "b"), "y"),
    ]
    t = TensorType((FRAMES, CHANNELS))
    graph = build_graph("causal", nodes, {"x": t}, ["y"], constants)
    x = rng.normal(size=(2, *t.shape)).astype(np.float32)
    standing = predict(upright(graph), x.reshape(2, FRAMES, 1, CHANNELS))
    np.testing.assert_allclose(standing, predict(graph, x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", [(FRAMES, CHANNELS), (FRAMES, WIDTH, CHANNELS)])
def test_zeros_that_a_model_joins_before_its_frames_are_padding(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    flat = len(shape) == 2
    image = (1, FRAMES + 2, CHANNELS) if flat else (FRAMES + 2, *shape[1:])
    last = (shape[0] - 1, *(0,) * (len(shape) - 1))
    constants = {
        "before": np.zeros((2, *shape[1:]), np.float32),
        "w": rng.normal(size=(4, *((1, 3) if flat else (3, 1)), CHANNELS)).astype(np.float32),
        "b": rng.normal(size=4).astype(np.float32),
    }
    made = (*shape[:-1], 4)
    nodes = [
        Node("j", Concat(0), ("before", "x"), "j"),
        Node("i", Reshape(image), ("j",), "i"),
        Node("c", Conv2d(), ("i", "w", "b"), "c"),
        Node("r", Reshape(made), ("c",), "r"),
        Node("y", Slice(last, made, (1,) * len(made)), ("r",), "y"),
    ]
    if not flat:  # an image is one as it is
        nodes = [nodes[0], replace(nodes[2], inputs=("j", "w", "b")),
                 replace(nodes[4], inputs=("c",))]  # fmt: skip
    graph = build_graph("causal", nodes, {"x": TensorType(shape)}, ["y"], constants)
    x = rng.normal(size=(32, *shape)).astype(np.float32)
    ranges = {v: s.range("minmax", 256) for v, s in observe(graph, x).items()}
    for window in (graph, quantise(graph, ranges)):
        stream = streaming(window)
        assert stream.types["x"].shape == (1, *shape[1:])
        assert stream.macs * FRAMES == graph.macs
        (kept,) = stream.states
        assert stream.types[kept].size * FRAMES == 2 * graph.types["x"].size
    t = stream.types["x"]
    q = np.random.default_rng(2).integers(-128, 128, (30, *t.shape)).astype(np.int8)
    whole = fed(window, windows(window, stream, dequantise_array(q, t)))
    wanted = run_int(window, {"x": whole})["y"]
    assert len(np.unique(wanted)) > 8, "the case says something"
    assert np.array_equal(run_steps(stream, [q])["y"], wanted)


def test_a_window_of_which_nothing_is_computed_by_frames_is_refused() -> None:
    rng = np.random.default_rng(0)
    constants = {
        "w": rng.normal(size=(4, CHANNELS)).astype(np.float32),
        "b": np.zeros(4, np.float32),
    }
    nodes = [Node("d", Dense(), ("x", "w", "b"), "d"), Node("y", Relu(), ("d",), "y")]
    t = TensorType((FRAMES, CHANNELS))
    graph = build_graph("dense", nodes, {"x": t}, ["y"], constants)
    with pytest.raises(EdgePruneError, match="nothing that is computed of a window serves the"):
        streaming(graph)


def test_a_later_layer_that_no_number_of_frames_suits_is_named() -> None:
    shape = (FRAMES, WIDTH, CHANNELS)
    nodes = [
        Node("a", AvgPool2d((1, 1), (5, 1)), ("x",), "a"),
        Node("b", AvgPool2d((1, 1), (6, 1)), ("x",), "b"),
        Node("m", Mean(), ("a",), "m"),
        Node("n", Mean(), ("b",), "n"),
    ]
    graph = build_graph("strides", nodes, {"x": TensorType(shape)}, ["m", "n"], {})
    with pytest.raises(EdgePruneError, match=r"below 19 moves b \(avg_pool2d\)") as no:
        streaming(graph)
    assert "strides of which a number below" in no.value.hint


def test_an_answer_of_one_frame_needs_no_stream() -> None:
    shape = (FRAMES, WIDTH, CHANNELS)
    nodes = [
        Node("a", AvgPool2d((1, 1), (1, 1)), ("x",), "a"),
        Node("c", Slice((0, 0, 0), (1, WIDTH, CHANNELS), (1, 1, 1)), ("a",), "c"),
        Node("m", Mean(), ("c",), "m"),
    ]
    graph = build_graph("one", nodes, {"x": TensorType(shape)}, ["m"], {})
    with pytest.raises(EdgePruneError) as refused:
        streaming(graph)
    assert refused.value.hint == "its answer depends on one frame: feed it that one"


def test_a_layer_that_reads_all_rows_is_named_where_they_are_padded() -> None:
    rng = np.random.default_rng(0)
    shape = (FRAMES, CHANNELS)
    constants = {
        "w": rng.normal(size=(CHANNELS, 1, 3, CHANNELS)).astype(np.float32),
        "d/w": rng.normal(size=(4, CHANNELS)).astype(np.float32),
        "b": np.zeros(CHANNELS, np.float32),
        "d/b": np.zeros(4, np.float32),
    }
    nodes = [
        Node("i", Reshape((1, *shape)), ("x",), "i"),
        Node("c", Conv2d(padding=Padding(0, 2, 0, 0)), ("i", "w", "b"), "c"),
        Node("r", Reshape(shape), ("c",), "r"),
        Node("d", Dense(), ("r", "d/w", "d/b"), "d"),
        Node("y", Slice((FRAMES - 1, 0), (FRAMES, 4), (1, 1)), ("d",), "y"),
    ]
    graph = build_graph("frames", nodes, {"x": TensorType(shape)}, ["y"], constants)
    with pytest.raises(EdgePruneError, match="--stream: c: pads") as refused:
        streaming(graph)
    assert refused.value.hint.startswith("d (dense) reads all rows: cut out the last ones before")


def test_padding_that_the_answer_sees_is_refused_by_name() -> None:
    with pytest.raises(EdgePruneError, match="--stream: a: pads the window's rows"):
        streaming(network("same", mean=False))


def test_padding_by_a_layer_of_its_own_is_refused_by_name() -> None:
    nodes = [
        Node("p", Pad((1, 0, 0), (0, 0, 0)), ("x",), "p"),
        Node("c", Slice((0, 0, 0), (20, 2, 3), (1, 1, 1)), ("p",), "c"),
        Node("m", Mean(), ("c",), "m"),
    ]
    graph = build_graph("g", nodes, {"x": TensorType((FRAMES, WIDTH, CHANNELS))}, ["m"], {})
    with pytest.raises(EdgePruneError, match="--stream: p: pads the window's rows"):
        streaming(graph)


def test_a_network_without_frames_is_refused() -> None:
    t = TensorType((4,))
    graph = build_graph("flat", [Node("y", Relu(), ("x",), "y")], {"x": t}, ["y"], {})
    with pytest.raises(EdgePruneError, match="a stream has one input"):
        streaming(graph)


@pytest.mark.needs("EDGEPRUNE_DATA")
def test_the_streaming_wake_word_gives_litert_s_bytes(data_dir: Path) -> None:
    path = data_dir / "public" / "sww_int8.tflite"
    graph = load(path)
    stream = streaming(graph)
    assert stream.macs == 46_040
    assert sum(stream.types[v].nbytes for v in stream.states) == 3_536
    t = stream.types[stream.arguments[0]]
    q = np.random.default_rng(0).integers(-128, 128, (200, *t.shape)).astype(np.int8)
    whole = fed(graph, windows(graph, stream, dequantise_array(q, t)))
    wanted = run_tflite.run(path.read_bytes(), whole)
    assert np.array_equal(run_steps(stream, [q])[stream.results[0]], wanted)
