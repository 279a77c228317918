"""RNN, GRU and LSTM, step by step over a known length, with the weights of all steps held once.

Every gate has its own matrices: for what all steps read of the input one dense layer, for the state
one a step. A state that is zero, as the first mostly is, takes no part. What a step makes has the
name of its place in the body as ``Node.site``, so that it has one scale over all steps.

After ONNX's operators of these names; gates are called as there. A projection of the state (LSTMP:
Sak et al. 2014, arXiv:1402.1128) is PyTorch's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.recurrent_forms import GATES, Form, Weights, directions
from edgeprune.frontends.from_onnx.shape import pick
from edgeprune.frontends.from_onnx.value import Act, Known, Shape, Value
from edgeprune.ir import Array, Op
from edgeprune.ops import (
    Add,
    Concat,
    Dense,
    Mul,
    Relu,
    Slice,
    Sub,
)

MAX_STEPS = 1024


class Unrolled:
    """One direction of a layer, written out.

    Args:
        reader: the conversion.
        call: the node.
        label: what the direction's nodes are called, below the call's own name.
        weights: of this direction.
        form: of the cell.
    """

    def __init__(
        self, reader: Reader, call: Call, label: str, weights: Weights, form: Form
    ) -> None:
        self.reader, self.call, self.label = reader, call, label
        self.weights, self.form = weights, form
        self.held: dict[str, str] = {}
        self.inputs: dict[str, Act] = {}
        self.rows = 1
        self.at = 0

    def run(
        self, x: Act, state: Sequence[Value], *, backwards: bool
    ) -> tuple[list[Value], tuple[Value, ...]]:
        """All steps.

        Args:
            x: (steps * n, i), in this order in memory, of n sequences.
            state: h (n, p), and for LSTM c (n, h).
            backwards: whether the last step is taken first.

        Returns:
            h of every step, in the order of x, and the last state.
        """
        self.rows = state[0].shape[0]
        merged = {g: self._merged(g) for g in self.weights.w}
        self.inputs = {
            g: self._dense(x, f"w{g}", self.weights.w[g], merged[g]) for g in self.weights.w
        }
        steps = x.type.shape[0] // self.rows
        cell = {"RNN": self._rnn, "GRU": self._gru, "LSTM": self._lstm}[self.call.kind]
        held = tuple(state)
        made: list[Value] = []
        for step in range(steps):
            self.at = steps - 1 - step if backwards else step
            held = cell(held)
            made.append(held[0])
        return made[::-1] if backwards else made, held

    def _splits(self, gate: str) -> bool:
        """Whether the bias over the state is inside of what the reset gate multiplies."""
        return self.call.kind == "GRU" and gate == "h" and not self.form.resets_before

    def _merged(self, gate: str) -> Array:
        own = self.weights.wb[gate].astype(np.float64)
        return own if self._splits(gate) else own + self.weights.rb[gate]

    # -- cells -----------------------------------------------------------------------------------

    def _rnn(self, state: tuple[Value, ...]) -> tuple[Value, ...]:
        return (self._apply(0, self._gate("i", state[0]), "h"),)

    def _gru(self, state: tuple[Value, ...]) -> tuple[Value, ...]:
        (h,) = state
        z = self._apply(0, self._gate("z", h), "z")
        r = self._apply(0, self._gate("r", h), "r")
        if self.form.resets_before:
            n = self._gate("h", self._mul(r, h, "reset"))
        else:
            inner = self._times("h", h, self.weights.rb["h"])
            n = self._add(self._input("h"), self._mul(r, inner, "reset"), "sum_h")
        n = self._apply(1, n, "n")
        away = self._mul(z, self._sub(n, h, "change"), "kept")
        return (self._sub(n, away, "state"),)

    def _lstm(self, state: tuple[Value, ...]) -> tuple[Value, ...]:
        h, c = state
        i = self._apply(0, self._gate("i", h, c), "i")
        g = self._apply(1, self._gate("c", h), "g")
        if self.form.couples:  # (1 - i) c + i g
            c = self._add(c, self._mul(i, self._sub(g, c, "change"), "added"), "cell")
        else:
            f = self._apply(0, self._gate("f", h, c), "f")
            c = self._add(self._mul(f, c, "kept"), self._mul(i, g, "added"), "cell")
        o = self._apply(0, self._gate("o", h, c), "o")
        h = self._mul(o, self._apply(2, c, "squashed", clips=False), "state")
        if self.weights.projection is not None:
            zero = np.zeros(len(self.weights.projection))
            assert isinstance(h, Act)
            h = self._dense(h, "projected", self.weights.projection, zero)
        return h, c

    # -- pieces ----------------------------------------------------------------------------------

    def _gate(self, gate: str, h: Value, c: Value | None = None) -> Value:
        """What enters a gate's function: from the input, the state, and a peephole."""
        total = self._add(self._input(gate), self._times(gate, h, None), f"sum_{gate}")
        if c is None or gate not in self.weights.peephole:
            return total
        factor = Known(self.weights.peephole[gate][None])
        return self._add(total, self._mul(factor, c, f"peep_{gate}"), f"peeped_{gate}")

    def _input(self, gate: str) -> Act:
        """What a gate reads of the input, at this step: (n, h)."""
        whole, n = self.inputs[gate], self.rows
        cut = Slice((self.at * n, 0), (self.at * n + n, whole.type.shape[1]), (1, 1))
        return self._emit(cut, f"x{gate}", whole)

    def _times(self, gate: str, h: Value, bias: Array | None) -> Value:
        """The product of a gate's matrix with the state, and a bias."""
        r = self.weights.r[gate]
        offset = np.zeros(len(r)) if bias is None else bias
        if isinstance(h, Known):
            return Known(h.array.astype(np.float64) @ r.T + offset)
        return self._dense(h, f"r{gate}", r, offset)

    def _dense(self, x: Act, role: str, w: Array, b: Array) -> Act:
        names = [self._constant(f"{role}/{k}", v) for k, v in (("weights", w), ("bias", b))]
        return self._emit(Dense(), role, x, *names)

    def _constant(self, role: str, values: Array) -> str:
        """A constant that all steps share."""
        if role not in self.held:
            self.held[role] = self.reader.constant(self.call, values, f"{self.label}{role}")
        return self.held[role]

    def _apply(self, number: int, x: Value, role: str, *, clips: bool = True) -> Value:
        """One of the activation functions."""
        op = self.form.functions[number]
        if isinstance(x, Known):
            import torch

            held = torch.from_numpy(np.asarray(x.array, np.float64))
            return Known(op.evaluate(held).numpy())
        if self.form.clip is not None and clips:
            x = self._emit(Relu((-self.form.clip, self.form.clip)), f"clip_{role}", x)
        return self._emit(op, role, x)

    def _add(self, a: Value, b: Value, role: str) -> Value:
        if isinstance(a, Known) and isinstance(b, Known):
            return Known(a.array + b.array)
        for known, other in ((a, b), (b, a)):
            if isinstance(known, Known) and not known.array.any():
                return other
        return self._emit(Add(), role, a, b)

    def _sub(self, a: Value, b: Value, role: str) -> Value:
        if isinstance(a, Known) and isinstance(b, Known):
            return Known(a.array - b.array)
        if isinstance(b, Known) and not b.array.any():
            return a
        return self._emit(Sub(), role, a, b)

    def _mul(self, a: Value, b: Value, role: str) -> Value:
        if isinstance(a, Known) and isinstance(b, Known):
            return Known(a.array * b.array)
        for known in (a, b):
            if isinstance(known, Known) and not known.array.any():
                return Known(np.zeros_like(known.array))
        return self._emit(Mul(), role, a, b)

    def _emit(self, op: Op, role: str, *operands: Value | str) -> Act:
        """A node of this step: of the site of that role, if it is in the loop."""
        named = [
            self.reader.constant(self.call, v.array, f"{self.label}{role}/held")
            if isinstance(v, Known)
            else v
            for v in operands
        ]
        site = f"{self.call.name}/{self.label}{role}"
        made = self.reader.emit(self.call, op, *named, role=f"{self.label}{role}", site=site)
        return Act(made[0], made[1], tuple(range(len(made[1].shape))), None)


# -- the operators ---------------------------------------------------------------------------------


def recurrent(r: Reader, call: Call) -> Sequence[Value]:
    """RNN, GRU and LSTM: Y, Y_h and, of LSTM, Y_c."""
    given = directions(call)
    first = call.attr("layout", 0) == 1
    x, steps, n = sequences(r, call, call.operand(0), first)
    lengths = call.known(4)
    if lengths is not None and (lengths != steps).any():
        raise call.unsupported(f"its sequence_lens is not {steps}", "leave sequence_lens out")
    hidden = len(given[0][1].rb[GATES[call.kind][0]])
    count, states = len(given), 2 if call.kind == "LSTM" else 1
    starts = [_initial(r, call, 5 + i, (count, n, hidden), first) for i in range(states)]
    rows, ends = [], []
    for k, (backwards, weights, form) in enumerate(given):
        label = "" if count == 1 else "backwards/" if backwards else "forwards/"
        layer = Unrolled(r, call, label, weights, form)
        made, end = layer.run(x, [s[k] for s in starts], backwards=backwards)
        rows.append(joined(r, call, made, 0, f"{label}steps"))
        ends.append(end)
    both = joined(r, call, rows, -1, "directions")
    results = [
        turned(r, call, both, (steps, n, count, hidden), (1, 0, 2, 3) if first else (0, 2, 1, 3))
    ]
    for part in range(states):
        last = joined(r, call, [end[part] for end in ends], 0, f"state{part}")
        order = (1, 0, 2) if first else (0, 1, 2)
        results.append(turned(r, call, last, (count, n, hidden), order))
    return results


def turned(r: Reader, call: Call, x: Act, shape: Shape, order: Shape) -> Act:
    """A matrix in another shape, and its axes in another order."""
    made = r.unbatched(call, r.reshape(call, x, shape))
    if order == tuple(range(len(order))):
        return made
    made = r.plain(call, made)
    return replace(made, perm=tuple(made.perm[a] for a in order))


def joined(r: Reader, call: Call, parts: Sequence[Value], axis: int, role: str) -> Act:
    """Matrices one behind the other."""
    held = [p for p in parts if isinstance(p, Act)]
    assert len(held) == len(parts), "every step reads the input"
    if len(held) == 1:
        return held[0]
    name, made = r.emit(call, Concat(axis), *held, role=role)
    return Act(name, made, (0, 1), None)


def matrix_of(r: Reader, call: Call, x: Value, count: int) -> Value:
    """A value as a matrix of so many rows, in this order in memory."""
    if isinstance(x, Known):
        return Known(np.asarray(x.array, np.float64).reshape(count, -1))
    flat = r.plain(call, r.unbatched(call, x))
    matrix = r.unbatched(call, r.reshape(call, flat, (count, flat.type.size // count)))
    return r.ordered(call, matrix, (0, 1))


def sequences(r: Reader, call: Call, x: Value, first: bool) -> tuple[Act, int, int]:
    """The input as (steps * n, i), step by step; how many steps; how many sequences.

    Args:
        r: the conversion.
        call: the node.
        x: (steps, n, i), or (steps, i).
        first: whether n comes first.
    """
    if isinstance(x, Known):
        raise call.unsupported("its input is a constant", "fold constants before export")
    if len(x.shape) not in (2, 3):
        raise call.error(f"its operand has shape {list(x.shape)}")
    x = r.unbatched(call, x)
    if first and len(x.shape) == 3:
        x = turned(r, call, x, x.shape, (1, 0, 2))
    steps, n = x.shape[0], 1 if len(x.shape) == 2 else x.shape[1]
    if steps > MAX_STEPS:
        raise call.unsupported(f"has {steps} steps", f"use {MAX_STEPS} at most")
    made = matrix_of(r, call, x, steps * n)
    assert isinstance(made, Act)
    return made, steps, n


def initial(r: Reader, call: Call, value: Value, count: int, n: int) -> list[Value]:
    """A state that is given, (count, n, h), as (n, h) for each direction."""
    rows = matrix_of(r, call, value, count * n)
    if isinstance(rows, Known):
        return [Known(part) for part in np.split(rows.array, count)]
    if count == 1:
        return [rows]
    parts = [
        pick(r, call, rows, 0, list(range(k * n, k * n + n)), role=f"initial{k}")
        for k in range(count)
    ]
    return [r.ordered(call, p, (0, 1)) for p in parts]


def _initial(r: Reader, call: Call, i: int, shape: Shape, first: bool) -> list[Value]:
    count, n, hidden = shape
    value = call.optional(i) or Known(np.zeros((n, count, hidden) if first else shape))
    wanted = (n, count, hidden) if first else shape
    if value.shape != wanted:
        raise call.error(f"an initial state has shape {list(value.shape)}, not {list(wanted)}")
    if first and isinstance(value, Known):
        value = Known(value.array.transpose(1, 0, 2))
    elif first and isinstance(value, Act):
        value = turned(r, call, r.unbatched(call, value), wanted, (1, 0, 2))
    return initial(r, call, value, count, n)
