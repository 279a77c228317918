"""Six small networks that stay as they are: what each core takes for them is held in a table."""

from __future__ import annotations

import numpy as np
from random_networks import Maker, typed

from edgeprune import ops
from edgeprune.ir import Graph, TensorType, build_graph
from edgeprune.ops._window import Padding

SAME = Padding(1, 1, 1, 1)


def _convolution(m: Maker, x: str, out: int, k: tuple[int, int], stride: int, pad: Padding) -> str:
    weights = m.weights(out, *k, m.shape(x)[-1], axis=0), m.weights(out)
    return m.add(ops.Relu(), m.add(ops.Conv2d((stride, stride), pad), x, *weights))


def _depthwise(m: Maker, x: str, k: tuple[int, int], stride: int, pad: Padding) -> str:
    c = m.shape(x)[-1]
    made = m.add(ops.DepthwiseConv2d((stride, stride), pad), x, m.weights(*k, c), m.weights(c))
    return m.add(ops.Relu(), made)


def _dense(m: Maker, x: str, out: int) -> str:
    return m.add(ops.Dense(), x, m.weights(out, m.shape(x)[0], axis=0), m.weights(out))


def _mlp(m: Maker) -> str:
    x = m.input((120,))
    for width in (32, 24):
        x = m.add(ops.Relu(), _dense(m, x, width))
    return m.add(ops.Softmax(), _dense(m, x, 10))


def _residual(m: Maker) -> str:
    x = _convolution(m, m.input((12, 12, 3)), 16, (3, 3), 1, SAME)
    for _ in range(2):
        inner = _convolution(m, x, 16, (3, 3), 1, SAME)
        weights = m.weights(16, 3, 3, 16, axis=0), m.weights(16)
        x = m.add(ops.Relu(), m.add(ops.Add(), x, m.add(ops.Conv2d((1, 1), SAME), inner, *weights)))
    x = _convolution(m, x, 24, (1, 1), 2, Padding(0, 0, 0, 0))
    return _dense(m, m.add(ops.Mean(), x), 10)


def _separable(m: Maker) -> str:
    x = _convolution(m, m.input((16, 16, 3)), 8, (3, 3), 2, Padding(0, 0, 1, 1))
    for out, stride in ((16, 1), (24, 2), (32, 1)):
        pad = SAME if stride == 1 else Padding(0, 0, 1, 1)
        x = _depthwise(m, x, (3, 3), stride, pad)
        x = _convolution(m, x, out, (1, 1), 1, Padding(0, 0, 0, 0))
    return _dense(m, m.add(ops.Mean(), x), 2)


def _audio(m: Maker) -> str:
    x = _convolution(m, m.input((25, 10, 1)), 16, (10, 4), 2, Padding(4, 1, 5, 1))
    x = _depthwise(m, x, (9, 1), 1, Padding(4, 0, 4, 0))
    x = _convolution(m, x, 16, (1, 1), 1, Padding(0, 0, 0, 0))
    return m.add(ops.Softmax(), _dense(m, m.add(ops.Mean(), x), 12))


def _shapes(m: Maker) -> str:
    x = m.input((8, 8, 4))
    pooled = m.add(ops.MaxPool2d((2, 2), (2, 2), Padding(0, 0, 0, 0)), x)
    wide = m.add(ops.Resize((8, 8), "bilinear"), m.add(ops.Sigmoid(), pooled))
    joined = m.add(ops.Concat(), m.add(ops.Mul(), x, wide), m.add(ops.HardSwish(), x))
    cut = m.add(ops.Slice((1, 0, 0), (7, 8, 8), (1, 2, 1)), joined)
    small = m.add(ops.AvgPool2d((2, 2), (2, 2), Padding(0, 0, 0, 0)), cut)
    turned = m.add(ops.Transpose((1, 0, 2)), small)
    return _dense(m, m.add(ops.Reshape((int(np.prod(m.shape(turned))),)), turned), 3)


NETWORKS = {
    "mlp": (_mlp, "int8"),
    "residual": (_residual, "int8"),
    "separable": (_separable, "int8"),
    "audio": (_audio, "int16x8"),
    "shapes": (_shapes, "int8"),
    "float": (_separable, "float32"),
}


def fixed(name: str) -> Graph:
    """One of them, with its types."""
    made, dtype = NETWORKS[name]
    maker = Maker(np.random.default_rng(7), 0.0)
    output = made(maker)
    fed = {v: TensorType(maker.shapes[v]) for v in maker.inputs}
    graph = build_graph(name, maker.nodes, fed, [output], maker.constants)
    return typed(graph, dtype, 0)
