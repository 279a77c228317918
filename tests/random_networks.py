"""Random networks with extreme scales: ranges and channels from 1e-7 to 1e7, all zero points.

What they compute makes no sense; everything that is made of them must agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from edgeprune import ops
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import (
    Array,
    DType,
    Graph,
    LinearOp,
    Node,
    Op,
    TensorType,
    build_graph,
)
from edgeprune.ops._window import Padding
from edgeprune.ops.function import FUNCTIONS
from edgeprune.quantize import quantise

DTYPES = ("int8", "int16x8", "int4", "float32")
SPREADS = (0.0, 2.0, 7.0)
"""How far scales are from 1, in powers of ten: those that calibration gives, and worse."""
SAMPLES = 6


@dataclass
class Maker:
    """Puts a float network together, operator by operator.

    Attributes:
        rng: what everything is drawn from.
        spread: how far weights are from 1, in powers of ten.
    """

    rng: np.random.Generator
    spread: float
    nodes: list[Node] = field(default_factory=list)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)

    def pick(self, *choices: int) -> int:
        """One of them."""
        return int(self.rng.choice(choices))

    def pair(self, *choices: int) -> tuple[int, int]:
        """Two of them."""
        return self.pick(*choices), self.pick(*choices)

    def input(self, shape: tuple[int, ...]) -> str:
        """A value that is fed."""
        name = f"x{len(self.inputs)}"
        self.inputs.append(name)
        self.shapes[name] = shape
        return name

    def weights(self, *shape: int, axis: int = -1) -> str:
        """A constant whose slices are of very different sizes."""
        sizes = 10.0 ** self.rng.uniform(-self.spread, self.spread, shape[axis])
        along = [1] * len(shape)
        along[axis] = shape[axis]
        values = self.rng.normal(size=shape) * sizes.reshape(along)
        if self.rng.random() < 0.1:
            values[...] = 0
        name = f"c{len(self.constants)}"
        self.constants[name] = values.astype(np.float32)
        return name

    def add(self, op: Op, *operands: str) -> str:
        """One more operator."""
        types = [TensorType(self.shape(v)) for v in operands]
        name = f"n{len(self.nodes)}"
        self.shapes[name] = op.infer(*types).shape
        self.nodes.append(Node(name, op, operands, name))
        return name

    def shape(self, v: str) -> tuple[int, ...]:
        """Of an activation or a constant."""
        return self.shapes[v] if v in self.shapes else self.constants[v].shape

    def window(self, x: str, *, step: bool = True) -> str:
        """A convolution, a depthwise one, a transposed one, or a pool."""
        h, w, c = self.shape(x)
        kernel = (min(self.pick(1, 2, 3), h), min(self.pick(1, 2, 3), w))
        pad = Padding(*(self.pick(0, k - 1) for k in (*kernel, *kernel)))
        stride = self.pair(1, 2)
        out = self.pick(1, 3, 4, 8, 9)
        kind = self.pick(0, 1, 2, 3, 4)
        if kind == 0:
            weights = self.weights(out, *kernel, c, axis=0), self.weights(out)
            return self.add(ops.Conv2d(stride, pad), x, *weights)
        if kind == 1:
            weights = self.weights(*kernel, c), self.weights(c)
            return self.add(ops.DepthwiseConv2d(stride, pad), x, *weights)
        if kind == 2:
            weights = self.weights(out, *kernel, c, axis=0), self.weights(out)
            return self.add(ops.ConvTranspose2d(stride), x, *weights)
        pool = ops.MaxPool2d if kind == 3 else ops.AvgPool2d
        return self.add(pool(kernel, stride, pad), x)

    def function(self, x: str) -> str:
        """A function of one element, or of the last axis."""
        a = ops.LeakyRelu(float(self.rng.choice([0.01, -0.5, 1.5])))
        plain = [
            a, ops.Relu(), ops.Relu((0.0, 6.0)), ops.Relu((-1.0, 1.0)), ops.Sigmoid(), ops.Tanh(),
            ops.HardSwish(), ops.Elu(), ops.Gelu(), ops.Softmax(), ops.LogSoftmax(),
            ops.Softmax(float(10.0 ** self.rng.uniform(-self.spread, self.spread))),
            *(f() for f in FUNCTIONS),
        ]  # fmt: skip
        at = int(self.rng.integers(len(plain) + 1))
        if at == len(plain):
            return self.add(ops.PRelu(), x, self.weights(self.shape(x)[-1]))
        return self.add(plain[at], x)

    def pairwise(self, x: str) -> str:
        """Two operands, one of which may be constant."""
        kinds = (ops.Add, ops.Sub, ops.Mul, ops.Maximum, ops.Minimum)
        op = kinds[self.pick(*range(5))]()
        same = [v for v, s in self.shapes.items() if s == self.shape(x)]
        other = self.weights(self.shape(x)[-1]) if self.pick(0, 1) else str(self.rng.choice(same))
        return self.add(op, *((x, other) if self.pick(0, 1) else (other, x)))

    def moved(self, x: str) -> str:
        """Other places, or a part."""
        shape = self.shape(x)
        ends = tuple(self.pick(0, 1, 2) for _ in shape)
        kind = self.pick(0, 1, 2, 3, 4)
        if kind == 0:
            return self.add(ops.Pad(ends, ends[::-1]), x)
        if kind == 1:
            return self.add(ops.Concat(), x, str(self.rng.choice([x, x])))
        if kind == 2:
            start = tuple(min(e, s - 1) for e, s in zip(ends, shape, strict=True))
            return self.add(ops.Slice(start, shape, tuple(self.pick(1, 2) for _ in shape)), x)
        if kind == 3 and len(shape) == 3:
            return self.add(ops.Transpose(tuple(map(int, self.rng.permutation(3)))), x)
        if len(shape) == 3:
            mode = ("nearest", "bilinear")[self.pick(0, 1)]
            size = (shape[0] * 2, shape[1] * self.pick(1, 2))
            return self.add(ops.Resize(size, mode), x)  # type: ignore[arg-type]
        return self.add(ops.Gather(tuple(self.pick(*range(shape[0])) for _ in range(3))), x)

    def ending(self, x: str) -> str:
        """A vector, and a layer that reads all of it."""
        shape = self.shape(x)
        if len(shape) == 3:
            flat = ops.Mean() if self.pick(0, 1) else ops.Reshape((math.prod(shape),))
            x = self.add(flat, x)
        out, k = self.pick(1, 2, 5, 8), self.shape(x)[0]
        return self.add(ops.Dense(), x, self.weights(out, k, axis=0), self.weights(out))


def network(seed: int) -> Graph:
    """A float network of up to seven operators."""
    rng = np.random.default_rng(seed)
    maker = Maker(rng, float(rng.choice(SPREADS)))
    image = (maker.pick(1, 3, 6), maker.pick(2, 5), maker.pick(1, 3, 4, 8))
    x = maker.input(image if rng.random() < 0.7 else (maker.pick(1, 4, 7, 16),))
    if rng.random() < 0.2:
        x = maker.add(ops.Add(), x, maker.input(maker.shape(x)))
    for _ in range(maker.pick(1, 2, 3, 5)):
        steps: list[Callable[[str], str]] = [maker.function, maker.pairwise, maker.moved]
        if len(maker.shape(x)) == 3:
            steps += [maker.window, maker.window]
        x = steps[int(rng.integers(len(steps)))](x)
        if math.prod(maker.shape(x)) > 2000:
            break
    outputs = [maker.ending(x) if rng.random() < 0.6 else x]
    fed = {v: TensorType(maker.shapes[v]) for v in maker.inputs}
    return build_graph(f"random_{seed}", maker.nodes, fed, outputs, maker.constants)


def typed(graph: Graph, dtype: str, seed: int) -> Graph:
    """The network as it is emitted, every range drawn without a look at what it computes."""
    rng = np.random.default_rng((seed, 1))
    spread = float(rng.choice(SPREADS))
    fused = fuse(graph)
    if dtype == "float32":
        return fused
    ranges = {}
    for v in fused.activations:
        size = float(10.0 ** rng.uniform(-spread, spread))
        ends = [(-size, size), (0.0, size), (-size, 0.0), (-size, size / 100), (size, 2 * size)]
        ranges[v] = ends[int(rng.integers(len(ends)))]
    narrow = [n.name for n in fused.nodes if isinstance(n.op, LinearOp)] if dtype == "int4" else []
    wide = DType.INT16 if dtype == "int16x8" else DType.INT8
    return quantise(fused, ranges, wide, four_bit=narrow)


def feeds(graph: Graph, seed: int) -> dict[str, Array]:
    """Samples of every input: both ends, and evenly spread."""
    rng = np.random.default_rng((seed, 2))
    found = {}
    for v in graph.inputs:
        t = graph.types[v]
        if t.dtype is DType.FLOAT32:
            found[v] = rng.normal(size=(SAMPLES, *t.shape)).astype(np.float32)
            continue
        info = np.iinfo(t.dtype.numpy)
        x = rng.integers(info.min, info.max + 1, (SAMPLES, *t.shape))
        x[0], x[1] = info.min, info.max
        x[2] = rng.choice([info.min, info.max], t.shape)
        found[v] = x.astype(t.dtype.numpy)
    return found
