"""The loop of layers that run by rows: in each turn the calls of those that have rows to make.

What differs from turn to turn (parameters, places within what is kept, bytes that move) is in small
tables in flash, and a number where it never differs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from edgeprune.emit.to_c.feed import Feed
from edgeprune.emit.to_c.program import c_type
from edgeprune.emit.to_c.writer import array
from edgeprune.ir import Graph, Node, Span
from edgeprune.kernels.call import KernelCall
from edgeprune.planner import aside

Statements = Callable[[KernelCall, str, Sequence[str], str], list[str]]


@dataclass(frozen=True)
class RowLayer:
    """A layer of the loop.

    Attributes:
        node: what it computes.
        prefix: what its names in C begin with.
        forms: its calls, which differ in their parameters.
        turns: by turn, the number of its form; None where it makes no rows.
    """

    node: Node
    prefix: str
    forms: tuple[KernelCall, ...]
    turns: tuple[int | None, ...]

    @classmethod
    def of(cls, node: Node, prefix: str, call: KernelCall) -> RowLayer:
        """From the call of each turn."""
        forms: list[KernelCall] = []
        turns: list[int | None] = []
        for turn in call.turns:
            if turn is None:
                turns.append(None)
                continue
            same = [f.function == turn.function and f.params == turn.params for f in forms]
            at = same.index(True) if any(same) else len(forms)
            forms += [turn] if at == len(forms) else []
            turns.append(at)
        return cls(node, prefix, tuple(forms), tuple(turns))


class RowLoop:
    """Writes the loop.

    Args:
        graph: the network.
        span: what runs by rows.
        pointers: by value, and by :func:`aside` of one, C's address of its first byte in the arena,
            or an argument.
        fed: how an input comes row by row, where a turn is a function of its own; or None.
        name: what that function's begins with.
    """

    def __init__(
        self, graph: Graph, span: Span, pointers: Mapping[str, str], fed: Feed | None, name: str
    ) -> None:
        self._graph = graph
        self._span = span
        self._pointers = pointers
        self.data: list[str] = []
        self._ahead: list[str] = []
        self._body: list[str] = []
        self._leave: dict[str, list[str]] = {}
        self._fed = fed
        self._name = name

    @property
    def lines(self) -> list[str]:
        """Statements, the loop and what is in front of it."""
        count = len(self._span.turns)
        head = f"for (int32_t turn = 0; turn < {count}; turn++) {{"
        inner = self._body
        if self._fed is not None:
            inner = [f"        {self._name}_turn(arena_, turn, &x, &y);"]
        return ["{", *(f"    {line}" for line in (*self._ahead, head)), *inner, "    }", "}"]

    @property
    def function(self) -> list[str]:
        """A turn, where it is a function of its own."""
        if self._fed is None:
            return []
        made = c_type(self._graph.types[self._span.result])
        arguments = f"uint8_t *arena_, int32_t turn, const {self._fed.c_type} **x, {made} **y"
        head = f"static EP_NOINLINE void {self._name}_turn({arguments})"
        return [head, "{", *(line[4:] for line in self._body), "}", ""]

    @property
    def moves(self) -> bool:
        """Whether rows are moved."""
        return any("ep_move_rows" in line for line in self._body)

    def add(self, layer: RowLayer, mark: str, statements: Statements) -> None:
        """One more layer.

        Args:
            layer: what it does when.
            mark: the statement that profilers see.
            statements: of a call, given C's expressions for the parameters, its inputs, and its
                output.
        """
        table = _Table(layer.prefix, layer.turns)
        form = table.number("form", [0 if f is None else f for f in layer.turns])
        behind: list[str] = []
        operands = layer.forms[0].inputs
        inputs: dict[str, str] = {}  # one that is read more than once is read at the same rows
        for v in dict.fromkeys(operands):
            inputs[v], after = self._input(layer, v, f"x{len(inputs)}", table)
            behind += after
        output, after = self._output(layer, table)
        called = _chosen(layer, form, statements, [inputs[v] for v in operands], output)
        lines = [mark, *called, *behind, *after]
        self.data += table.data
        made = layer.node.output
        before, self._leave[made] = self._moved(layer.prefix, made)
        read = [v for v in inputs if layer.node is self._span.last_reader.get(v)]
        saved = [line for v in read if v in self._span.aside for line in self._leave[v]]
        moved = [line for v in read if v not in self._span.aside for line in self._leave[v]]
        # what stays aside goes there first, as the result may lie over the rest
        body = (*saved, *before, *table.guarded(lines), *moved)
        self._body += [f"        {line}" for line in body]

    def _input(
        self, layer: RowLayer, value: str, word: str, table: _Table
    ) -> tuple[str, list[str]]:
        """The pointer to the first row that is read, and what moves it on."""
        span = self._span
        if value not in span.inner and value not in span.read:
            return self._pointers[value], []
        operand = layer.node.inputs.index(value)
        starts = self._by_turn(layer, lambda t: t.made[layer.node.name][1].rows[operand].start)
        if value in span.inner:
            low = self._by_turn(layer, lambda t: t.held[value].start)
            at = [self._bytes(value, s - b) for s, b in zip(starts, low, strict=True)]
            return self._within(value, table.number(f"{word}_at", at)), []
        return self._running(layer, value, word, starts, table, const=True)

    def _output(self, layer: RowLayer, table: _Table) -> tuple[str, list[str]]:
        """The pointer to the first row that is made, and what moves it on."""
        span, value = self._span, layer.node.output
        starts = self._by_turn(layer, lambda t: t.made[layer.node.name][0].start)
        if value == span.result:
            return self._running(layer, value, "y", starts, table)
        low = self._by_turn(layer, lambda t: t.held[value].start)
        at = [self._bytes(value, s - b) for s, b in zip(starts, low, strict=True)]
        return self._within(value, table.number("y_at", at)), []

    def _moved(self, prefix: str, value: str) -> tuple[list[str], list[str]]:
        """What moves rows that stay, in front of what makes a value and at its last reader."""
        span, turns = self._span, range(len(self._span.turns))
        if value not in span.lasting:
            return [], []
        moves = [span.moves(value, i) for i in turns]
        table = _Table(f"{prefix}_rows", [0 if m.back or m.left else None for m in moves])
        if not table.is_used:
            return [], []

        def number(word: str, rows: Sequence[int]) -> str:
            return table.number(word, [self._bytes(value, n) for n in rows])

        place = self._pointers[value]
        stay = self._pointers[aside(value)] if value in span.aside else place
        back = number("back", [m.back for m in moves])
        below = number("below", [m.below for m in moves])
        left = number("left", [m.left for m in moves])
        get = [f"ep_move_rows({place}, {stay}, {back});"] if value in span.aside else []
        put = [f"ep_move_rows({stay}, {place} + {below}, {left});"]
        self.data += table.data
        return table.guarded(get) if get else [], table.guarded(put)

    def _running(
        self,
        layer: RowLayer,
        value: str,
        word: str,
        starts: Sequence[int],
        table: _Table,
        *,
        const: bool = False,
    ) -> tuple[str, list[str]]:
        """A pointer of its own, moved on behind each call."""
        t = self._graph.types[value]
        kind = f"{'const ' if const else ''}{c_type(t)}"
        row = t.size // t.shape[0]
        pointer = self._pointers[value]
        if pointer.startswith("arena_"):
            pointer = f"({kind} *)(void *)({pointer})"
        name = f"{layer.prefix}_{word}" if self._fed is None else word[0]
        used = [i for i, f in enumerate(layer.turns) if f is not None]
        above = starts[used[0]] * row  # rows that are cut off
        self._ahead.append(f"{kind} *{name} = {pointer}{f' + {above}' if above else ''};")
        if self._fed is not None:
            name = f"(*{name})"
        step = [0] * len(starts)
        for i, j in pairwise(used):
            step[i] = (starts[j] - starts[i]) * row
        by = table.number(f"{word}_step", step)
        return name, [] if by == "0" else [f"{name} += {by};"]

    def _by_turn(self, layer: RowLayer, of: Callable[..., int]) -> list[int]:
        turns = zip(self._span.turns, layer.turns, strict=True)
        return [0 if form is None else of(turn) for turn, form in turns]

    def _bytes(self, value: str, rows: int) -> int:
        t = self._graph.types[value]
        return rows * (t.nbytes // t.shape[0])

    def _within(self, value: str, at: str) -> str:
        place = self._pointers[value] + ("" if at == "0" else f" + {at}")
        return f"({c_type(self._graph.types[value])} *)(void *)({place})"


def _chosen(
    layer: RowLayer, form: str, statements: Statements, inputs: Sequence[str], output: str
) -> list[str]:
    """The call of the form that a turn has: one statement where only its parameters differ."""
    params, count = f"{layer.prefix}_params", len(layer.forms)
    if count == 1:
        return statements(layer.forms[0], params, inputs, output)
    if len({f.function for f in layer.forms}) == 1:
        return statements(layer.forms[0], f"{params}[{form}]", inputs, output)
    lines = []
    for i, call in enumerate(layer.forms):
        test = f"if ({form} == {i}) {{" if i < count - 1 else "{"
        lines.append(test if i == 0 else f"}} else {test}")
        lines += [f"    {s}" for s in statements(call, f"{params}[{i}]", inputs, output)]
    return [*lines, "}"]


class _Table:
    """What a layer does in its turns: equal ones are one row of the tables."""

    def __init__(self, prefix: str, turns: Sequence[int | None]) -> None:
        self._prefix = prefix
        self._used = [i for i, f in enumerate(turns) if f is not None]
        self._count = len(turns)
        self._columns: dict[str, list[int]] = {}

    def number(self, name: str, values: Sequence[int]) -> str:
        """C's expression for a number that there is one of in every turn."""
        used = [values[i] for i in self._used]
        if len(set(used)) == 1:
            return str(used[0])
        self._columns[name] = used
        return f"{self._prefix}_{name}[k]"

    @property
    def _rows(self) -> list[tuple[int, ...]]:
        return list(zip(*self._columns.values(), strict=True)) or [()] * len(self._used)

    @property
    def data(self) -> list[str]:
        """The tables."""
        distinct = list(dict.fromkeys(self._rows))
        made = []
        for i, name in enumerate(self._columns):
            values = np.asarray([row[i] for row in distinct])
            wide = "uint16_t" if values.min() >= 0 and values.max() < 1 << 16 else "int32_t"
            kind = np.uint16 if wide == "uint16_t" else np.int32
            made.append(array(f"{self._prefix}_{name}", values.astype(kind), wide, ""))
        if self._is_guarded:
            numbers = np.zeros(self._count, np.uint8)
            numbers[self._used] = [1 + distinct.index(row) for row in self._rows]
            made.append(array(f"{self._prefix}_turn", numbers, "uint8_t", ""))
        return made

    @property
    def is_used(self) -> bool:
        """Whether any turn has a row."""
        return bool(self._used)

    @property
    def _is_guarded(self) -> bool:
        return bool(self._columns) or len(self._used) < self._count

    def guarded(self, lines: Sequence[str]) -> list[str]:
        """Statements in those turns that have them."""
        if not self._is_guarded:
            return list(lines)
        uses = any("[k]" in line for line in lines)
        every = len(self._used) == self._count
        number = f"{self._prefix}_turn[turn]"
        head = [f"const int32_t k = {number} - 1;"] if uses else []
        test = [] if every else ["if (k >= 0) {" if uses else f"if ({number} != 0) {{"]
        close = [] if every else ["}"]
        inner = lines if every else [f"    {line}" for line in lines]
        return ["{", *(f"    {line}" for line in (*head, *test, *inner, *close)), "}"]
