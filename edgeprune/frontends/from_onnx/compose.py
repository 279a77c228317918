"""GELU put together again: before operator set 20 files spell it in steps around Erf or Tanh."""

from __future__ import annotations

import math

from onnx import AttributeProto, GraphProto, NodeProto, TensorProto, helper, numpy_helper

HALF = 0.5
CUBIC = 0.044715  # Hendrycks and Gimpel 2016, arXiv:1606.08415
TOLERANCE = 1e-3


def compose(graph: GraphProto) -> None:
    """Turn x (1 + erf(x / sqrt 2)) / 2, and its approximation by tanh, into one Gelu node each.

    The last of the steps becomes the Gelu; the others stay where something else reads them.

    Args:
        graph: of a file; changed in place.
    """
    found = _Values(graph)
    for node in graph.node:
        if node.op_type not in ("Erf", "Tanh") or not node.input or not node.output:
            continue
        x = found.of_erf(node) if node.op_type == "Erf" else found.of_tanh(node)
        last = None if x is None else found.product(node.output[0], x)
        if x is None or last is None:
            continue
        last.op_type = "Gelu"
        del last.input[:]
        last.input.append(x)
        del last.attribute[:]
        if node.op_type == "Tanh":
            last.attribute.append(helper.make_attribute("approximate", "tanh"))


class _Values:
    """Who makes and who reads each value of a graph."""

    def __init__(self, graph: GraphProto) -> None:
        self.tensors = {t.name: t for t in graph.initializer}
        self.producer: dict[str, NodeProto] = {}
        self.users: dict[str, list[NodeProto]] = {}
        self.outputs = {v.name for v in graph.output}
        for node in graph.node:
            self.producer |= dict.fromkeys(node.output, node)
            for v in dict.fromkeys(node.input):
                self.users.setdefault(v, []).append(node)

    def number(self, name: str) -> float:
        """A constant of one element; NaN for everything else."""
        t = self.tensors.get(name)
        node = self.producer.get(name)
        if t is None and node is not None and node.op_type == "Constant":
            t = next((a.t for a in node.attribute if a.type == AttributeProto.TENSOR), None)
        if t is None or t.data_location == TensorProto.EXTERNAL or math.prod(t.dims) != 1:
            return math.nan
        try:
            return float(numpy_helper.to_array(t).ravel()[0])
        except (ValueError, TypeError, IndexError):
            return math.nan

    def _is(self, name: str, wanted: float) -> bool:
        return abs(self.number(name) - wanted) < TOLERANCE * wanted

    def pair(self, name: str, kind: str) -> tuple[str, str]:
        """The operands of the node that makes a value, if it is of that kind."""
        node = self.producer.get(name)
        if node is None or node.op_type != kind or len(node.input) != 2:
            return "", ""
        return node.input[0], node.input[1]

    def beside(self, name: str, kind: str, number: float) -> str:
        """The operand beside a certain number; "" if there is none."""
        a, b = self.pair(name, kind)
        if b and self._is(b, number):
            return a
        return b if a and self._is(a, number) and kind != "Div" else ""

    def of_erf(self, node: NodeProto) -> str | None:
        """The value of which this is erf(x / sqrt 2)."""
        z = node.input[0]
        return self.beside(z, "Div", math.sqrt(2)) or self.beside(z, "Mul", math.sqrt(0.5)) or None

    def of_tanh(self, node: NodeProto) -> str | None:
        """The value of which this is tanh(sqrt(2 / pi) (x + 0.044715 x^3))."""
        a, b = self.pair(self.beside(node.input[0], "Mul", math.sqrt(2 / math.pi)), "Add")
        for x, rest in ((a, b), (b, a)):
            cube = self.beside(rest, "Mul", CUBIC)
            if x and cube and self._is_cube(cube, x):
                return x
        return None

    def _is_cube(self, name: str, x: str) -> bool:
        if self.beside(name, "Pow", 3) == x:
            return True
        a, b = self.pair(name, "Mul")
        return (a == x and self.pair(b, "Mul") == (x, x)) or (
            b == x and self.pair(a, "Mul") == (x, x)
        )

    def product(self, value: str, x: str) -> NodeProto | None:
        """The node that ends x / 2 (1 + value), whose factors come in any order."""
        node = self._only_user(value)
        if node is None or self.beside(node.output[0], "Add", 1) != value:
            return None
        missing: set[str | float] = {x, HALF}
        while missing:
            value = node.output[0]
            node = self._only_user(value)
            factors = None if node is None else self._factors(node, value, x)
            if node is None or factors is None or not factors <= missing:
                return None
            missing -= factors
        return node

    def _factors(self, node: NodeProto, value: str, x: str) -> set[str | float] | None:
        """What a node multiplies a value with."""
        made = node.output[0]
        if self.beside(made, "Mul", HALF) == value or self.beside(made, "Div", 2) == value:
            return {HALF}
        a, b = self.pair(made, "Mul")
        other = b if a == value else a
        if not other or a == b:
            return None
        if other == x:
            return {x}
        halved = self.beside(other, "Mul", HALF) or self.beside(other, "Div", 2)
        return {x, HALF} if halved == x else None

    def _only_user(self, value: str) -> NodeProto | None:
        users = self.users.get(value, [])
        return users[0] if len(users) == 1 and value not in self.outputs else None
