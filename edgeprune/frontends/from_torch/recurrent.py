"""Recurrent layers and cells: PyTorch's gates in ONNX's order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from edgeprune.frontends.from_onnx.reader import Call
from edgeprune.frontends.from_onnx.recurrent import (
    Unrolled,
    initial,
    joined,
    matrix_of,
    sequences,
    turned,
)
from edgeprune.frontends.from_onnx.recurrent_forms import GATES, Form, Weights
from edgeprune.frontends.from_onnx.value import Act, Known, Value
from edgeprune.frontends.from_torch.call import Aten
from edgeprune.ir import Array, Op
from edgeprune.ops import Relu, Sigmoid, Tanh

ORDER = {"RNN": "i", "GRU": "rzh", "LSTM": "ifco"}
"""PyTorch's order of the gates, by ONNX's names for them."""


def _form(kind: str, rectified: bool) -> Form:
    functions: dict[str, tuple[Op, ...]] = {
        "RNN": (Relu() if rectified else Tanh(),),
        "GRU": (Sigmoid(), Tanh()),
        "LSTM": (Sigmoid(), Tanh(), Tanh()),
    }
    return Form(functions[kind])


def _weights(n: Aten, kind: str, given: Sequence[Value | None]) -> Weights:
    """From w_ih, w_hh, b_ih, b_hh and w_hr, as many as there are."""
    if not all(isinstance(g, Known) for g in given if g is not None):
        raise n.unsupported("its weights are computed at run time")
    arrays = [g.array if isinstance(g, Known) else None for g in given]
    arrays += [None] * (5 - len(arrays))
    w, r, wb, rb, projection = arrays
    assert w is not None
    assert r is not None

    def by_gate(array: Array | None) -> dict[str, Array]:
        held = np.zeros(len(w)) if array is None else array
        return dict(zip(ORDER[kind], np.split(held, len(GATES[kind])), strict=True))

    return Weights(by_gate(w), by_gate(r), by_gate(wb), by_gate(rb), {}, projection)


def layers(kind: str, *, rectified: bool = False) -> Callable[[Aten], Sequence[Value]]:
    """RNN, GRU and LSTM of several layers, in one direction or both."""

    def convert(n: Aten) -> Sequence[Value]:
        params, count = n.get("params"), int(n.get("num_layers"))
        ways = 1 + bool(n.get("bidirectional", False))
        size = len(params) // max(count * ways, 1)
        has_biases = bool(n.get("has_biases", True))
        first, call = n.get("batch_first", False), _call(n, kind)
        x, _, rows = sequences(n.reader, call, n.value(), first)
        given = n.get("hx") if kind == "LSTM" else [n.value("hx")]
        states = [initial(n.reader, call, s, count * ways, rows) for s in given]
        form, ends = _form(kind, rectified), []
        for layer in range(count):
            made_of: list[Value] = []
            for k in range(ways):
                at = layer * ways + k
                part = params[at * size : (at + 1) * size]
                if not has_biases:
                    part = [*part[:2], None, None, *part[2:]]
                label = f"layer{layer}{'_reverse' if k else ''}/"
                unrolled = Unrolled(n.reader, call, label, _weights(n, kind, part), form)
                made, end = unrolled.run(x, [s[at] for s in states], backwards=bool(k))
                made_of.append(joined(n.reader, call, made, 0, f"{label}steps"))
                ends.append(end)
            x = joined(n.reader, call, made_of, -1, f"layer{layer}/output")
        return [_shaped(n, x, rows, first), *_ends(n, kind, ends, rows)]

    return convert


def cell(kind: str, *, rectified: bool = False) -> Callable[[Aten], Value | Sequence[Value]]:
    """One step: RNNCell, GRUCell and LSTMCell."""

    def convert(n: Aten) -> Value | Sequence[Value]:
        call = _call(n, kind)
        rows = n.shape[0] if len(n.shape) == 2 else 1
        x = matrix_of(n.reader, call, n.value(), rows)
        if not isinstance(x, Act):
            raise n.unsupported("its input is a constant")
        given = n.get("hx") if kind == "LSTM" else [n.value("hx")]
        state = [matrix_of(n.reader, call, s, rows) for s in given]
        held = [n.args.get(k) for k in ("w_ih", "w_hh", "b_ih", "b_hh")]
        unrolled = Unrolled(n.reader, call, "", _weights(n, kind, held), _form(kind, rectified))
        _, end = unrolled.run(x, state, backwards=False)
        results = [n.reader.reshape(call, e, n.shape[:-1] + e.shape[-1:])
                   for e in end if isinstance(e, Act)]  # fmt: skip
        return results if kind == "LSTM" else results[0]

    return convert


def _call(n: Aten, kind: str) -> Call:
    return n.call(kind, ())


def _shaped(n: Aten, x: Act, rows: int, first: bool) -> Value:
    """What a layer makes, with the axes that its input had."""
    call = _call(n, "RNN")
    if len(n.shape) == 2:
        return n.reader.reshape(call, x, x.shape)
    return turned(n.reader, call, x, (x.shape[0] // rows, rows, x.shape[1]),
                  (1, 0, 2) if first else (0, 1, 2))  # fmt: skip


def _ends(n: Aten, kind: str, ends: Sequence[tuple[Value, ...]], rows: int) -> list[Value]:
    """The last states of all layers: (layers, batch, h), or (layers, h)."""
    call = _call(n, kind)
    found: list[Value] = []
    for part in range(len(ends[0])):
        both = joined(n.reader, call, [end[part] for end in ends], 0, f"state{part}")
        batch = (rows,) if len(n.shape) == 3 else ()
        found.append(n.reader.reshape(call, both, (len(ends), *batch, both.shape[-1])))
    return found
