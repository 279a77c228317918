"""Functions in float32 C where numbers end: infinite, NaN, overflow, below the normal ones."""

from __future__ import annotations

import numpy as np
import pytest
from kernels.harness import expected, one_node, run_call, spell

from edgeprune.ir import TensorType
from edgeprune.ops import (
    Compare,
    Elu,
    Gelu,
    HardSwish,
    LeakyRelu,
    LogSoftmax,
    Relu,
    Sigmoid,
    Softmax,
    Tanh,
)
from edgeprune.ops.function import FUNCTIONS, Cos, Selu, Sin

OPS = [
    Relu(), Relu((-np.inf, 2.0)), Sigmoid(), Tanh(), LeakyRelu(0.1), Elu(0.7), HardSwish(), Gelu(),
    Gelu(True), Selu(1.0, 0.7, 0.7), *(function() for function in FUNCTIONS), Compare(">", 0.3),
]  # fmt: skip
BEYOND = [np.inf, np.nan, 3e38, 104.0, 88.9, 88.5, 1e-30, 1e-39, 1e-45, 0.0]


@pytest.mark.parametrize("op", OPS, ids=str)
def test_float_functions_at_and_beyond_the_ends_of_their_range_are_numpys(op):
    """Infinite, NaN, overflow and numbers below the normal ones; angles to 65,536.

    GELU of minus infinity is NaN, as 0 times infinity in its formula is, though its limit is 0.
    """
    x = np.float32([*BEYOND, *(-v for v in BEYOND)])
    if isinstance(op, Sin | Cos):
        x = np.float32([np.inf, -np.inf, np.nan, 65535.0, -50001.5, 1e-39, -0.0])
    graph = one_node(op, [TensorType(x.shape)])
    got = run_call(spell(graph), graph, {"x0": x})
    want = expected(graph, {"x0": x})
    if isinstance(op, Relu):  # bounds that are infinite are the largest floats, as LiteRT's are
        want = np.clip(want, np.finfo(np.float32).min, np.finfo(np.float32).max)
    np.testing.assert_allclose(got, want, rtol=2e-6, atol=2e-6)


def test_nan_among_scores_is_no_number_in_the_answer():
    for op in (Softmax(), LogSoftmax()):
        x = np.float32([[0.5, np.nan, 1.0], [1.0, 2.0, 3.0]])
        graph = one_node(op, [TensorType(x.shape)])
        got = run_call(spell(graph), graph, {"x0": x})
        np.testing.assert_array_equal(np.isnan(got).all(axis=1), [True, False], op.kind)


def test_sigmoid_goes_on_to_0_where_exp_overflows():
    x = np.float32([-87.5, -88.1, -88.4, -88.7, -89, -200])
    graph = one_node(Sigmoid(), [TensorType(x.shape)])
    got = run_call(spell(graph), graph, {"x0": x})
    want = np.exp(x.astype(np.float64)) * (x > -88.72284)
    np.testing.assert_allclose(got, want, rtol=2e-6, atol=0)
