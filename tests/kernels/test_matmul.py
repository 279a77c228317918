"""Products of two computed matrices: C, LiteRT and the reference agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernels.cases import SEEDS, ZEROS, examples, int8_type, int8_values
from kernels.harness import check, one_node

from edgeprune.emit.to_tflite import emit
from edgeprune.errors import UnsupportedError
from edgeprune.ir import (
    DType,
    Graph,
    Node,
    QuantParams,
    TensorType,
    build_graph,
    couple,
    run_int,
)
from edgeprune.kernels.select import lower
from edgeprune.ops import Dense, MatMul
from edgeprune.verify.run_tflite import run

SCALES = st.sampled_from([1e-4, 0.003, 0.0203, 0.1, 1.7])
SHAPES = [
    ((2, 3, 5), (2, 5, 4)),
    ((3, 1, 17), (3, 17, 11)),
    ((1, 4, 8), (3, 8, 1)),
    ((2, 2, 3, 9), (2, 2, 9, 13)),
    ((2, 3, 6), (1, 6, 8)),
    ((5, 1), (1, 7)),
]


def turned(shape: tuple[int, ...], transposed: bool) -> tuple[int, ...]:
    return (*shape[:-2], shape[-1], shape[-2]) if transposed else shape


@examples(60)
@given(
    SEEDS, ZEROS, ZEROS, ZEROS, st.tuples(SCALES, SCALES, SCALES),
    st.sampled_from(SHAPES), st.booleans(),
)  # fmt: skip
def test_int8_products_are_the_reference(seed, za, zb, zy, scales, shapes, transposed):
    rng = np.random.default_rng(seed)
    shapes = (shapes[0], turned(shapes[1], transposed))
    types = [int8_type(s, k, z) for s, k, z in zip(shapes, scales, (za, zb), strict=False)]
    feed = {f"x{i}": int8_values(rng, s) for i, s in enumerate(shapes)}
    check(one_node(MatMul(transposed), types, int8_type((), scales[2], zy)), feed)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dtype", [DType.FLOAT32, DType.INT16])
def test_products_of_other_types_are_the_reference(dtype: DType, transposed: bool, rng) -> None:
    for a, b in SHAPES:
        graph = typed(dtype, a, turned(b, transposed), transposed)
        check(graph, {v: x[0] for v, x in feed(graph, rng, 1).items()})


def typed(dtype: DType, a: tuple[int, ...], b: tuple[int, ...], transposed: bool) -> Graph:
    zero = 7 if dtype is DType.INT8 else 0
    quants = [QuantParams.of(s, z) for s, z in ((0.02, zero), (0.011, -zero), (0.13, zero))]
    kinds = [TensorType(s, dtype, q) for s, q in zip((a, b, ()), quants, strict=True)]
    if dtype is DType.FLOAT32:
        kinds = [TensorType(t.shape) for t in kinds]
    return one_node(MatMul(transposed), kinds[:2], kinds[2])


def feed(graph: Graph, rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    made = {}
    for v in graph.inputs:
        t = graph.types[v]
        if t.quant is None:
            made[v] = rng.normal(size=(n, *t.shape)).astype(np.float32)
        else:
            ends = np.iinfo(t.dtype.numpy)
            made[v] = rng.integers(ends.min, ends.max + 1, (n, *t.shape)).astype(t.dtype.numpy)
    return made


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
def test_litert_multiplies_as_the_reference_does(dtype: DType, transposed: bool, rng) -> None:
    for a, b in SHAPES[:4]:
        graph = typed(dtype, a, turned(b, transposed), transposed)
        x = feed(graph, rng, 20)
        rows = np.concatenate([x[v].reshape(20, -1) for v in graph.inputs], axis=1)
        np.testing.assert_array_equal(
            run(emit(graph), rows).ravel(), run_int(graph, x)["y"].ravel()
        )


def test_sums_that_may_leave_int32_are_refused() -> None:
    graph = typed(DType.INT8, (1, 2**31 // 255**2 + 1), (2**31 // 255**2 + 1, 1), False)
    with pytest.raises(UnsupportedError, match="sums 33,026 products, 33,025 at most"):
        lower(graph, ("portable",), "speed")


def test_channels_of_values_go_through_and_what_is_summed_over_stays() -> None:
    """A dense layer's results (t, c), weighted by scores (t, t)."""
    rng = np.random.default_rng(0)
    constants = {"w": rng.normal(size=(5, 3)), "b": rng.normal(size=5)}
    graph = build_graph(
        "values",
        [
            Node("values", Dense(), ("x", "w", "b"), "v"),
            Node("mixed", MatMul(), ("scores", "v"), "m"),
            Node("head", Dense(), ("m", "w2", "b2"), "y"),
        ],
        {"scores": TensorType((4, 4)), "x": TensorType((4, 3))},
        ["y"],
        {
            **{k: v.astype(np.float32) for k, v in constants.items()},
            "w2": np.ones((2, 5), np.float32),
            "b2": np.zeros(2, np.float32),
        },
    )
    coupling = couple(graph)
    assert not coupling.pinned[coupling.values["v"]].any()
    assert coupling.pinned[coupling.values["scores"]].all()
    np.testing.assert_array_equal(coupling.rows["m"], coupling.rows["v"])
