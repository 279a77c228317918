"""Activations that TensorFlow spells as a choice: one function of x above 0, another below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeprune.frontends.from_tflite.file import Operator
from edgeprune.frontends.from_tflite.reader import Reader
from edgeprune.ir import Array
from edgeprune.ops import Compare
from edgeprune.ops.function import Selu

if TYPE_CHECKING:
    import torch

POINTS = np.linspace(-40.0, 40.0, 1601, dtype=np.float32)
"""Where two functions are compared; at the first, exp(x) is nothing beside 1."""
CLOSE = 1e-5  # of 1 + |f(x)|: rounding of their few steps
MOST_STEPS = 8  # from x to one side of a choice


def follow(r: Reader, op: Operator) -> bool:
    """Read a SELECT by x > 0 of what is one function of x; whether it is one."""
    if op.name not in ("SELECT", "SELECT_V2") or len(op.inputs) != 3:
        return False
    condition = r.operand(op, 0).name
    x = next((n.inputs[0] for n in r.nodes if n.output == condition and n.op == Compare(">")), None)
    if x is None:
        return False
    above, below = (_function(r, x, r.file.tensors[v].name) for v in op.inputs[1:])
    if above is None or below is None:
        return False
    wanted = np.where(POINTS > 0, above, below)
    one = int(np.argmin(np.abs(POINTS - 1)))
    made = Selu(float(wanted[one]), -float(wanted[0]), 1.0)
    found = made.evaluate(_rows(POINTS)).numpy()[:, 0]
    if (np.abs(found - wanted) > CLOSE * (1 + np.abs(wanted))).any():
        return False
    r.add(op, made, (x,))
    return True


def _function(r: Reader, x: str, result: str) -> Array | None:
    """What the nodes between two names compute at ``POINTS``; None: no function of x alone."""
    made = {n.output: n for n in r.nodes}
    steps = 0

    def value(name: str) -> torch.Tensor | None:
        nonlocal steps
        steps += 1
        if name == x:
            return _rows(POINTS)
        if name in r.constants:
            held = r.constants[name]
            return _rows(held) if held.size == 1 else None
        node = made.get(name)
        if node is None or not node.op.elementwise or steps > MOST_STEPS:
            return None
        operands = [value(v) for v in node.inputs]
        known = [v for v in operands if v is not None]
        return node.op.evaluate(*known) if len(known) == len(operands) else None

    found = value(result)
    return None if found is None else np.broadcast_to(found.numpy()[:, 0], POINTS.shape)


def _rows(values: Array) -> torch.Tensor:
    """Numbers as samples of one element each."""
    import torch

    return torch.from_numpy(values.reshape(-1, 1).copy())
