"""Scales of a quantised file become those of values: QuantizeLinear and DequantizeLinear go."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgeprune.errors import UnsupportedError
from edgeprune.frontends.affine import fold_affine, invert_divisors
from edgeprune.frontends.normalize import drop_identities, fuse
from edgeprune.ir import (
    Array,
    DType,
    Graph,
    LinearOp,
    Node,
    QuantParams,
    TensorType,
    build_graph,
    dequantise_array,
)
from edgeprune.ops import Dense, Dequantize, Div, Quantize, Relu, Reshape

HINT = "quantise the whole model: static QDQ, int8, symmetric weights"


def fold_qdq(graph: Graph, scales: Mapping[str, QuantParams]) -> Graph:
    """The integer graph; where it is quantised in part only, the float graph that it stands for.

    Args:
        graph: float, with Quantize and Dequantize where the file has them.
        scales: of float constants that were integers, by name.

    Raises:
        UnsupportedError: operators that are not quantised, all of them, and inputs are integers.
    """
    try:
        whole = drop_identities(fuse(fold_affine(invert_divisors(graph))))
        return _Folding(whole, scales).run()
    except UnsupportedError as partly:
        if any(graph.types[v].quant is not None for v in graph.inputs):
            raise
        note = f"{partly.where}: {partly.what}\n    so it is read as float32, without its scales"
        return replace(_without_scales(graph), notes=(*graph.notes, note))


def _without_scales(graph: Graph) -> Graph:
    """The float graph, in which nothing is rounded.

    Quantisers drop a ReLU where the integers begin at 0 anyway: there it is put in again.
    """
    renamed: dict[str, str] = {}
    nodes = []
    for node in graph.nodes:
        args = tuple(renamed.get(v, v) for v in node.inputs)
        clamp = _saturates(graph.types[node.output]) if isinstance(node.op, Quantize) else None
        if clamp is not None:
            nodes.append(replace(node, op=clamp, inputs=args))
        elif isinstance(node.op, Quantize | Dequantize) and node.output not in graph.outputs:
            renamed[node.output] = args[0]
        elif isinstance(node.op, Quantize | Dequantize):
            nodes.append(replace(node, op=Reshape(graph.types[node.output].shape), inputs=args))
        else:
            nodes.append(replace(node, inputs=args))
    return build_graph(
        graph.name,
        nodes,
        {v: graph.types[v] for v in graph.inputs},
        graph.outputs,
        graph.constants,
        ports=graph.ports,
        origin=graph.origin,
    )


def _saturates(t: TensorType) -> Relu | None:
    """The activation that integers make of what they saturate: a ReLU, a ReLU6, or none."""
    assert t.quant is not None
    (scale, zero), info = t.quant.scalar, np.iinfo(t.dtype.numpy)
    if zero != info.min:
        return None
    top = scale * (info.max - zero)
    return Relu((0.0, 6.0 if abs(top - 6) < 1e-3 else math.inf))


class _Folding:
    def __init__(self, graph: Graph, scales: Mapping[str, QuantParams]) -> None:
        self.graph, self.scales = graph, scales
        self.types: dict[str, TensorType] = {}  # of integer values
        self.integers: dict[str, str] = {}  # value of the float graph → integer value
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}
        self.constant_types: dict[str, TensorType] = {}
        self.refused: list[str] = []
        self.taken = set(graph.types) | {n.name for n in graph.nodes}

    def run(self) -> Graph:
        graph = self.graph
        inputs = {v: self._input(v) for v in graph.inputs}
        for node in graph.nodes:
            self._node(node)
        if self.refused:
            raise UnsupportedError(
                graph.name,
                f"{len(self.refused)} operators of a quantised model are not quantised:\n    "
                + "\n    ".join(self.refused),
                HINT,
            )
        outputs = [self.integers[v] for v in graph.outputs]
        renamed = {self.integers.get(v, v): port for v, port in graph.ports.items()}
        made = build_graph(
            graph.name,
            self.nodes,
            inputs,
            outputs,
            self.constants,
            self.constant_types,
            known=self.types,
            ports=renamed,
            origin=graph.origin,
        )
        return drop_identities(replace(made, notes=graph.notes))

    def _input(self, v: str) -> TensorType:
        t = self.graph.types[v]
        users = self.graph.users[v]
        kinds = {self.graph.types[n.output] for n in users if isinstance(n.op, Quantize)}
        if t.quant is None and len(kinds) == 1 and all(isinstance(n.op, Quantize) for n in users):
            t = kinds.pop()
        if t.quant is None:
            self.refused.append(f"input {v!r}")
        else:
            self.integers[v] = v
            self.types[v] = t
        return t

    def _node(self, node: Node) -> None:
        graph = self.graph
        moving = [v for v in node.inputs if v not in graph.constants]
        if any(v not in self.integers for v in moving):
            return  # what it reads is refused already
        if isinstance(node.op, Dequantize):
            self.integers[node.output] = self.integers[moving[0]]
        elif isinstance(node.op, Quantize):
            source = self.integers[moving[0]]
            wanted = graph.types[node.output]
            same = self.types[source] == wanted
            self.integers[node.output] = source if same else self._requantised(source, wanted, node)
        else:
            self._operator(node)

    def _requantised(self, source: str, wanted: TensorType, node: Node) -> str:
        value = self._fresh(f"{node.output}/requantised")
        self._add(Node(self._fresh(f"{node.name}/requantise"), Quantize(wanted.dtype), (source,),
                       value), wanted)  # fmt: skip
        return value

    def _fresh(self, name: str) -> str:
        found, n = name, 1
        while found in self.taken:
            n += 1
            found = f"{name}_{n}"
        self.taken.add(found)
        return found

    def _add(self, node: Node, t: TensorType) -> None:
        self.nodes.append(node)
        self.types[node.output] = t

    def _wanted(self, node: Node) -> TensorType | None:
        """The integers that a node's result is given, there or behind what keeps its scale."""
        graph = self.graph
        if node.output in graph.outputs:
            return None
        kinds: set[TensorType | None] = set()
        for user in graph.users[node.output]:
            if isinstance(user.op, Quantize):
                kinds.add(graph.types[user.output])
            else:
                kinds.add(self._wanted(user) if user.op.quant == "same" else None)
        kind = kinds.pop() if len(kinds) == 1 else None
        return None if kind is None else kind.with_shape(graph.types[node.output].shape)

    def _operator(self, node: Node) -> None:
        graph, op = self.graph, node.op
        if isinstance(op, Div) or not op.has_integers():  # quotients become products in float alone
            self.refused.append(f"{node.name!r} ({op.kind})")
            return
        shape = graph.types[node.output].shape
        held = [self.integers.get(v, "") for v in node.inputs]
        first = self.types[next(v for v in held if v)]
        wanted = self._wanted(node)
        natural: TensorType | None = wanted
        if op.quant == "same" or graph.types[node.output].quant is not None:
            natural = first.with_shape(shape)
        elif op.quant == "fixed":
            natural = TensorType(shape, first.dtype, op.fixed_quant(first.dtype.bits))
        if natural is None:
            natural = self._derived(node, first)
        if natural is None:
            self.refused.append(f"{node.name!r} ({op.kind})")
            return
        wanted = natural if wanted is None else wanted
        if op.quant == "shared":
            held = [self._shared(v, natural, node) if v else v for v in held]
        args = self._constants(node, held, natural if op.quant == "shared" else first)
        value = node.output if natural == wanted else self._fresh(f"{node.output}/own scale")
        self._add(replace(node, inputs=args, output=value), natural)
        if natural != wanted:
            value = self._requantised(value, wanted, node)
        self.integers[node.output] = value

    def _derived(self, node: Node, x: TensorType) -> TensorType | None:
        """Integers for a function of one element that the file gives none: of all it can make."""
        import torch

        held = [self.graph.constants.get(v) for v in node.inputs]
        known = all(c is None or c.size == 1 for c in held) and held.count(None) == 1
        alone = node.op.elementwise and node.op.quant != "shared"
        if not known or x.dtype is not DType.INT8 or not alone:
            return None
        grid = np.arange(-128, 128, dtype=np.int8)[:, None]
        real = torch.from_numpy(dequantise_array(grid, replace(x, shape=(1,))))
        args = [real if c is None else torch.from_numpy(c.reshape(1, 1)) for c in held]
        y = node.op.evaluate(*args).double()
        low, high = min(float(y.min()), 0.0), max(float(y.max()), 1e-9)
        scale = float(np.float32((high - low) / 255))
        quant = QuantParams.of(scale, round(-128 - low / scale))
        return TensorType(self.graph.types[node.output].shape, DType.INT8, quant)

    def _shared(self, v: str, t: TensorType, node: Node) -> str:
        if self.types[v].quant == t.quant:
            return v
        return self._requantised(v, t.with_shape(self.types[v].shape), node)

    # -- constants -------------------------------------------------------------------------------

    def _constants(self, node: Node, held: list[str], x: TensorType) -> tuple[str, ...]:
        args = list(held)
        axis = node.op.out_axis if isinstance(node.op, LinearOp) else None
        for i, v in enumerate(node.inputs):
            if v not in self.graph.constants or (axis is not None and i == 2):
                continue
            array = self.graph.constants[v]
            quant = self.scales.get(v) or _symmetric(array)
            if node.op.quant == "shared":
                assert x.quant is not None
                quant = x.quant
            if axis is not None and not isinstance(node.op, Dense) and quant.axis is None:
                count = array.shape[axis]
                quant = QuantParams(quant.scale * count, quant.zero_point * count, axis)
            # reals beside integers, or integers at another scale: rounded
            loose = axis is None and (v not in self.scales or node.op.quant == "shared")
            self.constants[v] = self._integers_of(node, v, array, quant, loose)
            self.constant_types[v] = TensorType(array.shape, DType.INT8, quant)
            args[i] = v
        if axis is not None:
            args[2] = self._bias(node, x)
        return tuple(args)

    def _integers_of(
        self, node: Node, v: str, array: Array, quant: QuantParams, loose: bool
    ) -> Array:
        """The integers of a constant; exactly those of the file, unless it has reals."""
        shape: list[int] = [1] * array.ndim
        if quant.axis is not None:
            shape[quant.axis] = -1
        scale = np.asarray(quant.scale, np.float64).reshape(shape if array.ndim else ())
        zero = np.asarray(quant.zero_point, np.float64).reshape(shape if array.ndim else ())
        wide = array.astype(np.float64) / scale + zero
        q = np.rint(wide)
        exact = np.abs(q - wide).max(initial=0) <= 1e-3 and np.abs(q + 0.5).max(initial=0) < 128
        if not (exact or loose):
            self.refused.append(f"{node.name!r}: its constant {v!r} is not of int8 at one scale")
        return np.clip(q, -128, 127).astype(np.int8)

    def _bias(self, node: Node, x: TensorType) -> str:
        """Bias in integers, at the scale of input times weights."""
        name, weights = node.inputs[2], self.constant_types[node.inputs[1]]
        assert x.quant is not None
        assert weights.quant is not None
        bias = self.graph.constants[name]
        scale = np.float32(x.quant.scalar[0]) * np.asarray(weights.quant.scale, np.float32)
        dtype = DType.INT64 if x.dtype is DType.INT16 else DType.INT32
        q = np.rint(bias.astype(np.float64) / scale.astype(np.float64))
        self.constants[name] = np.clip(q, -(2**31) + 1, 2**31 - 1).astype(dtype.numpy)
        scales = tuple(float(s) for s in scale)
        quant = QuantParams(scales, (0,) * len(scales), 0 if len(scales) > 1 else None)
        self.constant_types[name] = TensorType(bias.shape, dtype, quant)
        return name


def _symmetric(array: Array) -> QuantParams:
    """A scale for a constant that the file holds as reals."""
    return QuantParams.of(max(float(np.abs(array).max(initial=0)), 1e-9) / 127)
