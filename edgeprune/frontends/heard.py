"""A front end before a network: it takes samples of sound, and keeps what the next call needs.

Frames of samples overlap, and a network reads the features of several: of the samples those stay
that begin the next frame, and of the features the rows of a window that moves on.
"""

from __future__ import annotations

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.frontends.passes import fresh
from edgeprune.frontends.states import keeping
from edgeprune.ir import Array, DType, Graph, Node, Op, Port, QuantParams, TensorType
from edgeprune.ops import AudioFeatures, Concat, Reshape, Slice

SILENCE = -128
"""The feature of a frame without sound."""


def heard(network: Graph, front: Graph, hop: int) -> Graph:
    """The network that takes samples.

    One that keeps no state reads a window: a call takes ``hop`` samples, makes one row of features,
    and the older rows are kept. Of one that keeps states all rows are new in every call. Before the
    first call there was silence.

    Args:
        network: over rows of features, int8.
        front: samples to features, as its file has it.
        hop: samples from one frame to the next.

    Raises:
        EdgePruneError: the two do not go together.
    """
    node = _features(front)
    size, bands = front.types[node.inputs[0]].size, front.types[node.output].shape[1]
    if not 1 <= hop <= size:
        raise EdgePruneError("--hop", f"is {hop}; a frame has {size} samples", f"from 1 to {size}")
    return _Ear(network, front, node, hop, _rows(network, bands)).graph()


def _features(front: Graph) -> Node:
    """The operator of a graph that is a front end and no more."""
    found = [n for n in front.nodes if isinstance(n.op, AudioFeatures)]
    others = {n.op.kind for n in front.nodes} - {"audio_features", "slice", "reshape"}
    if len(found) != 1 or others or len(front.results) != 1 or len(front.arguments) != 1:
        what = f"{front.name} is no front end that makes features of samples and nothing else"
        hint = "a .tflite of TFLite Micro's signal operators, such as audio_preprocessor_int8"
        raise EdgePruneError("--frontend", what, hint)
    return found[0]


def _rows(network: Graph, bands: int) -> int:
    """How many frames a network reads at once."""
    types = [network.types[v] for v in network.arguments]
    if len(types) != 1 or types[0].dtype is not DType.INT8 or types[0].size % bands:
        taken = ", ".join(map(str, types))
        hint = "build the network as int8 first, and give its model.tflite"
        what = f"the network takes {taken}, and no rows of {bands} features of int8"
        raise EdgePruneError("--frontend", what, hint)
    return types[0].size // bands


class _Ear:
    """Puts nodes in front of a network."""

    def __init__(self, network: Graph, front: Graph, node: Node, hop: int, rows: int) -> None:
        assert isinstance(node.op, AudioFeatures)
        self.network, self.hop, self.rows = network, hop, rows
        self.argument = network.arguments[0]
        t = network.types[self.argument]
        assert t.quant is not None
        self.scale, self.zero = t.quant.scalar
        self.op = AudioFeatures(node.op.rules, self.scale, self.zero)
        self.names = {*network.types, *(n.name for n in network.nodes)}
        self.nodes: list[Node] = []
        self.known = {v: network.types[v] for v in network.producer}
        self.known[self.argument] = t
        self.size = front.types[node.inputs[0]].size
        self.bands = front.types[node.output].shape[1]
        self.tables = {fresh(self.names, v.split("/")[-1]): v for v in node.inputs[2:]}
        self.constants: dict[str, Array] = {k: front.constants[v] for k, v in self.tables.items()}
        self.types = {k: front.types[v] for k, v in self.tables.items()}
        self.sound = TensorType((), DType.INT16, QuantParams.of(1.0))
        self.row = TensorType((), DType.INT8, t.quant)
        self.inputs: dict[str, TensorType] = {}
        self.ports: dict[str, Port] = {}
        self.kept: dict[str, str] = {}

    def graph(self) -> Graph:
        """The network with its front end."""
        network = self.network
        new = self.rows if network.states else 1
        samples = self.input("samples", self.sound.with_shape((new * self.hop,)))
        frames = self.frames(samples, new)
        noise = first = self.state("noise", self.row.with_shape((4, self.bands)), 0)
        made = []
        for frame in frames:
            whole = self.put(self.op, (frame, noise, *self.tables), "features", self.row)
            noise = self.put(Slice((1, 0), (5, self.bands), (1, 1)), (whole,), "heard", self.row)
            made.append(
                self.put(Slice((0, 0), (1, self.bands), (1, 1)), (whole,), "new row", self.row)
            )
        self.kept[first] = noise
        window = self.window(made)
        shape = network.types[self.argument].shape
        self.nodes.append(Node(self.argument, Reshape(shape), (window,), self.argument))
        return self.joined()

    def frames(self, samples: str, new: int) -> list[str]:
        """Each frame of what is new and what was kept."""
        older = self.size - self.hop
        if older:
            kept = self.state("older samples", self.sound.with_shape((older,)), 0)
            samples = self.put(Concat(0), (kept, samples), "all samples", self.sound)
            cut = Slice((new * self.hop,), (new * self.hop + older,), (1,))
            self.kept[kept] = self.put(cut, (samples,), "last samples", self.sound)
        if new == 1:
            return [samples]
        starts = range(0, new * self.hop, self.hop)
        cuts = [Slice((s,), (s + self.size,), (1,)) for s in starts]
        return [self.put(cut, (samples,), "frame", self.sound) for cut in cuts]

    def window(self, made: list[str]) -> str:
        """All rows that the network reads."""
        older = self.rows - len(made)
        if older:
            t = self.row.with_shape((older, self.bands))
            kept = self.state("older rows", t, SILENCE)
            made = [kept, *made]
        if len(made) == 1:
            return made[0]
        whole = self.put(Concat(0), tuple(made), "rows", self.row)
        if older:
            cut = Slice((self.rows - older, 0), (self.rows, self.bands), (1, 1))
            self.kept[kept] = self.put(cut, (whole,), "last rows", self.row)
        return whole

    def input(self, name: str, t: TensorType, initial: tuple[float, ...] = ()) -> str:
        """An input of the graph, which has no axis of a batch."""
        value = fresh(self.names, name)
        self.inputs[value] = t
        self.ports[value] = Port(value, t.shape, batched=False, dtype=t.dtype, initial=initial)
        return value

    def state(self, name: str, t: TensorType, element: int) -> str:
        """What is kept from call to call; at first all elements are the same."""
        assert t.quant is not None
        scale, zero = t.quant.scalar
        real = float(np.float32(scale) * (element - zero))
        return self.input(name, t, (real,) * t.size if real else ())

    def put(self, op: Op, inputs: tuple[str, ...], name: str, like: TensorType) -> str:
        """A node in front of the network."""
        value = fresh(self.names, name)
        types = {**self.inputs, **self.known, **self.types}
        self.known[value] = like.with_shape(op.infer(*(types[v] for v in inputs)).shape)
        self.nodes.append(Node(value, op, inputs, value))
        return value

    def joined(self) -> Graph:
        """Everything in one graph."""
        network = self.network
        states = {v: network.types[v] for v in network.states}
        held = {k: network.types[k] for k in network.constants}
        made = network.rebuilt(
            [*self.nodes, *network.nodes],
            inputs={**self.inputs, **states},
            outputs=(*network.outputs, *self.kept.values()),
            constants={**network.constants, **self.constants},
            types={**held, **self.types},
            known=self.known,
            ports={**{v: p for v, p in network.ports.items() if v != self.argument}, **self.ports},
        )
        return keeping(made, {**network.states, **self.kept})
