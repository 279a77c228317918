"""What a recurrent node of an ONNX file says: gates, functions, directions, weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from edgeprune.frontends.from_onnx.reader import Call
from edgeprune.ir import Array, Op
from edgeprune.ops import (
    Elu,
    LeakyRelu,
    Relu,
    Sigmoid,
    Tanh,
)
from edgeprune.ops.function import Softplus, Softsign

GATES = {"RNN": "i", "GRU": "zrh", "LSTM": "iofc"}
"""By operator: its gates, in the order of the rows of W, R and B."""


Function = Callable[[float | None], Op]


FUNCTIONS: dict[str, Function] = {
    "elu": lambda a: Elu(1.0 if a is None else a),
    "leakyrelu": lambda a: LeakyRelu(0.01 if a is None else a),
    "relu": lambda a: Relu(),
    "sigmoid": lambda a: Sigmoid(),
    "softplus": lambda a: Softplus(),
    "softsign": lambda a: Softsign(),
    "tanh": lambda a: Tanh(),
}
"""ONNX's activation functions, by their names in small letters, given alpha."""


@dataclass(frozen=True)
class Weights:
    """What one direction has learned.

    Attributes:
        w: by gate, the matrix over the input (h, i).
        r: by gate, the matrix over the state (h, p); p is h, but for a projection.
        wb: by gate, the bias of w (h,).
        rb: by gate, the bias of r (h,).
        peephole: by gate, factors of the cell state (h,); LSTM.
        projection: (p, h), from the cell's output to the state; LSTM.
    """

    w: Mapping[str, Array]
    r: Mapping[str, Array]
    wb: Mapping[str, Array]
    rb: Mapping[str, Array]
    peephole: Mapping[str, Array]
    projection: Array | None = None


@dataclass(frozen=True)
class Form:
    """How the cell computes.

    Attributes:
        functions: the operator's activation functions, in ONNX's order.
        clip: what enters a function is kept within plus and minus this; None: it is not.
        resets_before: GRU: whether the reset gate comes before the matrix, not behind.
        couples: LSTM: whether the forget gate is 1 - the input gate.
    """

    functions: tuple[Op, ...]
    clip: float | None = None
    resets_before: bool = False
    couples: bool = False


def directions(call: Call) -> list[tuple[bool, Weights, Form]]:
    """Whether it runs backwards, its weights and its form, for each direction."""
    gates = GATES[call.kind]
    name = call.attr("direction", b"forward").decode("ascii", "replace")
    backwards = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}.get(name)
    if backwards is None:
        raise call.error(f"its direction is {name!r}")
    w, r = call.need(1), call.need(2)
    count, hidden = len(backwards), r.shape[-1] if r.ndim == 3 else 0
    if w.ndim != 3 or r.shape != (count, len(gates) * hidden, hidden) or w.shape[:2] != r.shape[:2]:
        raise call.error(f"its weights are {list(w.shape)} and {list(r.shape)}")
    b, p = call.known(3), call.known(7)
    biases = np.zeros((count, 2 * len(gates) * hidden)) if b is None else b
    peephole = np.zeros((count, 0)) if p is None else p
    if biases.shape != (count, 2 * len(gates) * hidden) or peephole.shape[1] % hidden:
        raise call.error(f"its biases are {list(biases.shape)}, peepholes {list(peephole.shape)}")
    forms = _forms(call, count)
    found = []
    for k in range(count):
        parts = (w[k], r[k], *np.split(biases[k], 2))
        maps = [dict(zip(gates, np.split(a, len(gates)), strict=True)) for a in parts]
        peeps = dict(zip("iof", peephole[k].reshape(-1, hidden), strict=False))
        found.append((backwards[k], Weights(maps[0], maps[1], maps[2], maps[3], peeps), forms[k]))
    return found


def _forms(call: Call, count: int) -> list[Form]:
    """The form of each direction."""
    usual = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}
    default = usual[call.kind] * count
    given = call.attributes.get("activations") or default
    names = [n.decode("ascii", "replace") if isinstance(n, bytes) else str(n) for n in given]
    alphas = list(call.attributes.get("activation_alpha") or ())
    functions = []
    for name in names:
        make = FUNCTIONS.get(name.lower())
        if make is None:
            raise call.unsupported(f"has the activation {name}", f"use {', '.join(FUNCTIONS)}")
        takes = name.lower() in ("elu", "leakyrelu")
        functions.append(make(float(alphas.pop(0)) if takes and alphas else None))
    if len(functions) != len(default):
        raise call.error(f"has {len(functions)} activations, not {len(default)}")
    each = len(default) // count
    clip = call.attributes.get("clip")
    return [
        Form(
            tuple(functions[k * each : (k + 1) * each]),
            float(clip) if clip else None,
            resets_before=not call.attr("linear_before_reset", 0),
            couples=bool(call.attr("input_forget", 0)),
        )
        for k in range(count)
    ]
