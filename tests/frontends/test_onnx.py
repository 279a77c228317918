"""ONNX files compute what ONNX Runtime does, read and written again."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper, version_converter
from onnx_cases import CASES
from onnx_cases.values import i64, w
from onnx_models import evaluate, model, node, oracle, random_feeds

from edgeprune.emit.to_onnx import emit
from edgeprune.frontends.from_onnx import loads, origin
from edgeprune.frontends.normalize import fuse


@pytest.mark.parametrize("name", CASES)
def test_a_model_computes_what_onnx_runtime_computes(name: str, rng: np.random.Generator) -> None:
    content = CASES[name]
    feeds = random_feeds(content, rng)
    graph = loads(content)
    for ours, theirs in zip(evaluate(graph, feeds), oracle(content, feeds), strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_an_emitted_model_keeps_the_interface_and_the_function(
    name: str, rng: np.random.Generator
) -> None:
    content = CASES[name]
    emitted = emit(fuse(loads(content)))
    onnx.checker.check_model(onnx.load_from_string(emitted), full_check=True)
    assert emitted == emit(fuse(loads(content)))
    feeds = random_feeds(content, rng)
    before, after = oracle(content, feeds), oracle(emitted, feeds)
    for ours, theirs in zip(after, before, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    names = [[v.name for v in side] for side in _sides(content)]
    assert names == [[v.name for v in side] for side in _sides(emitted)]


@pytest.mark.parametrize("opset", [7, 9, 11, 13, 17, 21, 24])
def test_every_operator_set_means_what_onnx_runtime_says(
    opset: int, rng: np.random.Generator
) -> None:
    converted = 0
    for name, content in CASES.items():
        try:
            other = version_converter.convert_version(onnx.load_from_string(content), opset)
            onnx.checker.check_model(other)
        except Exception:  # noqa: BLE001  the converter has no way there for some operators
            continue
        again = other.SerializeToString()
        feeds = random_feeds(content, rng)
        for ours, theirs in zip(evaluate(loads(again), feeds), oracle(again, feeds), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5, err_msg=name)
        converted += 1
    assert converted >= 15


def _sides(content: bytes):
    graph = onnx.load_from_string(content).graph
    held = {t.name for t in graph.initializer}
    return [v for v in graph.input if v.name not in held], graph.output


@settings(max_examples=60)
@given(st.data())
def test_random_chains_of_shape_operators_compute_what_onnx_runtime_computes(
    data: st.DataObject,
) -> None:
    draw = data.draw
    shape = (1, draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    constants: dict[str, np.ndarray] = {"k": w(2 * shape[1], shape[1], 1, 1)}
    nodes = [node("Conv", "x", "k", outputs=["v0"])]
    now = (1, 2 * shape[1], *shape[2:])
    for i in range(draw(st.integers(1, 5))):
        kind = draw(
            st.sampled_from(["Reshape", "Transpose", "Relu", "Add", "Softmax", "ReduceMean"])
        )
        after, name = f"v{i + 1}", f"c{i}"
        if kind == "Reshape":
            now = draw(st.sampled_from(_factorings(now)))
            constants[name] = i64(*now)
            nodes.append(node(kind, f"v{i}", name, outputs=[after]))
        elif kind == "Transpose":
            perm = draw(st.permutations(range(len(now))))
            now = tuple(now[p] for p in perm)
            nodes.append(node(kind, f"v{i}", perm=perm, outputs=[after]))
        elif kind == "Add":
            rank = draw(st.integers(0, len(now)))
            constants[name] = w(*(draw(st.sampled_from([1, s])) for s in now[len(now) - rank :]))
            nodes.append(node(kind, name, f"v{i}", outputs=[after]))
        elif kind == "Softmax":
            axis = draw(st.integers(-len(now), len(now) - 1))
            nodes.append(node(kind, f"v{i}", axis=axis, outputs=[after]))
        elif kind == "ReduceMean":
            axis = draw(st.integers(0, len(now) - 1))
            constants[name] = i64(axis)
            now = tuple(1 if j == axis else s for j, s in enumerate(now))
            nodes.append(node(kind, f"v{i}", name, outputs=[after]))
        else:
            nodes.append(node(kind, f"v{i}", outputs=[after]))
    nodes.append(node("Identity", f"v{i + 1}"))
    content = model(nodes, {"x": shape}, constants)
    feeds = random_feeds(content, np.random.default_rng(0))
    graph = loads(content)
    wanted = oracle(content, feeds)[0]
    np.testing.assert_allclose(evaluate(graph, feeds)[0], wanted, rtol=1e-4, atol=1e-5)
    emitted = emit(graph)
    np.testing.assert_allclose(oracle(emitted, feeds)[0], wanted, rtol=1e-4, atol=1e-5)


def _factorings(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Some shapes with the same number of elements."""
    size = int(np.prod(shape))
    found = [(size,), (1, size), (size, 1), (1, size, 1), (1, *shape), (*shape, 1)]
    for d in range(2, size):
        if size % d == 0:
            found += [(d, size // d), (1, d, size // d), (1, d, 1, size // d)]
    for i in range(len(shape) - 1):
        found.append((*shape[:i], shape[i] * shape[i + 1], *shape[i + 2 :]))
    return found


def test_constants_can_be_given_to_torch_without_a_warning() -> None:
    for name, content in CASES.items():
        assert all(c.flags.writeable for c in loads(content).constants.values()), name


def test_tensors_of_a_model_are_not_read_twice_into_memory() -> None:
    made = onnx.load_from_string(CASES["gemm"])
    array = numpy_helper.to_array(made.graph.initializer[0])
    graph = loads(CASES["gemm"])
    assert graph.params == array.size + 5


def test_a_norm_between_reshapes_stays_where_its_constants_would_be_large(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    nodes = [
        node("Reshape", "x", "s", outputs=["a"]),
        node("BatchNormalization", "a", *"gbmv", outputs=["n"]),
        node("Reshape", "n", "back"),
    ]
    held = {k: (rng.normal(size=2) ** 2 + 0.5).astype(np.float32) for k in "gbmv"}
    content = model(
        nodes, {"x": [1, 4, 2, 2]}, {**held, "s": i64(1, 2, 2, 4), "back": i64(1, 4, 2, 2)}
    )
    assert "reshape" not in [n.op.kind for n in loads(content).nodes]
    monkeypatch.setattr(origin, "MOST_ELEMENTS", 3)
    graph = loads(content)
    assert "reshape" in [n.op.kind for n in graph.nodes]
    feeds = random_feeds(content, rng)
    (found,), (wanted,) = evaluate(graph, feeds), oracle(content, feeds)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
