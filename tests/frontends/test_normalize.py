from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgeprune.frontends.affine import fold_affine
from edgeprune.frontends.joins import cut_before_joins
from edgeprune.frontends.normalize import (
    drop_identities,
    fuse,
    normalise_input,
    normalize,
    raise_clamps,
    sink_reshapes,
    unfuse,
)
from edgeprune.ir import (
    Graph,
    Node,
    Op,
    TensorType,
    build_graph,
    predict,
    run,
)
from edgeprune.ops import (
    Add,
    AvgPool2d,
    Concat,
    Conv2d,
    Dense,
    DepthwiseConv2d,
    Div,
    Maximum,
    MaxPool2d,
    Mul,
    Pad,
    PRelu,
    Relu,
    Reshape,
    Slice,
    Sub,
    Tanh,
    Transpose,
)
from edgeprune.ops._window import Padding

IMAGE = (5, 4, 4)


def chain(steps: list[tuple[Op, dict[int, np.ndarray]]], shape: tuple[int, ...] = IMAGE) -> Graph:
    """Operators one behind the other; each with its constants by position (-1: in front)."""
    nodes, constants, value = [], {}, "x"
    for i, (op, held) in enumerate(steps):
        args = [value]
        for k, c in sorted(held.items()):
            constants[f"c{i}_{k}"] = c.astype(np.float32)
            args.insert(0 if k < 0 else len(args), f"c{i}_{k}")
        nodes.append(Node(f"n{i}", op, tuple(args), f"v{i}"))
        value = f"v{i}"
    return build_graph("chain", nodes, {"x": TensorType(shape)}, [value], constants)


def kinds(graph: Graph) -> list[str]:
    return [n.op.kind for n in graph.nodes]


STEPS = st.sampled_from(
    "conv padded grouped depthwise add sub rsub mul div scalar relu relu6 clamped pool average "
    "transpose reshape pad".split()
)


def step(kind: str, channels: int, rng: np.random.Generator) -> tuple[Op, dict[int, np.ndarray]]:
    def w(*shape: int) -> np.ndarray:
        return rng.normal(size=shape)

    c = channels
    made: dict[str, tuple[Op, dict[int, np.ndarray]]] = {
        "conv": (Conv2d(), {1: w(4, 1, 2, c), 2: w(4)}),
        "padded": (Conv2d(padding=Padding(1, 1, 1, 1)), {1: w(4, 3, 3, c), 2: w(4)}),
        "grouped": (Conv2d(groups=2, clamp=(0.0, 6.0)), {1: w(4, 1, 1, c // 2), 2: w(4)}),
        "depthwise": (DepthwiseConv2d(padding=Padding(0, 1, 1, 0)), {1: w(2, 2, c), 2: w(c)}),
        "add": (Add(), {1: w(c)}),
        "sub": (Sub(), {1: w(c)}),
        "rsub": (Sub(), {-1: w(c)}),
        "mul": (Mul(), {-1: w(c)}),
        "div": (Div(), {1: np.abs(w(c)) + 0.5}),
        "scalar": (Mul(clamp=(-1.0, 1.0)), {1: w(1)}),
        "relu": (Relu(), {}),
        "relu6": (Relu((0.0, 6.0)), {}),
        "clamped": (Relu((-0.3, 0.7)), {}),
        "pool": (MaxPool2d((1, 1), (1, 1)), {}),
        "average": (AvgPool2d((3, 3), (1, 1), Padding(1, 1, 1, 1), (0.0, float("inf"))), {}),
        "transpose": (Transpose((0, 1, 2)), {}),
        "reshape": (Reshape(()), {}),
        "pad": (Pad((0, 0, 0), (0, 0, 0)), {}),
    }
    return made[kind]


def random_chain(names: list[str]) -> Graph:
    rng = np.random.default_rng(0)
    steps: list[tuple[Op, dict[int, np.ndarray]]] = []
    shape = IMAGE
    for name in names:
        op, held = step(name, shape[2], rng)
        if isinstance(op, Reshape):
            op = Reshape(shape)
        if name == "conv" and shape[1] < 2:
            continue
        steps.append((op, held))
        types = [TensorType(shape), *(TensorType(c.shape) for c in held.values())]
        shape = op.infer(*types).shape
    return chain(steps or [(Relu(), {})])


@given(st.lists(STEPS, max_size=7))
def test_every_pass_keeps_the_function(names: list[str]) -> None:
    graph = random_chain(names)
    x = np.random.default_rng(1).normal(size=(3, *IMAGE)).astype(np.float32)
    wanted = predict(graph, x)
    for change in (
        unfuse,
        fuse,
        fold_affine,
        drop_identities,
        normalize,
        lambda g: fuse(normalize(g)),
    ):
        np.testing.assert_allclose(predict(change(graph), x), wanted, rtol=1e-3, atol=1e-4)


@given(st.lists(STEPS, max_size=7))
def test_passes_change_nothing_the_second_time(names: list[str]) -> None:
    graph = normalize(random_chain(names))
    assert kinds(normalize(graph)) == kinds(graph)
    assert kinds(fuse(fuse(graph))) == kinds(fuse(graph))


def test_affine_steps_vanish_in_the_layer_before_them() -> None:
    rng = np.random.default_rng(0)
    graph = chain([step(k, 4, rng) for k in ("padded", "mul", "add", "rsub", "div")])
    assert kinds(normalize(graph)) == ["conv2d"]


def test_an_addition_in_front_of_padding_stays() -> None:
    rng = np.random.default_rng(0)
    graph = chain([step(k, 4, rng) for k in ("mul", "add", "padded")])
    assert kinds(normalize(graph)) == ["add", "conv2d"]
    graph = chain([step(k, 4, rng) for k in ("add", "mul", "padded")])
    assert kinds(normalize(graph)) == ["add", "conv2d"]


def test_a_value_with_two_readers_is_not_folded_away() -> None:
    rng = np.random.default_rng(0)
    nodes = [
        Node("conv", Conv2d(), ("x", "w", "b"), "c"),
        Node("scale", Mul(), ("c", "k"), "s"),
        Node("sum", Add(), ("c", "s"), "y"),
    ]
    constants = {
        "w": rng.normal(size=(4, 1, 1, 4)).astype(np.float32),
        "b": rng.normal(size=4).astype(np.float32),
        "k": rng.normal(size=4).astype(np.float32),
    }
    graph = build_graph("g", nodes, {"x": TensorType(IMAGE)}, ["y"], constants)
    assert kinds(normalize(graph)) == ["conv2d", "mul", "add"]


def test_a_clamp_is_not_fused_where_the_plain_value_is_an_output() -> None:
    graph = chain([step("conv", 4, np.random.default_rng(0)), (Relu(), {})])
    both = build_graph("g", graph.nodes, {"x": TensorType(IMAGE)}, ["v0", "v1"], graph.constants)
    assert kinds(fuse(both)) == ["conv2d", "clamp"]
    assert kinds(fuse(graph)) == ["conv2d"]


@pytest.mark.parametrize("name", ["conv", "padded", "depthwise"])
def test_a_normalised_input_computes_the_same_of_raw_values(name: str) -> None:
    rng = np.random.default_rng(0)
    graph = chain([step(name, 4, rng), (Relu(), {})])
    mean, std = rng.uniform(50, 150, 4), rng.uniform(20, 80, 4)
    raw = rng.integers(0, 256, (5, *IMAGE)).astype(np.float32)
    wanted = predict(graph, ((raw - mean) / std).astype(np.float32))
    made = normalise_input(graph, mean, std)
    np.testing.assert_allclose(predict(made, raw), wanted, rtol=1e-3, atol=1e-3)
    assert kinds(made) == (["conv2d", "clamp"] if name == "conv" else ["add", *kinds(graph)])


def test_a_dense_layer_takes_over_the_normalisation_of_its_input() -> None:
    rng = np.random.default_rng(0)
    graph = chain([(Dense(), {1: rng.normal(size=(3, 6)), 2: rng.normal(size=3)})], (6,))
    assert kinds(normalise_input(graph, np.asarray(0.5), np.asarray(0.25))) == ["dense"]


SEQUENCE_STEPS = st.sampled_from(
    "add mul gate relu prelu slice pad concat rows larger conv".split()
)


def sequence(names: list[str]) -> Graph:
    """A sequence (t, c) that layers see as an image of one row, with other steps in between."""
    rng = np.random.default_rng(0)
    nodes: list[Node] = []
    constants: dict[str, np.ndarray] = {}
    types = {"x": TensorType((9, 4))}
    now = "x"

    def held(*shape: int) -> str:
        name = f"c{len(constants)}"
        constants[name] = rng.normal(size=shape).astype(np.float32)
        types[name] = TensorType(shape)
        return name

    def put(op: Op, *args: str) -> None:
        nonlocal now
        name = f"n{len(nodes)}"
        types[name] = op.infer(*(types[v] for v in (now, *args)))
        nodes.append(Node(name, op, (now, *args), name))
        now = name

    def conv() -> None:
        put(Reshape((1, *types[now].shape)))
        put(Conv2d(), held(4, 1, 2, types[now].shape[-1]), held(4))
        put(Reshape(types[now].shape[1:]))

    conv()
    for name in names:
        t, c = types[now].shape
        if name == "conv" and t > 2:
            conv()
        elif name == "gate":
            put(Mul(), now)
        elif name == "slice" and t > 3:
            put(Slice((t - 1, 1), (-1, c), (-1, 1)) if c > 1 else Slice((0, 0), (t - 2, c), (1, 1)))
        elif name == "pad":
            put(Pad((2, 0), (0, 1)))
        elif name == "concat":
            put(Concat(int(rng.integers(-1, 1))), now)
        elif name == "rows":
            put(Add(), held(t, 1))
        elif name == "larger":
            put(Maximum(), held(1, c))
        elif name == "prelu":
            put(PRelu(), held(c))
        elif name in ("add", "mul"):
            put(Add() if name == "add" else Mul(), held(c))
        elif name == "relu":
            put(Relu())
    return build_graph("sequence", nodes, {"x": types["x"]}, [now], constants)


@given(st.lists(SEQUENCE_STEPS, max_size=8))
def test_reshapes_of_sequences_sink_and_change_nothing(names: list[str]) -> None:
    graph = sequence(names)
    x = np.random.default_rng(1).normal(size=(3, 9, 4)).astype(np.float32)
    wanted = predict(graph, x)
    for change in (sink_reshapes, raise_clamps, normalize):
        np.testing.assert_allclose(predict(change(graph), x), wanted, rtol=1e-3, atol=1e-4)
    assert kinds(normalize(graph)).count("reshape") <= 2
    assert kinds(normalize(normalize(graph))) == kinds(normalize(graph))


def test_a_causal_convolution_keeps_nothing_but_itself_and_its_cut() -> None:
    graph = fuse(normalize(sequence(["mul", "add", "slice", "relu"])))
    assert kinds(graph) == ["reshape", "conv2d", "slice", "reshape"]


def test_affine_steps_that_nobody_takes_over_become_one_factor_and_one_sum() -> None:
    rng = np.random.default_rng(0)
    rows = {
        ("div", "sub", "div", "padded"): ["add", "conv2d"],
        ("add", "sub", "rsub", "padded"): ["add", "conv2d"],
        ("mul", "add", "padded"): ["add", "conv2d"],
        ("div", "relu"): ["mul", "clamp"],
        ("add", "add", "relu"): ["add", "clamp"],
        ("mul", "div", "add", "relu", "div", "relu"): ["add", "mul", "clamp", "mul", "clamp"],
    }
    for names, wanted in rows.items():
        graph = chain([step(k, 4, rng) for k in names])
        assert kinds(normalize(graph)) == wanted, names
        x = rng.normal(size=(3, *IMAGE)).astype(np.float32)
        np.testing.assert_allclose(
            predict(normalize(graph), x), predict(graph, x), rtol=1e-3, atol=1e-4
        )


def test_affine_steps_are_folded_in_rounds_not_one_by_one(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network of many branches took minutes: the graph was built anew for each of its steps."""
    nodes, constants = [], {}
    for i in range(30):
        x = f"y{i - 1}" if i else "x"
        constants |= {f"w{i}": rng.normal(size=(4, 4)).astype(np.float32)}
        constants |= {f"{k}{i}": rng.normal(size=4).astype(np.float32) for k in "bsm"}
        nodes += [
            Node(f"dense{i}", Dense(), (x, f"w{i}", f"b{i}"), f"d{i}"),
            Node(f"mul{i}", Mul(), (f"d{i}", f"s{i}"), f"m{i}/y"),
            Node(f"add{i}", Add(), (f"m{i}/y", f"m{i}"), f"a{i}"),
            Node(f"tanh{i}", Tanh(), (f"a{i}",), f"y{i}"),
        ]
    graph = build_graph("deep", nodes, {"x": TensorType((4,))}, ["y29"], constants)
    built = []
    plain = Graph.rebuilt
    monkeypatch.setattr(Graph, "rebuilt", lambda *a, **k: built.append(1) or plain(*a, **k))
    folded = normalize(graph)
    assert [type(n.op) for n in folded.nodes] == [Dense, Tanh] * 30
    assert len(built) <= 4
    x = rng.normal(size=(8, 4)).astype(np.float32)
    np.testing.assert_allclose(predict(folded, x), predict(graph, x), rtol=1e-4, atol=1e-5)


JOINED = {
    "the last step": (Slice((2, 0), (3, 4), (1, 1)), 0, ["slice"]),
    "a part of one": (Slice((1, 1), (2, 4), (1, 2)), 0, ["slice"]),
    "a whole operand": (Slice((0, 4), (2, 8), (1, 1)), 1, []),
    "of two": (Slice((1, 0), (3, 4), (1, 1)), 0, ["concat", "slice"]),
    "backwards": (Slice((1, 0), (-1, 4), (-1, 1)), 0, ["concat", "slice"]),
}  # fmt: skip


@pytest.mark.parametrize("name", JOINED)
def test_a_part_of_one_operand_of_a_concat_is_cut_out_of_that(name: str) -> None:
    cut, axis, left = JOINED[name]
    inputs = {v: TensorType((2, 4)) for v in ("a", "b")}
    nodes = [
        Node("join", Concat(axis), ("a", "b"), "joined"),
        Node("cut", cut, ("joined",), "part"),
        Node("relu", Relu(), ("part",), "y"),
    ]
    graph = build_graph("g", nodes, inputs, ["y"], {})
    made = drop_identities(cut_before_joins(graph))
    assert [n.op.kind for n in made.nodes] == [*left, "clamp"]
    generator = torch.Generator().manual_seed(0)
    feed = {v: torch.randn(3, 2, 4, generator=generator) for v in inputs}
    assert torch.equal(run(made, feed)["y"], run(graph, feed)["y"])


def test_the_last_step_is_cut_out_behind_any_number_of_reshapes() -> None:
    """PyTorch's batch_first in ONNX: all steps were joined, for the last one to be read."""
    nodes = [
        Node("join", Concat(0), ("a", "b"), "joined"),
        Node("axes", Reshape((4, 1, 1, 4)), ("joined",), "spread"),
        Node("squeeze", Reshape((4, 1, 4)), ("spread",), "steps"),
        Node("cut", Slice((3, 0, 0), (4, 1, 4), (1, 1, 1)), ("steps",), "last"),
        Node("relu", Relu(), ("last",), "y"),
    ]
    inputs = {v: TensorType((2, 4)) for v in ("a", "b")}
    made = normalize(build_graph("g", nodes, inputs, ["y"], {}))
    assert "concat" not in {n.op.kind for n in made.nodes}
