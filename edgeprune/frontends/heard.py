"""A front end before a network: it takes samples of sound, and keeps what the next call needs.

Frames of samples overlap, and a network reads the features of several: of the samples those stay
that begin the next frame, and of the features the rows of a window that moves on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.frontends.passes import fresh
from edgeprune.frontends.states import keeping, root
from edgeprune.ir import (
    Array,
    DType,
    Graph,
    Node,
    Op,
    Port,
    QuantParams,
    TensorType,
    dequantise_array,
    run_steps,
)
from edgeprune.ops import AudioFeatures, Concat, Reshape, Slice


@dataclass(frozen=True)
class Front:
    """A front end, and how far its frames are apart.

    Attributes:
        graph: samples to features, as its file has it.
        hop: samples from one frame to the next.
    """

    graph: Graph
    hop: int

    def before(self, network: Graph) -> Graph:
        """The network that takes samples; see :func:`heard`."""
        return heard(network, self.graph, self.hop)


def heard(network: Graph, front: Graph, hop: int) -> Graph:
    """The network that takes samples.

    One that keeps no state reads a window: a call takes ``hop`` samples, makes one row of features,
    and the older rows are kept, which are :func:`without_sound` at first. Of one that keeps states
    all rows are new in every call.

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


def without_sound(network: Graph, front: Graph) -> float:
    """What a network reads of a frame without sound, in all bands: a real value of its input.

    Args:
        network: over rows of features, int8.
        front: samples to features, as its file has it.

    Raises:
        EdgePruneError: the two do not go together.
    """
    _rows(network, front.types[_features(front).output].shape[1])
    t = network.types[network.arguments[0]]
    return float(dequantise_array(_silence(front), t).flat[0])


def _silence(front: Graph) -> Array:
    """The features of a frame without sound before which there was none, int8 (bands,)."""
    frame = np.zeros((1, *front.types[front.arguments[0]].shape), np.int16)
    return run_steps(front, [frame])[front.results[0]].ravel()


def _features(front: Graph) -> Node:
    """The operator of a graph that is a front end and no more."""
    found = [n for n in front.nodes if isinstance(n.op, AudioFeatures)]
    if len(found) != 1 or not _is_all(front, found[0]):
        what = f"{front.name} is no front end that makes features of samples and nothing else"
        hint = "a .tflite of TFLite Micro's signal operators, such as audio_preprocessor_int8"
        raise EdgePruneError("--frontend", what, hint)
    return found[0]


def _is_all(front: Graph, node: Node) -> bool:
    """Whether a graph's only argument is the operator's frame, and its only result the features."""
    if len(front.arguments) != 1 or len(front.results) != 1:
        return False
    frame, row = (root(front, v) for v in (node.inputs[0], front.results[0]))
    made, first = front.producer.get(row), (1, front.types[node.output].shape[1])
    if made is None or made.inputs != (node.output,) or frame != front.arguments[0]:
        return False
    return made.op == Slice((0, 0), first, (1, 1))


def _rows(network: Graph, bands: int) -> int:
    """How many frames a network reads at once, one behind the other."""
    types = [network.types[v] for v in network.arguments]
    axes = [tuple(n for n in t.shape if n > 1) for t in types]
    fits = [len(a) <= 1 or (len(a) == 2 and a[1] == bands) for a in axes]
    if fits != [True] or types[0].dtype is not DType.INT8 or types[0].size % bands:
        taken = ", ".join(map(str, types))
        hint = "build the network as int8 first, and give its model.tflite"
        what = f"the network takes {taken}, and no rows of {bands} features of int8"
        raise EdgePruneError("--frontend", what, hint)
    return types[0].size // bands


class _Ear:
    """Puts nodes in front of a network."""

    def __init__(self, network: Graph, front: Graph, node: Node, hop: int, rows: int) -> None:
        assert isinstance(node.op, AudioFeatures)
        self.network, self.hop, self.rows, self.notes = network, hop, rows, front.notes
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
        self.silence = _silence(front)
        self.sound = TensorType((), DType.INT16, QuantParams.of(1.0))
        self.row = TensorType((), DType.INT8, t.quant)
        self.inputs: dict[str, TensorType] = {}
        self.ports: dict[str, Port] = {}
        self.kept: dict[str, str] = {}

    def graph(self) -> Graph:
        """The network with its front end."""
        network = self.network
        new = self.rows if network.states else 1
        samples = fresh(self.names, "samples")
        self.inputs[samples] = self.sound.with_shape((new * self.hop,))
        frames = self.frames(samples, new)
        noise = first = self.state("noise", self.row, np.zeros((4, self.bands), np.int8))
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
            kept = self.state("older samples", self.sound, np.zeros(older, np.int16))
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
            kept = self.state("older rows", self.row, np.tile(self.silence, (older, 1)))
            made = [kept, *made]
        if len(made) == 1:
            return made[0]
        whole = self.put(Concat(0), tuple(made), "rows", self.row)
        if older:
            cut = Slice((self.rows - older, 0), (self.rows, self.bands), (1, 1))
            self.kept[kept] = self.put(cut, (whole,), "last rows", self.row)
        return whole

    def state(self, name: str, like: TensorType, first: Array) -> str:
        """What is kept from call to call: its elements before the first one."""
        value, t = fresh(self.names, name), like.with_shape(first.shape)
        real = dequantise_array(first, t)
        initial = tuple(map(float, real.ravel())) if real.any() else ()
        self.inputs[value] = t
        self.ports[value] = Port(value, t.shape, batched=False, dtype=t.dtype, initial=initial)
        return value

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
        whole = keeping(made, {**network.states, **self.kept})
        return replace(whole, notes=(*network.notes, *self.notes))
