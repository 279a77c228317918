"""The network: nodes in execution order over named, typed values. Knows no file format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.ir.types import Array, DType, TensorType, numbers_of

if TYPE_CHECKING:
    from edgeprune.ir.op import Op


@dataclass(frozen=True)
class Node:
    """One operator applied to named values.

    Attributes:
        name: the user's name for the layer; unique, untrusted text.
        op: the operator with its attributes.
        inputs: names of activations or constants.
        output: name of the value that it computes.
        site: of a loop that was written out, the place in its body: nodes of one site do the same
            in different steps, and what they compute has one scale. "": in no loop.
    """

    name: str
    op: Op
    inputs: tuple[str, ...]
    output: str
    site: str = ""


@dataclass(frozen=True)
class Port:
    """How the user's own model presents one input or output; what ``.onnx`` artifacts give back.

    Attributes:
        name: the user's name for it.
        shape: the user's shape, batch included if the model had one (1 where it was free).
        perm: the order in which the per-sample axes of the IR value are the user's axes:
            user = ir.transpose(perm); None: the same.
        batched: whether axis 0 of ``shape`` is the batch.
        dtype: the user's element type.
        feeds: of an output that is kept: the input that has its value in the next call.
        initial: of an input that an output feeds: its elements in the first call, real values in
            the IR's order; (): all zero.
    """

    name: str
    shape: tuple[int, ...]
    perm: tuple[int, ...] | None = None
    batched: bool = True
    dtype: DType = DType.FLOAT32
    feeds: str = ""
    initial: tuple[float, ...] = ()


@dataclass(frozen=True)
class Graph:
    """A valid network. Values without a producer are inputs or constants.

    Attributes:
        name: the model's name, untrusted text.
        nodes: in execution order; every node has one output.
        inputs: names of the values that are fed, by the caller or from the call before.
        outputs: names of the values that are read, by the caller or in the next call.
        types: the type of every value and constant.
        constants: weights and other constants, by name.
        ports: how the user's model presents inputs and outputs, by value name.
        origin: the format it was read from ("onnx", "tflite", "torch", "keras", "ir").
        notes: what a reader assumed, as sentences for the user.
    """

    name: str
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    types: Mapping[str, TensorType]
    constants: Mapping[str, Array]
    ports: Mapping[str, Port] = field(default_factory=dict)
    origin: str = "ir"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check(self)

    @cached_property
    def producer(self) -> dict[str, Node]:
        """The node that computes each activation."""
        return {n.output: n for n in self.nodes}

    @cached_property
    def users(self) -> dict[str, tuple[Node, ...]]:
        """The nodes that read each value, in execution order."""
        found: dict[str, list[Node]] = {v: [] for v in self.types}
        for node in self.nodes:
            for v in dict.fromkeys(node.inputs):
                found[v].append(node)
        return {v: tuple(nodes) for v, nodes in found.items()}

    @cached_property
    def activations(self) -> tuple[str, ...]:
        """Inputs and computed values, in the order in which they come to be."""
        return (*self.inputs, *(n.output for n in self.nodes))

    @cached_property
    def states(self) -> dict[str, str]:
        """What is kept from one call to the next: by input, the output that it has next."""
        feeding = {self.ports[v].feeds: v for v in self.outputs if v in self.ports}
        return {v: feeding[v] for v in self.inputs if v in feeding}

    @cached_property
    def arguments(self) -> tuple[str, ...]:
        """The inputs that the caller gives in every call."""
        return tuple(v for v in self.inputs if v not in self.states)

    @cached_property
    def results(self) -> tuple[str, ...]:
        """The outputs that the caller gets from every call."""
        kept = set(self.states.values())
        return tuple(v for v in self.outputs if v not in kept)

    def node(self, name: str) -> Node:
        """The node of that name."""
        return next(n for n in self.nodes if n.name == name)

    def types_of(self, node: Node) -> tuple[TensorType, ...]:
        """The types of a node's inputs."""
        return tuple(self.types[v] for v in node.inputs)

    def macs_of(self, node: Node) -> int:
        """Multiply-accumulates of one node for one sample."""
        return node.op.macs(*self.types_of(node))

    def said(self, value: str) -> str:
        """What the user's model calls an input or output."""
        return self.ports[value].name if value in self.ports else value

    @property
    def state_bytes(self) -> int:
        """Of a struct of all states, the widest elements first."""
        types = [self.types[v] for v in self.states]
        wide = max((t.dtype.bits // 8 for t in types), default=1)
        return -(-sum(t.nbytes for t in types) // wide) * wide

    def layout(self, value: str) -> str:
        """The order in which the axes of an input or output lie in memory, in words.

        By the numbers of the axes in the user's model, and for an image by their names where they
        are known; "" for a vector.
        """
        port, rank = self.ports.get(value), len(self.types[value].shape)
        if port is None or rank < 2:
            return ""
        perm = port.perm or tuple(range(rank))
        if len(perm) != rank:
            return ""
        named_last = self.origin in ("tflite", "keras")
        places = [perm.index(i) for i in range(rank)]
        numbers = ", ".join(str(p + port.batched) for p in places)
        if rank != 3 or (port.perm is None and not named_last):
            return f"the model's axes {numbers}"
        letters = [("HWC" if named_last else "CHW")[p] for p in places]
        last = ", channels last" if letters == ["H", "W", "C"] else ""
        return f"{', '.join(letters)}{last}: the model's axes {numbers}"

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(self.macs_of(n) for n in self.nodes)

    @property
    def params(self) -> int:
        """Number of trained parameters: elements of all constants."""
        return sum(int(c.size) for c in self.constants.values())

    @property
    def is_quantised(self) -> bool:
        """Whether any activation is held as integers with a scale."""
        return any(self.types[v].quant is not None for v in self.activations)

    def rebuilt(
        self,
        nodes: Iterable[Node],
        *,
        inputs: Mapping[str, TensorType] | None = None,
        outputs: Iterable[str] | None = None,
        constants: Mapping[str, Array] | None = None,
        types: Mapping[str, TensorType] | None = None,
        known: Mapping[str, TensorType] | None = None,
        ports: Mapping[str, Port] | None = None,
    ) -> Graph:
        """The network with other nodes; what is not given stays.

        Args:
            nodes: see :func:`build_graph`, as for the others.
            inputs: types of the fed values.
            outputs: names of the read values.
            constants: all of them.
            types: of constants; None: those of constants that are there already stay.
            known: types of computed values; None: those of quantised values stay.
            ports: of inputs and outputs.
        """
        held = self.constants if constants is None else constants
        there = self.types.items()
        if types is None:
            types = {k: t for k, t in there if k in held and k in self.constants}
        if known is None:
            known = {k: t for k, t in there if k not in held and t.quant is not None}
        made = build_graph(
            self.name,
            nodes,
            {v: self.types[v] for v in self.inputs} if inputs is None else inputs,
            self.outputs if outputs is None else outputs,
            held,
            types,
            known=known,
            ports=self.ports if ports is None else ports,
            origin=self.origin,
        )
        return replace(made, notes=self.notes)

    def with_constants(self, new: Mapping[str, Array]) -> Graph:
        """The same network with other values in some constants (same shapes and types)."""
        for k, v in new.items():
            assert self.constants[k].shape == v.shape, (k, self.constants[k].shape, v.shape)
            assert self.constants[k].dtype == v.dtype, (k, self.constants[k].dtype, v.dtype)
        return replace(self, constants={**self.constants, **new})


def build_graph(
    name: str,
    nodes: Iterable[Node],
    inputs: Mapping[str, TensorType],
    outputs: Iterable[str],
    constants: Mapping[str, Array],
    constant_types: Mapping[str, TensorType] | None = None,
    *,
    known: Mapping[str, TensorType] | None = None,
    ports: Mapping[str, Port] | None = None,
    origin: str = "ir",
) -> Graph:
    """Put a graph together: sort it, infer every type, drop what nothing reads.

    Args:
        name: the model's name.
        nodes: in any order.
        inputs: types of the fed values.
        outputs: names of the read values.
        constants: arrays by name; those that nothing reads are dropped.
        constant_types: types of constants where they differ from their array's (quantised ones).
        known: types of computed values that were read from a file (quantised graphs); the others
            are inferred. A shape that contradicts the inferred one is an error.
        ports: see :class:`Port`.
        origin: see :class:`Graph`.

    Raises:
        EdgePruneError: a cycle, a value that nothing computes, or shapes that contradict.
    """
    ordered = _sort(tuple(nodes), set(inputs) | set(constants), tuple(outputs))
    given = dict(constant_types or {})
    used = {v for n in ordered for v in n.inputs} | set(outputs)
    kept = {k: v for k, v in constants.items() if k in used}
    types = dict(inputs) | {k: given.get(k, _type_of(v)) for k, v in kept.items()}
    for node in ordered:
        try:
            inferred = node.op.infer(*(types[v] for v in node.inputs))
        except EdgePruneError as e:
            raise EdgePruneError(f"{node.name} ({node.op.kind})", e.what, e.hint) from None
        t = (known or {}).get(node.output, inferred)
        if t.shape != inferred.shape:
            raise EdgePruneError(
                f"{node.name} ({node.op.kind})",
                f"the file says its output is {list(t.shape)}, "
                f"but its inputs make {list(inferred.shape)}",
            )
        types[node.output] = t
    return Graph(
        name, ordered, tuple(inputs), tuple(outputs), types, kept, dict(ports or {}), origin
    )


def _type_of(a: Array) -> TensorType:
    return TensorType(tuple(int(s) for s in a.shape), DType(a.dtype.name))


def _sort(nodes: tuple[Node, ...], ready: set[str], outputs: tuple[str, ...]) -> tuple[Node, ...]:
    """Nodes that the outputs need, in an order in which they can run; stable."""
    producer = {n.output: n for n in nodes}
    needed: set[str] = set()
    todo = [v for v in outputs if v in producer]
    while todo:
        v = todo.pop()
        if v in needed:
            continue
        needed.add(v)
        todo += [i for i in producer[v].inputs if i in producer and i not in needed]
    waiting = [n for n in nodes if n.output in needed]
    have = set(ready)
    done: list[Node] = []
    while waiting:
        rest: list[Node] = []
        for n in waiting:
            if all(v in have for v in n.inputs):
                done.append(n)
                have.add(n.output)
            else:
                rest.append(n)
        if len(rest) == len(waiting):
            lost = sorted(
                {v for n in rest for v in n.inputs if v not in have and v not in producer}
            )
            what = f"nothing computes {lost}" if lost else "the nodes form a cycle"
            raise EdgePruneError(rest[0].name, what)
        waiting = rest
    missing = [v for v in outputs if v not in have]
    if missing:
        raise EdgePruneError("outputs", f"nothing computes {missing}")
    return tuple(done)


def check(graph: Graph) -> None:
    """The rules of a valid graph; a violation is a bug, not a user's error."""
    seen = set(graph.inputs) | set(graph.constants)
    assert len(set(graph.inputs)) == len(graph.inputs), "an input twice"
    names: set[str] = set()
    for node in graph.nodes:
        assert node.name not in names, f"two nodes are called {node.name!r}"
        names.add(node.name)
        for v in node.inputs:
            assert v in seen, f"{node.name}: {v!r} is read before it is computed"
        assert node.output not in seen, f"{node.name}: {node.output!r} is computed twice"
        seen.add(node.output)
        assert node.output in graph.types, f"{node.output!r} has no type"
    assert all(v in seen for v in graph.outputs), "an output that nothing computes"
    for v, after in graph.states.items():
        assert graph.types[v] == graph.types[after], f"{v!r} becomes what it is not: {after!r}"
    for name, value in graph.constants.items():
        t = graph.types[name]
        assert t.shape == value.shape, f"{name}: {t.shape} != {value.shape}"
        assert t.dtype.numpy == value.dtype, f"{name}: {t.dtype} != {value.dtype}"
        assert not np.issubdtype(value.dtype, np.floating) or value.dtype == np.float32
        assert t.codebook is None or (numbers_of(value, t.codebook.values) >= 0).all(), name
