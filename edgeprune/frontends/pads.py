"""Zeros around an image, which the layer behind them pads with by itself."""

from __future__ import annotations

from dataclasses import replace

from edgeprune.frontends.passes import fresh, only_user
from edgeprune.ir import Graph, Node
from edgeprune.ops import Convolution, Pad, Reshape
from edgeprune.ops._window import Padding


def sink_pads(graph: Graph) -> Graph:
    """Pads behind the reshapes that alone read them, where those add axes of length 1 in front.

    Keras' causal convolutions pad a sequence (t, c), which is then the image (1, t, c) of a layer.
    """
    names = {n.name for n in graph.nodes} | set(graph.types)
    known = {v: t for v, t in graph.types.items() if t.quant and v not in graph.constants}
    pads = {n.output: n for n in graph.nodes if isinstance(n.op, Pad) and _front_axes(graph, n)}
    nodes: list[Node] = []
    for node in graph.nodes:
        pad = pads.get(node.inputs[0]) if node.inputs else None
        if pad is not None:
            front = (0,) * _front_axes(graph, pad)
            x, op = graph.types[pad.inputs[0]], pad.op
            assert isinstance(op, Pad)
            shape, value = (1,) * len(front) + x.shape, fresh(names, f"{pad.output}/image")
            known |= {value: x.with_shape(shape)} if x.quant else {}
            nodes.append(replace(node, op=Reshape(shape), inputs=pad.inputs, output=value))
            op = replace(op, before=front + op.before, after=front + op.after)
            nodes.append(replace(pad, op=op, inputs=(value,), output=node.output))
        elif node.output not in pads:
            nodes.append(node)
    return graph.rebuilt(nodes, known=known) if pads else graph


def _front_axes(graph: Graph, pad: Node) -> int:
    """How many axes of length 1 the reshape adds that alone reads a Pad; 0 where none does."""
    user = only_user(graph, pad.output)
    if user is None or not isinstance(user.op, Reshape):
        return 0
    padded, image = (graph.types[v].shape for v in (pad.output, user.output))
    more = len(image) - len(padded)
    return more if more > 0 and image == (1,) * more + padded else 0


def fold_pads(graph: Graph) -> Graph:
    """Zeros around an image as the padding of the convolutions that alone read it.

    That saves the larger image, often the largest of all. In integers both pad with the zero point.
    """
    merged: dict[str, Node] = {}
    gone: set[str] = set()
    for node in graph.nodes:
        if not isinstance(node.op, Pad) or node.op.value or node.output in graph.outputs:
            continue
        x, y = (graph.types[v] for v in (node.inputs[0], node.output))
        users = graph.users[node.output]
        padded = [_padded(graph, node, user) for user in users]
        if users and all(padded) and x.quant == y.quant:
            gone.add(node.name)
            merged |= {user.name: n for user, n in zip(users, padded, strict=True) if n is not None}
    nodes = [merged.get(n.name, n) for n in graph.nodes if n.name not in gone]
    return graph.rebuilt(nodes) if gone else graph


def _padded(graph: Graph, pad: Node, user: Node) -> Node | None:
    """A convolution that does a Pad itself; None where it cannot, or its window is too small."""
    op, around = user.op, pad.op
    assert isinstance(around, Pad)
    if not isinstance(op, Convolution):
        return None
    (top, left, front), (bottom, right, behind) = around.before, around.after
    taps = op.window(graph.types[user.inputs[1]].shape)
    height, width = (1 + (n - 1) * step for n, step in zip(taps, op.dilation, strict=True))
    own = op.padding
    new = Padding(own.top + top, own.left + left, own.bottom + bottom, own.right + right)
    fits = max(new.top, new.bottom) < height and max(new.left, new.right) < width
    if front or behind or not fits:
        return None
    return replace(user, op=replace(op, padding=new), inputs=(pad.inputs[0], *user.inputs[1:]))
