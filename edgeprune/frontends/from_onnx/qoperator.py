"""Models in ONNX Runtime's QOperator format, said as QDQ: integer operators between real numbers.

QLinearConv is Conv between DequantizeLinear and QuantizeLinear, and so on: the same integers in
other words, which :mod:`edgeprune.frontends.from_onnx.qdq` makes integer operators of again.
"""

from __future__ import annotations

from collections.abc import Callable

from onnx import AttributeProto, GraphProto, NodeProto, helper

DOMAINS = ("", "ai.onnx", "com.microsoft")
NOT_FLOAT = "channels_last"
"""An attribute that the real operators do not have; QLinearSoftmax's ``opset`` is heeded there."""


def as_qdq(graph: GraphProto) -> None:
    """Spell every operator on quantised values as a real one between their scales.

    Args:
        graph: of a file; changed in place.
    """
    nodes: list[NodeProto] = []
    for node in graph.node:
        write = ROWS.get(node.op_type) if node.domain in DOMAINS else None
        if write is None or not node.output or _flag(node, "channels_last"):
            nodes.append(node)
            continue
        spelled = _Spelled(node)
        write(spelled, [*node.input, *[""] * (MOST_INPUTS - len(node.input))])
        nodes += spelled.nodes
    del graph.node[:]
    graph.node.extend(nodes)


MOST_INPUTS = 9


class _Spelled:
    """The nodes that take a node's place."""

    def __init__(self, node: NodeProto) -> None:
        self.node = node
        self.name = node.name or node.output[0]
        self.nodes: list[NodeProto] = []

    def _value(self, role: str) -> str:
        return f"{self.node.output[0]}/{role}"

    def real(self, held: list[str], role: str, axis: int = 1) -> str:
        """What integers stand for: value, scale, zero point."""
        made = self._value(role)
        node = self._add("DequantizeLinear", held, made, role)
        node.attribute.append(helper.make_attribute("axis", axis))
        return made

    def bias(self, x: str, *scales: str, factor: float = 1.0) -> str:
        """A bias, whose scale is a factor times those of input and weights; "" for none."""
        if not x:
            return ""
        if factor != 1:
            held = self._add("Constant", [], self._value("factor"), "factor")
            held.attribute.append(helper.make_attribute("value_float", factor))
            scaled = self._value("scale")
            self._add("Mul", [scales[0], held.output[0]], scaled, "scale")
            scales = (scaled, *scales[1:])
        self._add("Mul", list(scales), self._value("bias scale"), "bias scale")
        return self.real([x, self._value("bias scale"), ""], "bias", 0)

    def operator(self, kind: str, inputs: list[str], scale: str, zero: str) -> None:
        """The operator itself, and its result as integers; without a scale it stays real."""
        attributes = [a for a in self.node.attribute if a.name != NOT_FLOAT]
        while inputs and not inputs[-1]:
            inputs.pop()
        made = self._value("real") if scale else self.node.output[0]
        whole = helper.make_node(kind, inputs, [made], self.name)
        whole.attribute.extend(attributes)
        self.nodes.append(whole)
        if scale:
            self._add("QuantizeLinear", [made, scale, zero], self.node.output[0], "quantised")

    def _add(self, kind: str, inputs: list[str], made: str, role: str) -> NodeProto:
        self.nodes.append(helper.make_node(kind, inputs, [made], f"{self.name}/{role}"))
        return self.nodes[-1]


def _flag(node: NodeProto, name: str) -> int:
    found = (a.i for a in node.attribute if a.name == name and a.type == AttributeProto.INT)
    return next(found, 0)


def _conv(s: _Spelled, v: list[str]) -> None:
    x, w = s.real(v[:3], "x"), s.real(v[3:6], "w", 0)
    s.operator("Conv", [x, w, s.bias(v[8], v[1], v[4])], v[6], v[7])


def _matmul(s: _Spelled, v: list[str]) -> None:
    s.operator("MatMul", [s.real(v[:3], "a"), s.real(v[3:6], "b")], v[6], v[7])


def _gemm(s: _Spelled, v: list[str]) -> None:
    along = 0 if _flag(s.node, "transB") else 1
    a, b = s.real(v[:3], "a"), s.real(v[3:6], "b", along)
    alpha = next((a.f for a in s.node.attribute if a.name == "alpha"), 1.0)
    s.operator("Gemm", [a, b, s.bias(v[6], v[1], v[4], factor=alpha)], v[7], v[8])


Write = Callable[[_Spelled, list[str]], None]


def _binary(kind: str) -> Write:
    def write(s: _Spelled, v: list[str]) -> None:
        s.operator(kind, [s.real(v[:3], "a"), s.real(v[3:6], "b")], v[6], v[7])

    return write


def _unary(kind: str) -> Write:
    def write(s: _Spelled, v: list[str]) -> None:
        s.operator(kind, [s.real(v[:3], "x")], v[3], v[4])

    return write


def _concat(s: _Spelled, v: list[str]) -> None:
    given = list(s.node.input)
    triples = [given[i : i + 3] for i in range(2, len(given), 3)]
    parts = [s.real(triple, f"x{i}") for i, triple in enumerate(triples)]
    s.operator("Concat", parts, v[0], v[1])


ROWS: dict[str, Write] = {
    "QGemm": _gemm,
    "QLinearAdd": _binary("Add"),
    "QLinearAveragePool": _unary("AveragePool"),
    "QLinearConcat": _concat,
    "QLinearConv": _conv,
    "QLinearGlobalAveragePool": _unary("GlobalAveragePool"),
    "QLinearLeakyRelu": _unary("LeakyRelu"),
    "QLinearMatMul": _matmul,
    "QLinearMul": _binary("Mul"),
    "QLinearSigmoid": _unary("Sigmoid"),
    "QLinearSoftmax": _unary("Softmax"),
}
"""By operator, how it is spelled; of its operands those that are left out are ""."""
