"""The LSTM of int8 files, a loop over its steps."""

from __future__ import annotations

import numpy as np

from edgeprune.ir import Array, DType
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.portable._spell import in_twos, spell
from edgeprune.ops import Lstm


def lstm(request: Request) -> KernelCall | None:
    """Lstm with int8 inputs, states and weights."""
    op, graph, node = request.node.op, request.graph, request.node
    types, y = graph.types_of(node), graph.types[node.output]
    if not isinstance(op, Lstm) or any(t.dtype is not DType.INT8 for t in (*types[:5], y)):
        return None
    weights = [graph.constants[v] for v in node.inputs[3:]]
    cell = op.cell(types, y, *weights)
    steps, inputs = types[0].shape
    n = types[1].shape[1]
    mult, shift = cell.hidden

    def packed(w: Array) -> Array:
        return np.concatenate([in_twos(gate, gate.shape[1]) for gate in np.split(w, 4)])

    def wide(role: str, values: Array, of_weights: int) -> Constant:
        return Constant(role, values.ravel().astype(np.int32), "int32_t", of_weights)

    return spell(
        "ep_lstm_s8",
        {
            "steps": steps,
            "inputs": inputs,
            "units": n,
            "cell_bits": op.cell_bits,
            "clip": op.clip or 32768,
            "mult": mult,
            "shift": shift,
            "zero": cell.zero,
        },
        node.inputs[:3],
        (
            Constant("weights", packed(weights[0])),
            Constant("recurrent", packed(weights[1])),
            wide("bias", cell.bias, 16 * n),
            wide("rescale", cell.scales, 0),
        ),
        shared=("ep_exp_reciprocal_s16", "ep_tile_s16"),
        scratch_bytes=2 * (inputs + inputs % 2 + n + n % 2 + 5 * n),
        instructions=3 * op.macs(*types) + 600 * n * steps,
    )
