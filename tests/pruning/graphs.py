"""Networks from a seed, for the tests of pruning."""

from __future__ import annotations

import numpy as np
import torch

from edgeprune.ir import Graph, Node, Op, TensorType, build_graph, run
from edgeprune.ops import (
    Add,
    AvgPool2d,
    Concat,
    Conv2d,
    ConvTranspose2d,
    Dense,
    DepthwiseConv2d,
    Maximum,
    MaxPool2d,
    Mean,
    Minimum,
    Mul,
    Pad,
    Relu,
    Reshape,
    Resize,
    Sigmoid,
    Slice,
    Softmax,
    Sub,
    Tanh,
    Transpose,
)
from edgeprune.ops._window import Padding


class Builder:
    """Appends nodes; weights are drawn so that activations stay near 1."""

    def __init__(self, seed: int, **inputs: tuple[int, ...]) -> None:
        self.rng = np.random.default_rng(seed)
        self.inputs = {k: TensorType(s) for k, s in inputs.items()}
        self.types = dict(self.inputs)
        self.nodes: list[Node] = []
        self.constants: dict[str, np.ndarray] = {}

    def constant(self, *shape: int, scale: float = 1.0) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = (self.rng.normal(size=shape) * scale).astype(np.float32)
        self.types[name] = TensorType(shape)
        return name

    def add(self, op: Op, *inputs: str) -> str:
        name = f"{op.kind}{len(self.nodes)}"
        self.nodes.append(Node(name, op, inputs, name))
        self.types[name] = op.infer(*(self.types[v] for v in inputs))
        return name

    def shape(self, v: str) -> tuple[int, ...]:
        return self.types[v].shape

    def dense(self, x: str, o: int) -> str:
        i = self.shape(x)[-1]
        return self.add(Dense(), x, self.constant(o, i, scale=i**-0.5), self.constant(o, scale=0.3))

    def conv(
        self, x: str, o: int, k: int = 3, pad: int = 0, stride: int = 1, groups: int = 1
    ) -> str:
        i = self.shape(x)[-1] // groups
        w = self.constant(o, k, k, i, scale=(i * k * k) ** -0.5)
        op = Conv2d((stride, stride), Padding(pad, pad, pad, pad), groups=groups)
        return self.add(op, x, w, self.constant(o, scale=0.3))

    def depthwise(self, x: str, multiplier: int = 1, k: int = 3) -> str:
        c = self.shape(x)[-1] * multiplier
        op = DepthwiseConv2d(padding=Padding(1, 1, 1, 1))
        return self.add(op, x, self.constant(k, k, c, scale=1 / k), self.constant(c, scale=0.3))

    def build(self, *outputs: str) -> Graph:
        return build_graph("test", self.nodes, self.inputs, outputs, self.constants)


def mlp(
    *sizes: int, seed: int = 0, act: type[Op] = Sigmoid, head: type[Op] | None = Sigmoid
) -> Graph:
    """Dense layers with an activation behind each, and another behind the last."""
    b = Builder(seed, x=(sizes[0],))
    x = "x"
    for n in sizes[1:-1]:
        x = b.add(act(), b.dense(x, n))
    x = b.dense(x, sizes[-1])
    return b.build(x if head is None else b.add(head(), x))


def _block(b: Builder, x: str, kind: int) -> str:
    """One step that keeps or changes an image; every operator with a channel axis has one."""
    h, w, c = b.shape(x)
    if kind == 0:
        return b.add(Relu(), b.conv(x, int(b.rng.integers(3, 7)), pad=1))
    if kind == 1:  # residual
        return b.add(Relu(), b.add(Add(), b.conv(b.add(Relu(), b.conv(x, 5, pad=1)), c, pad=1), x))
    if kind == 2:  # two branches joined
        return b.add(Concat(), b.add(Sigmoid(), b.conv(x, 3, k=1)), b.add(Relu(), b.depthwise(x)))
    if kind == 3:
        return b.add(Tanh(), b.depthwise(x, multiplier=2))
    if kind == 4:
        return b.add(Relu(), b.conv(b.conv(x, 6, k=1), 4, pad=1, groups=2))
    if kind == 5:
        return b.add(MaxPool2d(), x) if min(h, w) >= 6 else x
    if kind == 6:
        return b.add(AvgPool2d((3, 3), (1, 1), Padding(1, 1, 1, 1)), x)
    if kind == 7:  # a scale by channel that the data decide
        return b.add(Mul(), x, b.add(Sigmoid(), b.dense(b.add(Mean(), x), c)))
    if kind == 8:
        y = b.add(Pad((1, 0, 0), (0, 1, 2)), x)
        return b.add(Relu(), b.conv(y, 5, k=min(3, h)))
    if kind == 9:  # split and joined in another order
        y = b.conv(x, 6, k=1)
        h, w, _ = b.shape(y)
        a = b.add(Slice((0, 0, 0), (h, w, 4), (1, 1, 1)), y)
        d = b.add(Slice((0, 0, 1), (h, w, 6), (1, 1, 2)), y)
        return b.add(Concat(), d, b.add(Tanh(), a))
    if kind == 10:
        wt = b.constant(4, 2, 2, c, scale=0.3)
        return b.add(ConvTranspose2d((2, 2)), x, wt, b.constant(4)) if h < 9 else x
    if kind == 11:  # channel shuffle
        y = b.conv(b.conv(x, 6, k=1), 6, k=1, groups=2)
        h, w, _ = b.shape(y)
        y = b.add(Transpose((0, 1, 3, 2)), b.add(Reshape((h, w, 2, 3)), y))
        return b.add(Reshape((h, w, 6)), y)
    if kind == 12:
        return b.add(Resize((4, 5), "bilinear"), b.conv(x, 3, k=1))
    if kind == 13:
        return b.add(Add(), b.add(Mul(), x, b.constant(c)), b.constant(c))
    if kind == 14:  # the larger of two, and the smaller of it and of its image in a mirror
        y = b.add(Maximum(), b.conv(x, 4, k=1), b.conv(x, 4, k=1))
        mirrored = b.add(Slice((h - 1, 0, 0), (-1, w, 4), (-1, 1, 1)), y)
        return b.add(Minimum(), y, mirrored)
    # a norm of sub-bands, and what is left to a constant: channels in front
    y = b.add(Transpose((2, 0, 1)), b.conv(x, 4, k=1))
    y = b.add(Reshape((4 * h, 1, w)), y)
    y = b.add(Mul(), y, b.constant(4 * h, 1, 1))
    y = b.add(Sub(), b.constant(4 * h, 1, 1), y)
    return b.add(Transpose((1, 2, 0)), b.add(Reshape((4, h, w)), y))


BLOCKS = 16
DRAWN = 14  # at random; the others are asked for


def cnn(
    seed: int, blocks: int = 3, kinds: tuple[int, ...] | None = None, head: bool = True
) -> Graph:
    """A random network for small images, with a dense head behind a flatten or a mean."""
    b = Builder(seed, x=(8, 7, 3))
    x = b.add(Relu(), b.conv("x", 4, pad=1, stride=int(b.rng.integers(1, 3))))
    for kind in kinds or b.rng.integers(0, DRAWN, blocks):
        x = _block(b, x, int(kind))
    flat = (
        b.add(Reshape((int(np.prod(b.shape(x))),)), x) if b.rng.random() < 0.5 else b.add(Mean(), x)
    )
    y = b.dense(b.add(Relu(), b.dense(flat, 8)), 4)
    return b.build(b.add(Softmax(), y) if head else y)


def balanced(graph: Graph) -> Graph:
    """The same with its last dense layer scaled so that every output is the largest at times."""
    last = next(n for n in reversed(graph.nodes) if isinstance(n.op, Dense))
    x = np.random.default_rng(0).normal(size=(200, *graph.types["x"].shape)).astype(np.float32)
    z = run(graph, {"x": torch.from_numpy(x)})[last.output].numpy()
    w, b = (graph.constants[v] for v in last.inputs[1:])
    mean, scale = z.mean(0), 1 / z.std(0)
    return graph.with_constants(
        {last.inputs[1]: w * scale[:, None], last.inputs[2]: (b - mean) * scale}
    )
